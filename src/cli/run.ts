import { CommanderError } from "commander";
import { printable } from "../admin/text.js";
import { StoreError } from "../location/store.js";
import { ConfigError } from "../server/config-error.js";
import { CliError, type CliIo, complain } from "./io.js";
import { program } from "./program.js";

/**
 * Runs one command to its end.
 * @param args what stands behind `rollcall`
 * @returns the exit status: 0; 1 for what is not there or cannot be done; 2 for bad usage or configuration
 */
export async function run(args: readonly string[], io: CliIo): Promise<number> {
  let status = 0;
  const root = program(io, (ended) => {
    status = ended;
  });
  try {
    await root.parseAsync(args, { from: "user" });
    return status;
  } catch (error) {
    // commander has said what it had to say
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (error instanceof ConfigError) return told(io, 2, error.message);
    if (error instanceof CliError) return told(io, error.status, error.message);
    if (error instanceof StoreError) return told(io, 1, `the store: ${error.message}`);
    throw error;
  }
}

function told(io: CliIo, status: number, message: string): number {
  complain(io, printable(message));
  return status;
}
