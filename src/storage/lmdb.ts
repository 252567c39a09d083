import type { AccountStore, SecretStore } from "../auth/source.js";
import type { LocationStore, StoreError } from "../location/store.js";
import type { Clock } from "../port/clock.js";
import { lmdbAccounts } from "./lmdb-accounts.js";
import { type Commit, LmdbEnvironment, type StoreAccess } from "./lmdb-environment.js";
import { LmdbLocations } from "./lmdb-locations.js";
import { lmdbSecrets } from "./lmdb-secrets.js";

export interface LmdbStoreOptions {
  /** Folder of the store; made, for its owner alone, where there is none. */
  readonly path: string;
  /** Dates the events, and tells how long a commit takes; the machine's clock when not given. */
  readonly clock?: Clock;
  /** `"read"` also opens a store on a read-only file system; `"write"` when not given. */
  readonly access?: StoreAccess;
}

const MACHINE_CLOCK: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs).unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

/** What one embedded store keeps. */
export interface LmdbStores {
  readonly locations: LocationStore;
  readonly accounts: AccountStore;
  readonly secrets: SecretStore;
  /** Why nothing can be written at the moment, as far as the last commit tells; `null` when all is well. */
  trouble(): StoreError | null;
  /** Tells each transaction that goes through, and how long it took; returns the way to stop. */
  watchCommits(listener: (commit: Commit) => void): () => void;
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
export function lmdbEnvironment({
  path,
  clock = MACHINE_CLOCK,
  access = "write",
}: LmdbStoreOptions): LmdbStores {
  const environment = LmdbEnvironment.open({ path, clock, access });
  const locations = new LmdbLocations({ environment, clock, release: () => environment.close() });
  return {
    locations,
    accounts: lmdbAccounts(environment),
    secrets: lmdbSecrets(environment),
    trouble: () => environment.trouble,
    watchCommits: (listener) => environment.watchCommits(listener),
    close: () => locations.close(),
  };
}
