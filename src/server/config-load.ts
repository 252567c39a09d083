import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ConfigFlags, ServerConfig } from "./config.js";
import { ConfigError, codeOf, showProblem } from "./config-error.js";
import { defaultConfig, readConfig } from "./config-file.js";
import { mergeConfig } from "./config-merge.js";

/**
 * Reads the configuration file, if any, lays the flags over it, and checks the whole.
 * @param file path of the YAML file, or `undefined` for the defaults
 * @throws ConfigError that names file, line and key
 */
export function loadConfig(file: string | undefined, flags: ConfigFlags = {}): ServerConfig {
  if (file === undefined) return mergeConfig(defaultConfig(), null, flags);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`${file}: cannot be read (${codeOf(error)})`]);
  }
  const read = readConfig(text);
  if ("problems" in read) throw new ConfigError(read.problems.map((problem) => showProblem(file, problem)));
  return mergeConfig(read, resolve(file), flags, file);
}
