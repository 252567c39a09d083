import { performance } from "node:perf_hooks";
import { open, type RootDatabase, type RootDatabaseOptions } from "lmdb";
import { StoreError } from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import type { Clock } from "../port/clock.js";
import { CommitPace } from "./commit-pace.js";
import { Committer, type Job, type Transactor } from "./committer.js";
import { commitError, isLmdbError, storeError } from "./lmdb-errors.js";
import { findReadOnly, prepareFolder } from "./lmdb-folder.js";
import { LmdbJournal } from "./lmdb-journal.js";
import { LmdbRecords } from "./lmdb-records.js";
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
const TABLES = ["locations", "journal", "alarms", "accounts", "secrets"] as const;
type TableName = (typeof TABLES)[number];
export type Tables = Readonly<Record<TableName, Table>> & { readonly meta: Table };

/** How often to look for processes that died while they read. */
const READER_CHECK_MS = 60_000;

/** What a store is opened for. */
export type StoreAccess = "read" | "write";

export interface LmdbEnvironmentOptions {
  readonly path: string;
  /** Tells how long a commit takes. */
  readonly clock: Pick<Clock, "after">;
  /** Which commits may block the event loop. */
  readonly pace?: CommitPace;
  /** What it is opened for: one that is only read may stand on a read-only file system. `"write"` when not given. */
  readonly access?: StoreAccess;
}

/** One transaction that went through. */
export interface Commit {
  /** From its start until it was durable. */
  readonly seconds: number;
  /** How many pieces of work shared it. */
  readonly jobs: number;
}

/** The environments that this process has open, by the identity of their folder's lock, and by how many. */
const shared = new Map<string, { readonly environment: LmdbEnvironment; users: number }>();

/**
 * One open LMDB environment: its tables, and the one way to write to them. A process opens each only once, however many
 * stores use it: LMDB's locks are the process's.
 */
export class LmdbEnvironment implements Transactor {
  readonly path: string;
  readonly tables: Tables;
  readonly journal: LmdbJournal;
  readonly records: LmdbRecords;
  readonly #identity: string;
  readonly #root: RootDatabase;
  readonly #committer: Committer;
  #closed = false;
  /** Why nothing can be written any more. */
  #broken: StoreError | null = null;
  readonly #pace: CommitPace;
  readonly #commitListeners = new Set<(commit: Commit) => void>();
  /** What the jobs of the last transaction took by themselves. */
  #workMs = 0;
  #nextReaderCheckMs = performance.now() + READER_CHECK_MS;

  private constructor(options: LmdbEnvironmentOptions, identity: string, root: RootDatabase) {
    this.path = options.path;
    this.#identity = identity;
    this.#root = root;
    this.tables = openTables(root, options.path);
    this.journal = new LmdbJournal(this.tables);
    this.journal.refresh();
    this.records = new LmdbRecords(this.journal, this.tables.alarms);
    this.#committer = new Committer(this, options.clock);
    this.#pace = options.pace ?? new CommitPace();
  }

  /**
   * Opens the environment in this folder, or makes one in a folder without. Throws one `StoreError` when it cannot, and
   * has written nothing to what was there.
   */
  static open(options: LmdbEnvironmentOptions): LmdbEnvironment {
    const { path } = options;
    try {
      const readOnly = options.access === "read" ? findReadOnly(path) : undefined;
      const identity = readOnly ?? prepareFolder(path, createEnvironment);
      const known = shared.get(identity);
      if (known !== undefined) {
        known.users++;
        return known.environment;
      }
      const environment = LmdbEnvironment.#openNew(options, identity, { readOnly: readOnly !== undefined });
      shared.set(identity, { environment, users: 1 });
      return environment;
    } catch (error) {
      throw storeError(error, path);
    }
  }

