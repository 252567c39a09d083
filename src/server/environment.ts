import { existsSync } from "node:fs";
import type { AccountStore, SecretStore } from "../auth/source.js";
import type { LocationStore, StoreError } from "../location/store.js";
import type { Clock } from "../port/clock.js";
import { lmdbEnvironment } from "../storage/lmdb.js";
import type { Commit } from "../storage/lmdb-environment.js";
import { memoryEnvironment, memoryStore } from "../storage/memory.js";
import type { ServerConfig } from "./config.js";

/** Where a server keeps what it must not forget. */
export interface Environment {
  readonly locations: LocationStore;
  readonly accounts: AccountStore;
  readonly secrets: SecretStore;
  /** Why nothing can be written at the moment; `null` when all is well. */
  trouble(): StoreError | null;
  /** Tells each commit of bindings to a disk; absent where they are kept in memory. */
  watchCommits?(listener: (commit: Commit) => void): () => void;
  close(): Promise<void>;
}

/**
 * Opens the stores of a configuration. Accounts and secrets live in the data folder also when the bindings are kept in
 * memory, if there is such a folder: else nothing is written at all.
 * @param access `"read"` when nothing will be written
 * @throws StoreError when the folder cannot be used
 */
export function openEnvironment(
  config: ServerConfig,
  clock: Clock,
  access: "read" | "write" = "write",
): Environment {
  if (config.store.kind === "lmdb") return lmdbEnvironment({ path: config.store.directory, clock, access });
  if (!existsSync(config.dataDirectory)) return { ...memoryEnvironment({ clock }), trouble: () => null };
  const kept = lmdbEnvironment({ path: config.dataDirectory, clock });
  const locations = memoryStore({ clock });
  return {
    locations,
    accounts: kept.accounts,
    secrets: kept.secrets,
    trouble: kept.trouble,
    async close() {
      await locations.close();
      await kept.close();
    },
  };
}
