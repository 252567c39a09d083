/** Which commits may block the event loop. */
export interface PaceLimits {
  /** Fewer jobs than this never do. */
  readonly minJobs: number;
  /** One that waits for the disk for longer than this, and so much more for each job, may not, nor may any other for the time that follows. */
  readonly maxMs: number;
  readonly maxMsPerJob: number;
  /** That is so many times what it took, at most `maxRestMs`: a disk that is slow once costs the event loop little. */
  readonly restRatio: number;
  readonly maxRestMs: number;
}

const LIMITS: PaceLimits = { minJobs: 16, maxMs: 10, maxMsPerJob: 0.02, restRatio: 50, maxRestMs: 30_000 };
/** Until something is known of the disk. */
const FIRST_REST_MS = 100;
/** Another process that wrote may do so again. */
const SHARED_REST_MS = 5_000;

/**
 * Decides where a transaction is committed. On another thread nothing waits for the disk, but that one has to be woken
 * up and waited for; on the event loop's own a commit costs half the processor time, which counts when there are many, and
 * takes a fraction of a millisecond on a good disk. So it is done there under load, while the disk is quick and nobody
 * else holds the store's lock.
 */
export class CommitPace {
  readonly #limits: PaceLimits;
  readonly #nowMs: () => number;
  /** Until when no commit may block; the first ones may not, for all we know of the disk. */
  #restUntilMs: number;

  constructor(limits: PaceLimits = LIMITS, nowMs: () => number = () => performance.now()) {
    this.#limits = limits;
    this.#nowMs = nowMs;
    this.#restUntilMs = nowMs() + Math.min(FIRST_REST_MS, limits.maxRestMs);
  }

  /** May a commit of so many jobs block the event loop now? */
  mayBlock(jobs: number): boolean {
    return jobs >= this.#limits.minJobs && this.#nowMs() >= this.#restUntilMs;
  }

  /** Tells how long was waited for the disk at a commit of so many jobs, wherever that was done. */
  took(ms: number, jobs: number): void {
    const { maxMs, maxMsPerJob, restRatio, maxRestMs } = this.#limits;
    if (ms > maxMs + jobs * maxMsPerJob) this.#rest(Math.min(ms * restRatio, maxRestMs));
  }

  /** Tells that another process writes to the store, whose lock has to be waited for. */
  sharesLock(): void {
    this.#rest(SHARED_REST_MS);
  }

  #rest(ms: number): void {
    this.#restUntilMs = Math.max(this.#restUntilMs, this.#nowMs() + ms);
  }
}
