import { once } from "node:events";
import type { Readable, Writable } from "node:stream";

/** Where a command reads and writes; handed in, so that commands run in tests as they do in a shell. */
export interface CliIo {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable;
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
}

/** The streams of this process. */
export function processIo(): CliIo {
  return { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, nowMs: () => Date.now() };
}

/** A command ends with this status: 1 for what is not there or cannot be done, 2 for bad usage or configuration. */
export type ExitStatus = 0 | 1 | 2;

/** A command that cannot be carried out, told in one line on stderr. */
export class CliError extends Error {
  readonly status: ExitStatus;
  constructor(status: ExitStatus, message: string) {
    super(message);
    this.name = "CliError";
    this.status = status;
  }
}

/** Writes to stdout and waits while its reader is slow, so that long lists need no memory. */
export async function write(io: CliIo, text: string): Promise<void> {
  if (!io.stdout.write(text)) await once(io.stdout, "drain");
}

/** One line on stderr. */
export function complain(io: CliIo, line: string): void {
  io.stderr.write(`rollcall: ${line}\n`);
}
