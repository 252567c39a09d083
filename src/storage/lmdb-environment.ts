import { open, type RootDatabase, type RootDatabaseOptions } from "lmdb";
import { StoreError } from "../location/store.js";
import { Committer, type Job, type Transactor } from "./committer.js";
import { commitError, isStorageFault, storeError } from "./lmdb-errors.js";
import { prepareFolder } from "./lmdb-folder.js";
import { openTable, type Table } from "./lmdb-table.js";
import { storeClosed } from "./scan.js";

/** Version of what the tables hold; a store that says more is left alone. */
const FORMAT = 1;

/**
 * Address space reserved for the map: growing it later would leave each older map in place. The file itself grows with
 * what is stored.
 */
const MAP_OCTETS = 64 * 2 ** 30;

const OPTIONS: RootDatabaseOptions & { permissionsMode: number } = {
  mapSize: MAP_OCTETS,
  maxDbs: 16,
  permissionsMode: 0o600,
  // A commit that cannot be flushed must leave the store as it was, and nobody may read what could still be lost.
  overlappingSync: false,
  // The committer does that. With it, lmdb-js makes a promise of its own that a failed commit leaves unhandled.
  eventTurnBatching: false,
};

/** Tables of a store, by what they hold. */
const TABLES = ["locations", "alarms", "accounts", "secrets"] as const;
type TableName = (typeof TABLES)[number];
export type Tables = Readonly<Record<TableName, Table>> & { readonly meta: Table };

/** The environments that this process has open, by the identity of their folder's lock, and by how many. */
const shared = new Map<string, { readonly environment: LmdbEnvironment; users: number }>();

/**
 * One open LMDB environment: its tables, and the one way to write to them. A process opens each only once, however many
 * stores use it: LMDB's locks are the process's.
 */
export class LmdbEnvironment implements Transactor {
  readonly path: string;
  readonly tables: Tables;
  readonly #identity: string;
  readonly #root: RootDatabase;
  readonly #committer = new Committer(this);
  #closed: Promise<void> | null = null;
  /** Why nothing can be written any more. */
  #broken: StoreError | null = null;

  private constructor(path: string, identity: string, root: RootDatabase) {
    this.path = path;
    this.#identity = identity;
    this.#root = root;
    this.tables = openTables(root, path);
  }

  /**
   * Opens the environment in this folder, or makes one in a folder without. Throws one `StoreError` when it cannot, and
   * has written nothing to what was there.
   */
  static open(path: string): LmdbEnvironment {
    try {
      const identity = prepareFolder(path, createEnvironment);
      const known = shared.get(identity);
      if (known !== undefined) {
        known.users++;
        return known.environment;
      }
      const environment = LmdbEnvironment.#openNew(path, identity);
      shared.set(identity, { environment, users: 1 });
      return environment;
    } catch (error) {
      throw storeError(error, path);
    }
  }

  static #openNew(path: string, identity: string): LmdbEnvironment {
    const root = open({ path, ...OPTIONS });
    try {
      return new LmdbEnvironment(path, identity, root);
    } catch (error) {
      void root.close();
      throw error;
    }
  }

  /** Adds work to the next transaction; throws a `StoreError` when none is taken. */
  write(job: Job): void {
    if (this.#broken !== null) throw this.#broken;
    this.#committer.add(job);
  }

  /** Reads from the newest durable state. */
  read<T>(query: (tables: Tables) => T): T {
    if (this.#closed !== null) throw storeClosed();
    try {
      return query(this.tables);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** Runs one piece of work in the next transaction; resolves to what it returned once that is durable. */
  transaction<T>(work: (tables: Tables) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      let result: T;
      this.write({
        apply: () => {
          result = work(this.tables);
        },
        committed: () => resolve(result),
        failed: reject,
      });
    });
  }

  /** For one user less: the last one's call finishes what was taken, then closes. */
  async close(): Promise<void> {
    const entry = shared.get(this.#identity);
    if (entry?.environment === this && --entry.users > 0) return;
    shared.delete(this.#identity);
    this.#closed ??= this.#committer.close().then(() => this.#root.close());
    await this.#closed;
  }

  async transact(work: () => void): Promise<void> {
    const fault = { error: null as unknown };
    try {
      await this.#root.transaction(() => {
        try {
          work();
        } catch (error) {
          fault.error = error;
        }
      });
    } catch (error) {
      const cause = await commitError(error);
      this.#probe();
      throw storeError(fault.error ?? cause, this.path);
    }
    if (fault.error !== null) throw storeError(fault.error, this.path);
  }

  isFatal(error: unknown): boolean {
    return isStorageFault(error) && !(error instanceof StoreError);
  }

  /** After a failure: LMDB refuses every transaction once it could not write its root, and lmdb-js would wait for ever. */
  #probe(): void {
    try {
      this.#root.resetReadTxn();
      this.tables.meta.get("format");
    } catch (error) {
      this.#broken = storeError(error, this.path);
    }
  }
}

/** Makes an empty store in a folder of its own. */
function createEnvironment(folder: string): void {
  const root = open({ path: folder, ...OPTIONS });
  for (const name of TABLES) openTable(root, name, "create");
  openTable(root, "meta", "create")!.putSync("format", String(FORMAT));
  // Nothing is queued, so that it is closed at once.
  void root.close();
}

function openTables(root: RootDatabase, path: string): Tables {
  const meta = openTable(root, "meta", "open");
  const format = Number(meta?.get("format"));
  if (meta === undefined || !Number.isInteger(format)) {
    throw new StoreError("damaged", `this is no store of Rollcall's: ${path}`);
  }
  if (format > FORMAT) {
    throw new StoreError(
      "newer-version",
      `the store was written by a newer version: ${path} (format ${format})`,
    );
  }
  const table = (name: TableName): Table => {
    const opened = openTable(root, name, "open");
    if (opened === undefined)
      throw new StoreError("damaged", `the store has lost a table: ${path} (${name})`);
    return opened;
  };
  return {
    meta,
    locations: table("locations"),
    alarms: table("alarms"),
    accounts: table("accounts"),
    secrets: table("secrets"),
  };
}
