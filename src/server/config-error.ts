/** What is wrong with a configuration, and where. */
export interface ConfigProblem {
  /** Line of the file, from 1; `null` when it stands in no file. */
  readonly line: number | null;
  /** One line in words that names the key. */
  readonly text: string;
}

/** A configuration that cannot be used. `message` is one line; `problems` has all of them. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      problems.length > 1
        ? `${problems[0]} (and ${problems.length - 1} more)`
        : (problems[0] ?? "bad configuration"),
    );
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** `FILE:LINE: what is wrong`, as far as these are known. */
export function showProblem(file: string | null, { line, text }: ConfigProblem): string {
  if (file === null) return text;
  return line === null ? `${file}: ${text}` : `${file}:${line}: ${text}`;
}

/** The system's code of an error (`ENOENT`), or else the error in words. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : String(error);
}
