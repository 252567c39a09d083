import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { atEnd } from "./endings.js";
import { type Ran, run } from "./run.js";

/** The program under test. */
export const MAIN = join(import.meta.dirname, "..", "..", "dist", "cli", "main.js");

/** A `rollcall serve` process under test. */
export interface ServerUnderTest {
  readonly child: ChildProcess;
  /** Folder of the embedded store. */
  readonly data: string;
  /** Bound port by transport. */
  readonly ports: Readonly<Record<string, number>>;
  /** Bound port of the admin listener, or 0 when it is off. */
  readonly adminPort: number;
  /** All JSON log lines so far. */
  readonly log: readonly Readonly<Record<string, unknown>>[];
  /** Kills it (SIGTERM unless said otherwise) and waits for its end; resolves to the exit status, -1 for a signal. */
  stop(signal?: NodeJS.Signals): Promise<number>;
}

export interface ServeOptions {
  /** Arguments behind `serve`; listeners on ports of 0 are given when none is named. */
  readonly args?: readonly string[];
  /** Folder of the store; a fresh temporary one when not given. */
  readonly data?: string;
}

/** A temporary folder that goes with the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-"));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Starts `rollcall serve` on loopback and resolves once it logs `ready`; rejects with what it printed when it ends before. */
export async function serve(options: ServeOptions = {}): Promise<ServerUnderTest> {
  const data = options.data ?? join(temporaryFolder(), "data");
  const args = [...(options.args ?? [])];
  if (!args.includes("--listen") && !args.includes("--config")) {
    for (const transport of ["udp", "tcp", "ws"]) args.push("--listen", `${transport}:127.0.0.1:0`);
  }
  if (!args.includes("--admin") && !args.includes("--config")) args.push("--admin", "127.0.0.1:0");
  const child = spawn(process.execPath, [MAIN, "serve", "--data", data, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  atEnd(() => child.kill("SIGKILL"));
  const log: Record<string, unknown>[] = [];
  let printed = "";
  let rest = "";
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    child.stdout.on("data", (chunk: Buffer) => {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        printed = `${printed}${line}\n`.slice(-20_000);
        const entry = JSON.parse(line) as Record<string, unknown>;
        log.push(entry);
        if (entry.msg === "ready") resolve(entry);
      }
    });
    child.stderr.on("data", (chunk: Buffer) => {
      printed = `${printed}${chunk.toString("utf8")}`.slice(-20_000);
    });
    child.on("exit", (code) =>
      reject(new Error(`rollcall serve ended with ${code} before it was ready:\n${printed}`)),
    );
  });
  const line = await ready;
  const ports: Record<string, number> = {};
  for (const listener of line.listeners as string[]) {
    ports[listener.slice(0, listener.indexOf(":"))] ??= Number(listener.slice(listener.lastIndexOf(":") + 1));
  }
  const admin =
    typeof line.admin === "string" ? Number(line.admin.slice(line.admin.lastIndexOf(":") + 1)) : 0;
  return {
    child,
    data,
    ports,
    adminPort: admin,
    log,
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode ?? -1;
      const ended = once(child, "exit");
      child.kill(signal);
      const [code] = (await ended) as [number | null];
      return code ?? -1;
    },
  };
}

/** Runs one `rollcall` command to its end. */
export function rollcall(args: readonly string[], input = ""): Promise<Ran> {
  return run(process.execPath, [MAIN, ...args], { input });
}