  static #openNew(
    options: LmdbEnvironmentOptions,
    identity: string,
    { readOnly }: { readonly readOnly: boolean },
  ): LmdbEnvironment {
    const root = open({ path: options.path, ...OPTIONS, readOnly });
    try {
      const environment = new LmdbEnvironment(options, identity, root);
      if (readOnly)
        environment.#broken = new StoreError("read-only", `the store is read-only: ${options.path}`);
      return environment;
    } catch (error) {
      void root.close();
      throw error;
    }
  }

  /** Adds work to the next transaction; throws a `StoreError` when none is taken. */
  write(job: Job): void {
    if (this.#closed) throw storeClosed();
    if (this.#broken !== null) throw this.#broken;
    this.#committer.add(job);
  }

  /** Reads from the newest durable state. */
  read<T>(query: (tables: Tables) => T): T {
    if (this.#closed) throw storeClosed();
    try {
      // lmdb-js keeps a snapshot for a while; what another process has answered for since is to be seen.
      this.#root.resetReadTxn();
      return query(this.tables);
    } catch (error) {
      throw storeError(error, this.path);
    }
  }

  /** Like `read`, for what runs somebody else's code too: errors of that come through as they are. */
  decide<T>(decision: () => T): T {
    if (this.#closed) throw storeClosed();
    try {
      return decision();
    } catch (error) {
      throw isLmdbError(error) ? storeError(error, this.path) : error;
    }
  }

  /**
   * Why nothing can be written: what the last commit failed with, or `null`. Asked while it fails, it tries one that
   * changes nothing, since nobody else may come to try.
   */
  get trouble(): StoreError | null {
    if (this.#broken !== null) return this.#broken;
    const { trouble } = this.#committer;
    if (trouble === null) return null;
    if (!this.#closed && this.isIdle) this.#committer.add(this.#trial());
    return storeError(trouble, this.path);
  }

  #trial(): Job {
    const { meta } = this.tables;
    return { apply: () => void meta.put("format", String(FORMAT)), committed() {}, failed() {} };
  }

  /** Is nothing waiting to be written, or being written? */
  get isIdle(): boolean {
    return this.#committer.isIdle;
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
    const entry = shared.get(this.#identity)!;
    if (--entry.users > 0) return;
    await this.#committer.idle();
    // Somebody may have opened it again meanwhile.
    if (entry.users > 0) return;
    this.#closed = true;
    shared.delete(this.#identity);
    await this.#root.close();
  }

  /** Tells each transaction that goes through; returns the way to stop. */
  watchCommits(listener: (commit: Commit) => void): () => void {
    this.#commitListeners.add(listener);
    return () => this.#commitListeners.delete(listener);
  }

  transact(work: () => void, jobs: number): MaybePromise<void> {
    const startedMs = performance.now();
    if (!this.#pace.mayBlock(jobs)) {
      const before = performance.eventLoopUtilization();
      // what the loop was busy with meanwhile says nothing about the disk
      const took = () => this.#pace.took(performance.eventLoopUtilization(before).idle, jobs);
      return this.#transactElsewhere(work)
        .finally(took)
        .then(() => this.#tell(performance.now() - startedMs, jobs));
    }
    this.#workMs = 0;
    this.#transactHere(work);
    const tookMs = performance.now() - startedMs;
    this.#pace.took(tookMs - this.#workMs, jobs);
    this.#tell(tookMs, jobs);
  }

  #tell(tookMs: number, jobs: number): void {
    for (const listener of this.#commitListeners) listener({ seconds: tookMs / 1000, jobs });
  }

  isFatal(error: unknown): boolean {
    return isLmdbError(error);
  }

  #transactHere(work: () => void): void {
    try {
      this.#root.transactionSync(() => this.#run(work));
    } catch (error) {
      throw this.#failed(error);
    }
    this.#publish();
  }

  async #transactElsewhere(work: () => void): Promise<void> {
    const fault = { error: null as unknown };
    try {
      await this.#root.transaction(() => {
        try {
          this.#run(work);
        } catch (error) {
          // lmdb-js would commit; LMDB refuses to, after an error of its own.
          fault.error = error;
        }
      });
    } catch (error) {
      throw this.#failed(fault.error ?? (await commitError(error)));
    }
    if (fault.error !== null) throw this.#failed(fault.error);
    this.#publish();
  }

  /** What a transaction does. */
  #run(work: () => void): void {
    this.#freeReaders();
    const startedMs = performance.now();
    if (this.journal.refresh()) this.#pace.sharesLock();
    work();
    this.journal.flush();
    this.#workMs = performance.now() - startedMs;
    // The journal may know more now than a snapshot that reads began with.
    this.#root.resetReadTxn();
  }

  /** A process that was killed while it read would keep every page of its moment from being used again. */
  #freeReaders(): void {
    const nowMs = performance.now();
    if (nowMs < this.#nextReaderCheckMs) return;
    this.#nextReaderCheckMs = nowMs + READER_CHECK_MS;
    this.#root.readerCheck();
  }

  #publish(): void {
    this.#root.resetReadTxn();
    this.journal.publish();
  }

  /**
   * Nothing of the transaction holds. LMDB refuses every other one once it could not write its root, and lmdb-js would
   * wait for ever then.
   */
  #failed(error: unknown): StoreError {
    this.journal.discard();
    try {
      this.#root.resetReadTxn();
      this.tables.meta.get("format");
    } catch (fault) {
      this.#broken = storeError(fault, this.path);
    }
    return storeError(error, this.path);
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
    journal: table("journal"),
    alarms: table("alarms"),
    accounts: table("accounts"),
    secrets: table("secrets"),
  };
}
