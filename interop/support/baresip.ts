import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { freePort } from "./ports.js";
import { type Program, startProgram } from "./program.js";
import { temporaryFolder } from "./server.js";
import { until } from "./until.js";

export interface BaresipOptions {
  /** `alice` of `sip:alice@example.com`. */
  readonly user: string;
  readonly domain: string;
  readonly transport: "udp" | "tcp" | "tls";
  /** Port of the server on 127.0.0.1: everything that the phone sends goes there. */
  readonly server: number;
  readonly password?: string;
  /** Takes each call at once; it only rings when not given. */
  readonly answers?: boolean;
  /** More parameters of its account: `sipnat=outbound`. */
  readonly params?: readonly string[];
  /** Prints every SIP message. */
  readonly traces?: boolean;
}

/** What a phone counted of the audio of its last call. */
export interface Audio {
  readonly sent: number;
  readonly received: number;
}

/** baresip without a terminal, told what to do over its control connection. Its audio goes from its player to its source. */
export interface Baresip {
  /** All it has printed. */
  printed(): string;
  /** Resolves when it has printed this, once more than before. */
  says(text: string, timeoutMs?: number): Promise<void>;
  /** Carries out a command of its menu: `dial sip:bob@example.com`, `hangup`. */
  command(name: string, params?: string): void;
  /** RTP packets of the last call, which is over; `undefined` before. */
  audio(): Audio | undefined;
  end(): Promise<void>;
}

/** Slow programs on a busy machine. */
const PATIENCE_MS = 20_000;
let phones = 0;

/** Starts a phone and resolves when it is registered, or has been refused. */
export async function startBaresip(options: BaresipOptions): Promise<Baresip> {
  const folder = temporaryFolder();
  const control = await freePort();
  const { user, domain, transport, server, password, answers = false } = options;
  const params = [
    `outbound="sip:127.0.0.1:${server};transport=${transport}"`,
    "regint=60",
    ...(password === undefined ? [] : [`auth_user=${user}`, `auth_pass=${password}`]),
    ...(answers ? ["answermode=auto"] : []),
    ...(options.params ?? []),
  ];
  writeFileSync(
    join(folder, "accounts"),
    `<sip:${user}@${domain};transport=${transport}>;${params.join(";")}\n`,
  );
  // without a line end, as baresip writes it itself
  writeFileSync(join(folder, "uuid"), `0b3a4dbc-5c0e-4e5d-8a3e-${String(++phones).padStart(12, "0")}`);
  writeFileSync(join(folder, "config"), configOf(control));
  const program = startProgram("baresip", ["-f", folder, ...(options.traces === true ? ["-s"] : [])]);
  program.child.stdin?.end();
  try {
    await until(
      () => /\d{3} .*\(.*\) \[\d+ bindings?\]|reg: .*failed|\b40[13] /.test(program.printed()),
      PATIENCE_MS,
    );
    return phoneOf(program, await controlOf(control));
  } catch (error) {
    await program.end("SIGKILL");
    throw new Error(`baresip: ${program.printed()}`, { cause: error });
  }
}

function configOf(control: number): string {
  return [
    "poll_method epoll",
    "sip_listen 127.0.0.1:0",
    "sip_verify_server no",
    // what the player gets, the source sends; a ringback tone would take the player away
    "audio_player aubridge,x",
    "audio_source aubridge,x",
    "ringback_disabled yes",
    "rtp_stats yes",
    "module_path /usr/lib/baresip/modules",
    ...["uuid", "account", "g711", "aubridge"].map((name) => `module ${name}.so`),
    "module_app menu.so",
    "module ctrl_tcp.so",
    `ctrl_tcp_listen 127.0.0.1:${control}`,
    "",
  ].join("\n");
}

function controlOf(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => resolve(socket));
    socket.on("error", reject);
    // events are printed as well
    socket.resume();
  });
}

function phoneOf(program: Program, control: Socket): Baresip {
  const heard = new Map<string, number>();
  const times = (text: string) => program.printed().split(text).length - 1;
  return {
    printed: program.printed,
    async says(text, timeoutMs = PATIENCE_MS) {
      const before = heard.get(text) ?? 0;
      await until(() => times(text) > before, timeoutMs).catch((error: unknown) => {
        throw new Error(`baresip never said "${text}":\n${program.printed().slice(-3000)}`, { cause: error });
      });
      heard.set(text, before + 1);
    },
    command(name, params = "") {
      const message = JSON.stringify({ command: name, params, token: name });
      control.write(`${message.length}:${message},`);
    },
    audio() {
      const last = [...program.printed().matchAll(/^packets: +(\d+) +(\d+)$/gm)].at(-1);
      return last === undefined ? undefined : { sent: Number(last[1]), received: Number(last[2]) };
    },
    async end() {
      control.destroy();
      await program.end("SIGTERM");
    },
  };
}
