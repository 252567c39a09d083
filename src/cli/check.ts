import { checkFiles } from "../server/config-check.js";
import { ConfigError } from "../server/config-error.js";
import { loadConfigWithLines } from "../server/config-load.js";
import { CliError, type CliIo, complain, write } from "./io.js";

/** `rollcall check --config FILE`: every problem on a line of its own, or one line that all is well. */
export async function check(io: CliIo, file: string): Promise<void> {
  const problems = problemsOf(file);
  for (const problem of problems.slice(0, -1)) complain(io, problem);
  const last = problems.at(-1);
  if (last !== undefined) throw new CliError(2, last);
  await write(io, `${file}: good\n`);
}

function problemsOf(file: string): readonly string[] {
  try {
    return checkFiles(loadConfigWithLines(file));
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}
