import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ConfigFlags, ServerConfig } from "./config.js";
import { ConfigError, codeOf, showProblem } from "./config-error.js";
import { type ConfigPath, defaultConfig, readConfig } from "./config-file.js";
import { mergeConfig } from "./config-merge.js";

/** A configuration that holds by itself, and where its parts stand. */
export interface LoadedConfig {
  readonly config: ServerConfig;
  /** A problem with the value at a path, with the file and line when the file names it. */
  problemAt(path: ConfigPath, text: string): string;
}

/**
 * Reads the configuration file, if any, lays the flags over it, and checks the whole.
 * @param file path of the YAML file, or `undefined` for the defaults
 * @throws ConfigError that names file, line and key
 */
export function loadConfig(file: string | undefined, flags: ConfigFlags = {}): ServerConfig {
  return file === undefined
    ? mergeConfig(defaultConfig(), null, flags)
    : loadConfigWithLines(file, flags).config;
}

/** The same for a file, when more is to be said of what stands in it. */
export function loadConfigWithLines(file: string, flags: ConfigFlags = {}): LoadedConfig {
  const read = readConfig(textOf(file));
  if ("problems" in read) throw new ConfigError(read.problems.map((problem) => showProblem(file, problem)));
  return {
    config: mergeConfig(read, resolve(file), flags, file),
    problemAt: (path, text) => showProblem(file, { line: read.lineOf(path), text }),
  };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${codeOf(error)})`]);
  }
}
