import type { LocationStore } from "../location/store.js";
import { LmdbEnvironment } from "./lmdb-environment.js";
import { LmdbLocations } from "./lmdb-locations.js";

export interface LmdbStoreOptions {
  /** Folder of the store; made, for its owner alone, where there is none. */
  readonly path: string;
  /** Dates the events; the machine's clock when not given. */
  readonly clock?: { nowMs(): number };
}

/**
 * Opens the embedded location store: durable before it answers, shared by any number of processes. Throws a `StoreError`
 * when the folder cannot be opened as one.
 */
export function lmdbStore({ path, clock }: LmdbStoreOptions): LocationStore {
  const environment = LmdbEnvironment.open(path);
  return new LmdbLocations({
    environment,
    clock: clock ?? { nowMs: () => Date.now() },
    release: () => environment.close(),
  });
}
