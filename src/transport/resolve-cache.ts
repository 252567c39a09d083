import type { MaybePromise } from "../message/result.js";
import type { Clock } from "../port/clock.js";

/** Records in the order of the answer; empty when there are none; or why there is no telling. */
export type Found<T> = readonly T[] | "unanswered" | "overloaded";

/** Bounds on what is asked at once. */
export interface SlotOptions {
  readonly clock: Clock;
  /** Queries under way. */
  readonly concurrent: number;
  /** Queries waiting for one of those. */
  readonly waiting: number;
  /** Milliseconds from asking to giving up, the wait included. */
  readonly timeoutMs: number;
}

/** Lets so many queries run at a time, and each for so long. */
export class QuerySlots {
  readonly #options: SlotOptions;
  #running = 0;
  /** Each starts one query and says so, or that its time is up already. */
  readonly #waiting: (() => boolean)[] = [];

  constructor(options: SlotOptions) {
    this.#options = options;
  }

  /** Is there no place left, not even to wait? */
  get isFull(): boolean {
    return this.#running >= this.#options.concurrent && this.#waiting.length >= this.#options.waiting;
  }

  /** Runs a query when its turn comes. Rejects as the query does, or when the time is up; the query is then left to itself. */
  run<T>(query: () => Promise<T>): Promise<T> {
    const { clock, concurrent, timeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      let state: "waiting" | "running" | "over" = "waiting";
      const settle = (tell: () => void): void => {
        if (state === "over") return;
        const wasRunning = state === "running";
        state = "over";
        timer.cancel();
        tell();
        if (wasRunning) this.#release();
      };
      const timer = clock.after(timeoutMs, () => {
        settle(() => reject(new Error("no answer from the name service in time")));
      });
      const start = (): boolean => {
        if (state === "over") return false;
        state = "running";
        this.#running++;
        query().then(
          (value) => settle(() => resolve(value)),
          (error: Error) => settle(() => reject(error)),
        );
        return true;
      };
      if (this.#running < concurrent) start();
      else this.#waiting.push(start);
    });
  }

  #release(): void {
    this.#running--;
    let started = false;
    while (!started && this.#waiting.length > 0) started = this.#waiting.shift()!();
  }
}

/** What is kept of answers, and for how long. */
export interface AnswerCacheOptions<T> {
  readonly clock: Clock;
  readonly slots: QuerySlots;
  readonly query: (name: string) => Promise<readonly T[]>;
  /** Seconds that records may be kept by their own word; `null` when they do not say. */
  readonly ttlSecOf: (records: readonly T[]) => number | null;
  /** Most seconds that records are kept, and how long those that do not say are. */
  readonly cacheSec: number;
  /** Seconds that the absence of records is kept, and at most that of an answer. */
  readonly negativeSec: number;
  /** Seconds that old records do instead of an answer that does not come (RFC 8767). */
  readonly staleSec: number;
  /** Names kept; the oldest go first. */
  readonly entries: number;
}

interface Kept<T> {
  readonly found: Found<T>;
  /** When it is asked for again. */
  readonly untilMs: number;
  /** When its records were no longer good; the time before they are too old to do. */
  readonly expiredMs: number;
}

/** Answers of one kind of query by name. Who asks for a name that is being asked for gets the same answer. */
export class AnswerCache<T> {
  readonly #options: AnswerCacheOptions<T>;
  readonly #kept = new Map<string, Kept<T>>();
  readonly #underWay = new Map<string, Promise<Found<T>>>();

  constructor(options: AnswerCacheOptions<T>) {
    this.#options = options;
  }

  /** The records of a name: at once when they are kept. Never rejects. */
  find(name: string): MaybePromise<Found<T>> {
    const { clock, slots } = this.#options;
    const kept = this.#kept.get(name);
    if (kept !== undefined && clock.nowMs() < kept.untilMs) return kept.found;
    const underWay = this.#underWay.get(name);
    if (underWay !== undefined) return underWay;
    if (slots.isFull) return "overloaded";
    const asked = this.#ask(name, kept);
    this.#underWay.set(name, asked);
    return asked;
  }

  async #ask(name: string, old: Kept<T> | undefined): Promise<Found<T>> {
    const { query, slots } = this.#options;
    let kept: Kept<T>;
    try {
      // async, so that a query that throws at once is a rejection too
      kept = this.#fresh(await slots.run(async () => query(name)));
    } catch {
      kept = this.#withoutAnswer(old);
    }
    this.#underWay.delete(name);
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (this.#kept.size > this.#options.entries) this.#kept.delete(this.#kept.keys().next().value!);
    return kept.found;
  }

  #fresh(records: readonly T[]): Kept<T> {
    const { cacheSec, clock, negativeSec, ttlSecOf } = this.#options;
    const seconds = records.length === 0 ? negativeSec : Math.min(ttlSecOf(records) ?? cacheSec, cacheSec);
    const untilMs = clock.nowMs() + seconds * 1000;
    return { found: records, untilMs, expiredMs: untilMs };
  }

  #withoutAnswer(old: Kept<T> | undefined): Kept<T> {
    const { clock, negativeSec, staleSec } = this.#options;
    const nowMs = clock.nowMs();
    const untilMs = nowMs + Math.min(negativeSec, UNANSWERED_SEC) * 1000;
    const doesStill =
      old !== undefined && typeof old.found !== "string" && nowMs < old.expiredMs + staleSec * 1000;
    return doesStill ? { ...old, untilMs } : { found: "unanswered", untilMs, expiredMs: nowMs };
  }
}

/** Seconds in which a name that got no answer is not asked for again. */
const UNANSWERED_SEC = 5;
