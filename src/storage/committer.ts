import { StoreError } from "../location/store.js";
import { storeClosed } from "./scan.js";

/** One piece of work within a transaction. */
export interface Job {
  /** Reads and writes inside the transaction. What it throws fails this job alone, unless it is trouble with the store. */
  apply(): void;
  /** The transaction is durable. */
  committed(): void;
  /** The transaction, or this job, came to nothing. */
  failed(error: unknown): void;
}

/** How transactions are run. */
export interface Transactor {
  /** Runs `work` inside a transaction; resolves when that is durable, rejects with a `StoreError` when nothing of it holds. */
  transact(work: () => void): Promise<void>;
  /** Does this error concern the whole transaction? */
  isFatal(error: unknown): boolean;
}

/** Jobs that may wait at once; more are refused, since a disk this far behind does not catch up in time for anybody. */
const MAX_WAITING = 100_000;
/** Most jobs of one transaction: the lock of the store is not held longer than this takes. */
const MAX_BATCH = 4_096;
/** How long a commit may take before those who wait are told that the disk does not answer. */
const COMMIT_TIMEOUT_MS = 10_000;

/**
 * Groups what arrives: all jobs of a turn of the event loop share a transaction and its flush, and while one is under
 * way the next one gathers. Jobs run in the order they were added.
 */
export class Committer {
  readonly #transactor: Transactor;
  #waiting: Job[] = [];
  #scheduled = false;
  /** The transaction under way. */
  #running: Promise<void> | null = null;
  /** Set while a transaction takes longer than anybody waits. */
  #stalled = false;
  #closed = false;

  constructor(transactor: Transactor) {
    this.#transactor = transactor;
  }

  /** Adds a job; throws a `StoreError` when it cannot be taken. */
  add(job: Job): void {
    if (this.#closed) throw storeClosed();
    if (this.#stalled) throw noAnswer();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new StoreError("overloaded", `${MAX_WAITING} changes wait for the disk already`);
    }
    this.#waiting.push(job);
    this.#schedule();
  }

  /** Takes no more jobs; resolves when all that were taken are done. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#waiting.length > 0 || this.#running !== null) {
      if (this.#running === null) this.#start();
      await this.#running;
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#running !== null) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (this.#running === null && this.#waiting.length > 0) this.#start();
    });
  }

  #start(): void {
    const batch = this.#waiting.length <= MAX_BATCH ? this.#waiting : this.#waiting.slice(0, MAX_BATCH);
    this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(MAX_BATCH);
    this.#running = this.#run(batch).finally(() => {
      this.#running = null;
      this.#stalled = false;
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  async #run(batch: readonly Job[]): Promise<void> {
    let open = batch;
    const timer = setTimeout(() => {
      this.#stalled = true;
      const late = [...open, ...this.#waiting];
      open = [];
      this.#waiting = [];
      for (const job of late) job.failed(noAnswer());
    }, COMMIT_TIMEOUT_MS);
    try {
      await this.#transactor.transact(() => {
        open = this.#apply(open);
      });
      for (const job of open) job.committed();
    } catch (error) {
      for (const job of open) job.failed(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Runs the jobs; those that failed on their own are told so and left out of what it returns. */
  #apply(batch: readonly Job[]): readonly Job[] {
    let failed: Set<Job> | null = null;
    for (const job of batch) {
      try {
        job.apply();
      } catch (error) {
        if (this.#transactor.isFatal(error)) throw error;
        job.failed(error);
        failed = (failed ?? new Set()).add(job);
      }
    }
    return failed === null ? batch : batch.filter((job) => !failed.has(job));
  }
}

function noAnswer(): StoreError {
  return new StoreError("unavailable", `the disk has not answered for ${COMMIT_TIMEOUT_MS / 1000} s`);
}
