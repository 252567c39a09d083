import { StoreError } from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import type { Clock, Timer } from "../port/clock.js";

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
  /**
   * Runs `work` inside a transaction, once. Done when that is durable; throws or rejects with a `StoreError` when nothing
   * of it holds.
   * @param jobs how many pieces of work that is
   */
  transact(work: () => void, jobs: number): MaybePromise<void>;
  /** Does this error concern the whole transaction? */
  isFatal(error: unknown): boolean;
}

/** Jobs that may wait at once; more are refused, since a disk this far behind does not catch up in time for anybody. */
const MAX_WAITING = 100_000;
/** Most jobs of one transaction: the lock of the store is not held longer than this takes. */
const MAX_BATCH = 4_096;
/** Turns of the event loop that a transaction waits for while each brings more jobs, and how many jobs are enough. */
const MAX_TURNS = 4;
const ENOUGH_JOBS = 256;
/**
 * So many jobs do not wait for the end of the turn: within one, the system may hand over what came on fifty thousand
 * connections, and nobody would be answered before all of it is read.
 */
const PLENTY_JOBS = 1_024;
/** How long a commit may take before those who wait are told that the disk does not answer. */
const COMMIT_TIMEOUT_MS = 5_000;
/** That time is counted in steps: a turn of the event loop that takes longer than one says nothing about the disk. */
const TIMEOUT_STEPS = 5;

/**
 * Groups what arrives: all jobs of a turn of the event loop share a transaction and its flush, and while one is under
 * way the next one gathers. Jobs run in the order they were added.
 */
export class Committer {
  readonly #transactor: Transactor;
  readonly #clock: Pick<Clock, "after">;
  #waiting: Job[] = [];
  #scheduled = false;
  #isStarting = false;
  /** Jobs of the transaction under way that somebody still waits for. */
  #running: readonly Job[] | null = null;
  /** Set while a transaction takes longer than anybody waits. */
  #stalled = false;
  #trouble: unknown = null;
  readonly #onIdle: (() => void)[] = [];

  constructor(transactor: Transactor, clock: Pick<Clock, "after">) {
    this.#transactor = transactor;
    this.#clock = clock;
  }

  /** Adds a job; throws a `StoreError` when it cannot be taken. */
  add(job: Job): void {
    if (this.#stalled) throw noAnswer();
    if (this.#waiting.length >= MAX_WAITING) {
      throw new StoreError("overloaded", `${MAX_WAITING} changes wait for the disk already`);
    }
    this.#waiting.push(job);
    this.#schedule();
    if (this.#waiting.length >= PLENTY_JOBS) this.#startSoon();
  }

  /** Why the last transaction came to nothing, or has not come to its end; `null` once one has gone through. */
  get trouble(): unknown {
    return this.#trouble;
  }

  /** Is everything done that was added? */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#running === null;
  }

  /** Resolves when it is. */
  idle(): Promise<void> {
    return new Promise((resolve) => {
      if (this.isIdle) resolve();
      else this.#onIdle.push(resolve);
    });
  }

  #schedule(): void {
    if (this.#scheduled || this.#running !== null) return;
    this.#scheduled = true;
    this.#gather(1, 0);
  }

  /** Once whoever adds is done with what it has in hand. */
  #startSoon(): void {
    if (this.#isStarting || this.#running !== null) return;
    this.#isStarting = true;
    queueMicrotask(() => {
      this.#isStarting = false;
      if (this.#running === null) this.#start();
    });
  }

  /** Waits for the end of this turn, and for another one if it brought more: a shared flush is the cheaper one. */
  #gather(turn: number, before: number): void {
    setImmediate(() => {
      const { length } = this.#waiting;
      if (turn < MAX_TURNS && length > before && length < ENOUGH_JOBS) {
        this.#gather(turn + 1, length);
        return;
      }
      this.#scheduled = false;
      // plenty may have come meanwhile, and begun
      if (this.#running === null && length > 0) this.#start();
    });
  }

  #start(): void {
    const batch = this.#waiting.length <= MAX_BATCH ? this.#waiting : this.#waiting.slice(0, MAX_BATCH);
    this.#waiting = batch === this.#waiting ? [] : this.#waiting.slice(MAX_BATCH);
    this.#running = batch;
    try {
      const done = this.#transactor.transact(() => this.#apply(), batch.length);
      if (done === undefined) this.#committed();
      else this.#await(done);
    } catch (error) {
      this.#failed(error);
    }
  }

  #await(done: Promise<void>): void {
    let timer: Timer;
    const wait = (steps: number) => {
      timer = this.#clock.after(COMMIT_TIMEOUT_MS / TIMEOUT_STEPS, () => {
        if (steps > 1) wait(steps - 1);
        else this.#stall();
      });
    };
    wait(TIMEOUT_STEPS);
    done.then(
      () => {
        timer.cancel();
        this.#committed();
      },
      (error: unknown) => {
        timer.cancel();
        this.#failed(error);
      },
    );
  }

  /** Runs the jobs; those that fail on their own are told so and leave. */
  #apply(): void {
    const failed = new Set<Job>();
    for (const job of this.#running!) {
      try {
        job.apply();
      } catch (error) {
        if (this.#transactor.isFatal(error)) throw error;
        failed.add(job);
        job.failed(error);
      }
    }
    if (failed.size > 0) this.#running = this.#running!.filter((job) => !failed.has(job));
  }

  #committed(): void {
    this.#trouble = null;
    for (const job of this.#finish()) job.committed();
  }

  #failed(error: unknown): void {
    this.#trouble = error;
    for (const job of this.#finish()) job.failed(error);
  }

  #finish(): readonly Job[] {
    const jobs = this.#running!;
    this.#running = null;
    this.#stalled = false;
    if (this.#waiting.length > 0) this.#schedule();
    else for (const resolve of this.#onIdle.splice(0)) resolve();
    return jobs;
  }

  /** Nobody waits for ever: all who do are told, whatever becomes of the commit. */
  #stall(): void {
    this.#stalled = true;
    this.#trouble = noAnswer();
    const late = [...this.#running!, ...this.#waiting];
    this.#running = [];
    this.#waiting = [];
    for (const job of late) job.failed(noAnswer());
  }
}

function noAnswer(): StoreError {
  return new StoreError("unavailable", `the disk has not answered for ${COMMIT_TIMEOUT_MS / 1000} s`);
}
