import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { CliError, type CliIo } from "./io.js";

/** How a password is given on the command line. */
export interface PasswordOptions {
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

const MOST_CHARACTERS = 1024;

/** The password that a command was given: as an argument, as the first line of stdin, or typed twice without an echo. */
export async function askPassword(io: CliIo, options: PasswordOptions): Promise<string> {
  if (options.password !== undefined && options.passwordStdin === true) {
    throw new CliError(2, "--password and --password-stdin exclude each other");
  }
  if (options.password !== undefined) return checked(options.password);
  if (options.passwordStdin === true) return checked(await firstLine(io));
  if (io.stdin.isTTY !== true) {
    throw new CliError(2, "no password given; use --password-stdin, --password, or a terminal");
  }
  const password = checked(await askHidden(io, "Password: "));
  if ((await askHidden(io, "Once more: ")) !== password) throw new CliError(1, "the two passwords differ");
  return password;
}

function checked(password: string): string {
  if (password === "") throw new CliError(2, "the password is empty");
  if (password.length > MOST_CHARACTERS) {
    throw new CliError(2, `the password has more than ${MOST_CHARACTERS} characters`);
  }
  return password;
}

/** Everything up to the first line end; what follows is not read. */
async function firstLine(io: CliIo): Promise<string> {
  let octets = Buffer.alloc(0);
  for await (const chunk of io.stdin) {
    octets = Buffer.concat([octets, Buffer.from(chunk as Uint8Array | string)]);
    const end = octets.indexOf(0x0a);
    if (end >= 0) {
      octets = octets.subarray(0, end);
      break;
    }
    if (octets.length > MOST_CHARACTERS * 4) break;
  }
  return octets.toString("utf8").replace(/\r$/, "");
}

async function askHidden(io: CliIo, prompt: string): Promise<string> {
  io.stderr.write(prompt);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: io.stdin, output: silent, terminal: true });
  const stopped = new AbortController();
  lines.once("SIGINT", () => stopped.abort());
  lines.once("close", () => stopped.abort());
  try {
    return await lines.question("", { signal: stopped.signal });
  } catch {
    throw new CliError(1, "no password was typed");
  } finally {
    lines.close();
    io.stderr.write("\n");
  }
}
