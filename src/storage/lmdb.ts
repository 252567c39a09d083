import type { AccountStore, SecretStore } from "../auth/source.js";
import type { LocationStore } from "../location/store.js";
import { lmdbAccounts } from "./lmdb-accounts.js";
import { LmdbEnvironment } from "./lmdb-environment.js";
import { LmdbLocations } from "./lmdb-locations.js";
import { lmdbSecrets } from "./lmdb-secrets.js";

export interface LmdbStoreOptions {
  /** Folder of the store; made, for its owner alone, where there is none. */
  readonly path: string;
  /** Dates the events; the machine's clock when not given. */
  readonly clock?: { nowMs(): number };
}

/** What one embedded store keeps. */
export interface LmdbStores {
  readonly locations: LocationStore;
  readonly accounts: AccountStore;
  readonly secrets: SecretStore;
  /** Finishes what is under way, flushes and closes all three. */
  close(): Promise<void>;
}

/**
 * Opens the embedded location store: durable before it answers, shared by any number of processes. Throws a `StoreError`
 * when the folder cannot be opened as one.
 */
export function lmdbStore(options: LmdbStoreOptions): LocationStore {
  return lmdbEnvironment(options).locations;
}

/** Opens the embedded store with all that it keeps. Closing the location store closes the others. */
export function lmdbEnvironment({ path, clock }: LmdbStoreOptions): LmdbStores {
  const environment = LmdbEnvironment.open(path);
  let closing: Promise<void> | null = null;
  const locations = new LmdbLocations({
    environment,
    clock: clock ?? { nowMs: () => Date.now() },
    release() {
      closing ??= environment.close();
      return closing;
    },
  });
  return {
    locations,
    accounts: lmdbAccounts(environment),
    secrets: lmdbSecrets(environment),
    close: () => locations.close(),
  };
}
