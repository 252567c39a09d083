import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "./ports.js";
import { startProgram } from "./program.js";
import { temporaryFolder } from "./server.js";
import { until } from "./until.js";

const SCENARIOS = join(import.meta.dirname, "..", "scenarios");

export interface SippOptions {
  /** Name of a file in `interop/scenarios`, without its ending. */
  readonly scenario: string;
  /** Port of the server on 127.0.0.1. */
  readonly server: number;
  /** Whom it calls, or who it is: `bob@example.com`. */
  readonly service: string;
  /** Who calls: `alice@example.com`. */
  readonly caller?: string;
  /** Password of the caller, where it is asked for one. */
  readonly password?: string;
  /** Takes the place of STATUS in the scenario. */
  readonly status?: number;
  /** Seconds after which it gives up; 20 when not given. */
  readonly patienceSec?: number;
}

/** One run of sipp: one call, as its scenario says. */
export interface Sipp {
  readonly port: number;
  /** Resolves to its exit status: 0 when the call went as the scenario says. */
  done(): Promise<number>;
  /** What it logged: the messages, and why the call failed. */
  log(): string;
}

/** Starts a scenario over UDP, and resolves when its socket is bound. */
export async function startSipp(options: SippOptions): Promise<Sipp> {
  const { scenario, server, service, caller = "", password, status, patienceSec = 20 } = options;
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder, "scenario.xml");
  const text = readFileSync(join(SCENARIOS, `${scenario}.xml`), "latin1");
  writeFileSync(file, status === undefined ? text : text.replaceAll("STATUS", String(status)));
  const program = startProgram(
    "sipp",
    [
      `127.0.0.1:${server}`,
      ...["-sf", file, "-i", "127.0.0.1", "-p", String(port), "-s", service, "-key", "caller", caller],
      ...(password === undefined
        ? []
        : // as a digest-uri sipp takes the server's address otherwise, whatever is asked for
          ["-au", caller.slice(0, caller.indexOf("@")), "-ap", password, "-auth_uri", service]),
      ...`-m 1 -nostdin -timeout ${patienceSec} -timeout_error -trace_msg -message_file`.split(" "),
      join(folder, "messages.log"),
      ..."-trace_err -error_file".split(" "),
      join(folder, "errors.log"),
    ],
    folder,
  );
  const ended = once(program.child, "close").then(([code]) => (code as number | null) ?? -1);
  await until(() => isBound(port) || program.child.exitCode !== null, 10_000);
  const read = (name: string): string => {
    try {
      return readFileSync(join(folder, name), "latin1");
    } catch {
      return "";
    }
  };
  return {
    port,
    done: () => ended,
    log: () => `${read("errors.log")}${read("messages.log")}`,
  };
}

/** Is there a UDP socket on this port? By the table of the kernel, since sipp says nothing of it. */
function isBound(port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return readFileSync("/proc/net/udp", "latin1").includes(`:${hex} `);
}
