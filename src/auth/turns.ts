import type { MaybePromise } from "../message/result.js";

export interface TurnsOptions<Subject> {
  /** What must keep its order: subjects with the same key. */
  readonly keyOf: (subject: Subject) => string;
  /** Most that may be under way at a time. */
  readonly most: number;
}

/** What to do when it is a subject's turn. */
export interface Turn<Awaited, Outcome> {
  /** Does this have to keep its order? What does not waits for none before it, and holds up none behind. */
  readonly inOrder: (value: Awaited) => boolean;
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
  /** The end of the last turn under way for each key. */
  readonly #last = new Map<string, Promise<void>>();
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
    if (!(awaited instanceof Promise) && !turn.inOrder(awaited)) return turn.goOn(awaited);
    const before = this.#last.size === 0 ? undefined : this.#last.get(this.#keyOf(subject));
    if (!(awaited instanceof Promise) && before === undefined) {
      const outcome = turn.goOn(awaited);
      if (!(outcome instanceof Promise)) return outcome;
      this.#enter(this.#keyOf(subject), outcome);
      return this.#count(outcome);
    }
    if (this.#underWay >= this.#most) return noRoom(awaited, turn);
    const value = Promise.resolve(awaited);
    const outcome = value.then(
      (late) =>
        before === undefined || !turn.inOrder(late) ? turn.goOn(late) : before.then(() => turn.goOn(late)),
      turn.fail,
    );
    const turned = value.then((late) => (turn.inOrder(late) ? outcome : undefined));
    this.#enter(this.#keyOf(subject), Promise.allSettled([before, turned]));
    return this.#count(outcome);
  }

  /** Goes on when what is awaited is there, whoever else is under way. */
  beside<Awaited>(
    awaited: Promise<Awaited>,
    turn: Omit<Turn<Awaited, Outcome>, "inOrder">,
  ): MaybePromise<Outcome> {
    if (this.#underWay >= this.#most) return noRoom(awaited, turn);
    return this.#count(awaited.then(turn.goOn, turn.fail));
  }

  #enter(key: string, turned: Promise<unknown>): void {
    const leave = (): void => {
      if (this.#last.get(key) === ended) this.#last.delete(key);
    };
    const ended = turned.then(leave, leave);
    this.#last.set(key, ended);
  }

  #count(outcome: Promise<Outcome>): Promise<Outcome> {
    this.#underWay++;
    return outcome.finally(() => this.#underWay--);
  }
}

function noRoom<Outcome>(awaited: unknown, { fail }: Pick<Turn<never, Outcome>, "fail">): Outcome {
  if (awaited instanceof Promise) awaited.catch(() => undefined);
  return fail(new Error("too many requests are waiting"));
}
