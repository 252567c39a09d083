import type { MaybePromise } from "../message/result.js";

export interface TurnsOptions<Subject> {
  /** What must keep its order: subjects with the same key. */
  readonly keyOf: (subject: Subject) => string;
  /** Most that may be under way at a time. */
  readonly most: number;
}

/** What to do when it is a subject's turn. */
export interface Turn<Awaited, Outcome> {
  readonly goOn: (value: Awaited) => MaybePromise<Outcome>;
  /** What was awaited failed, or there is no room to wait. */
  readonly fail: (error: unknown) => Outcome;
}

/**
 * Keeps requests for one address in their order of arrival (RFC 3261 §10.3) although what they wait for may come in another;
 * those of other addresses never wait for each other. What needs no waiting costs nothing and is never held up without need.
 */
export class Turns<Subject, Outcome> {
  readonly #keyOf: (subject: Subject) => string;
  readonly #most: number;
  /** The last one under way for each key. */
  readonly #last = new Map<string, Promise<Outcome>>();
  #underWay = 0;

  constructor(options: TurnsOptions<Subject>) {
    this.#keyOf = options.keyOf;
    this.#most = options.most;
  }

  /** How many are under way. */
  get underWay(): number {
    return this.#underWay;
  }

  /** Goes on at once, or when what is awaited is there and those before it with the same key are through. */
  take<Awaited>(
    subject: Subject,
    awaited: MaybePromise<Awaited>,
    turn: Turn<Awaited, Outcome>,
  ): MaybePromise<Outcome> {
    const isLater = awaited instanceof Promise;
    const before = this.#last.size === 0 ? undefined : this.#last.get(this.#keyOf(subject));
    let through: Promise<Outcome>;
    if (!isLater && before === undefined) {
      const outcome = turn.goOn(awaited);
      if (!(outcome instanceof Promise)) return outcome;
      through = outcome;
    } else {
      if (this.#underWay >= this.#most) {
        if (isLater) awaited.catch(() => undefined);
        return turn.fail(new Error("too many requests are waiting"));
      }
      through = Promise.allSettled([awaited, before]).then(([settled]) =>
        settled.status === "fulfilled" ? turn.goOn(settled.value) : turn.fail(settled.reason),
      );
    }
    return this.#enter(this.#keyOf(subject), through);
  }

  #enter(key: string, through: Promise<Outcome>): Promise<Outcome> {
    this.#underWay++;
    const outcome = through.finally(() => {
      this.#underWay--;
      if (this.#last.get(key) === outcome) this.#last.delete(key);
    });
    this.#last.set(key, outcome);
    return outcome;
  }
}
