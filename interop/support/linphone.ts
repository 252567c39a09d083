import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, answersIn } from "./answers.js";
import { startProgram } from "./program.js";
import { temporaryFolder } from "./server.js";
import { until } from "./until.js";

export interface LinphoneOptions {
  /** `sip:alice@example.com` */
  readonly aor: string;
  readonly password: string;
  /** Whom it registers with: `sip:localhost:5061;transport=tls`. */
  readonly server: string;
  /** Certificates of the authorities that it believes, PEM; it verifies those of servers. */
  readonly rootCa?: string;
}

/** linphonec, told what to do on its standard input. */
export interface Linphone {
  /** Every SIP answer that it has logged. */
  answers(): Answer[];
  /** Unregisters, and ends. */
  quit(): Promise<void>;
}

/** Slow programs on a busy machine. */
const PATIENCE_MS = 30_000;

/** Starts a phone and resolves when it says that it is registered. */
export async function startLinphone(options: LinphoneOptions): Promise<Linphone> {
  const { aor, password, server, rootCa } = options;
  const folder = temporaryFolder();
  const settings = join(folder, "linphonerc");
  const log = join(folder, "log");
  mkdirSync(join(folder, ".local", "share", "linphone"), { recursive: true });
  writeFileSync(
    settings,
    [
      "[sip]",
      ...["sip_port=-1", "sip_tcp_port=-1", "sip_tls_port=-1", "guess_hostname=0"],
      ...(rootCa === undefined ? [] : [`root_ca=${rootCa}`, "verify_server_certs=1", "verify_server_cn=1"]),
      "",
    ].join("\n"),
  );
  const program = startProgram("env", [
    ...[`HOME=${folder}`, `XDG_DATA_HOME=${join(folder, ".local", "share")}`],
    ...["linphonec", "-d", "6", "-l", log, "-c", settings],
  ]);
  const say = (line: string): void => {
    program.child.stdin?.write(`${line}\n`);
  };
  const logged = (): string => readFileSync(log, "latin1");
  // what is typed before it has begun is lost
  await until(() => program.printed().includes("Warning: video"), PATIENCE_MS);
  say(`register ${aor} ${server} ${password}`);
  await until(() => {
    say("status register");
    return program.printed().includes(`registered, identity=${aor}`);
  }, PATIENCE_MS).catch((error: unknown) => {
    throw new Error(`linphonec is not registered:\n${logged().slice(-5000)}`, { cause: error });
  });
  return {
    answers: () => answersIn(logged()),
    async quit() {
      say("quit");
      await program.end();
    },
  };
}
