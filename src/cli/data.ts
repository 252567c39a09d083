import { existsSync } from "node:fs";
import { typedAor } from "../admin/text.js";
import type { ServerConfig } from "../server/config.js";
import { loadConfig } from "../server/config-load.js";
import { type Environment, openEnvironment } from "../server/environment.js";
import { systemClock } from "../server/system.js";
import { CliError } from "./io.js";

/** Where the commands find the data: in a folder, or in the one that a configuration names. */
export interface DataOptions {
  readonly config?: string;
  readonly data?: string;
}

/** What a command wants of the data. */
export interface DataNeeds {
  /** `bindings` are refused when the server keeps them in its own memory. */
  readonly what: "bindings" | "accounts";
  /** Make the folder when it is not there? Otherwise `work` is handed `null`. */
  readonly create: boolean;
  /** A command that only reads does so on a read-only file system too; `"write"` when not given. */
  readonly access?: "read" | "write";
}

/** Opens the data that the options point to, hands it to `work`, and closes it. */
export async function withData<T>(
  options: DataOptions,
  needs: DataNeeds,
  work: (data: Environment | null, config: ServerConfig) => Promise<T>,
): Promise<T> {
  const config = loadConfig(options.config, options.data === undefined ? {} : { data: options.data });
  if (needs.what === "bindings" && config.store.kind === "memory") {
    throw new CliError(
      2,
      "this configuration keeps bindings in the server's memory; ask its admin interface instead",
    );
  }
  if (!needs.create && !existsSync(config.dataDirectory)) return work(null, config);
  const store = { kind: "lmdb", directory: config.dataDirectory } as const;
  const data = openEnvironment({ ...config, store }, systemClock, needs.access);
  try {
    return await work(data, config);
  } finally {
    await data.close();
  }
}

/** Key of an address-of-record as typed; bad usage when it is none. */
export function aorArgument(text: string): string {
  // a word alone would pass for the name of a host
  const aor = /[@.:]/.test(text) ? typedAor(text) : undefined;
  if (aor === undefined) throw new CliError(2, `"${text}" is no address; expected alice@example.com`);
  return aor;
}
