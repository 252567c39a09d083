import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { atEnd } from "./endings.js";

/** A program that runs beside the test and is talked to line by line. */
export interface Program {
  readonly child: ChildProcess;
  /** All it has printed, on stdout and stderr. */
  printed(): string;
  /** Writes a line to its standard input and resolves with the next line of its standard output. */
  ask(line: string): Promise<string>;
  /** Ends it by a signal, or at the end of its input when none is named, and waits for that; resolves to its status. */
  end(signal?: NodeJS.Signals): Promise<number>;
}

/** How long one answer may take, and an end. */
const PATIENCE_MS = 15_000;
const OUTPUT_LIMIT = 1_000_000;

/** Starts a program; it goes with the test file at the latest. */
export function startProgram(program: string, args: readonly string[], cwd?: string): Program {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"], cwd });
  atEnd(() => child.kill("SIGKILL"));
  const ended = once(child, "close").then(([code]) => (code as number | null) ?? -1);
  let printed = "";
  const collect = (chunk: Buffer) => {
    if (printed.length < OUTPUT_LIMIT) printed += chunk.toString("utf8");
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  child.stdin.on("error", () => {});
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const within = async <T>(work: Promise<T>, what: string): Promise<T> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`${program}: ${what}\n${printed}`)), PATIENCE_MS);
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    child,
    printed: () => printed,
    async ask(line) {
      child.stdin.write(`${line}\n`);
      const next = await within(lines.next(), `no answer to "${line}"`);
      if (next.done === true) throw new Error(`${program} ended before it answered "${line}":\n${printed}`);
      return next.value;
    },
    async end(signal) {
      if (signal === undefined) child.stdin.end();
      else child.kill(signal);
      return within(ended, "does not end");
    },
  };
}
