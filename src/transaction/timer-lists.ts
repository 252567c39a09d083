import type { Clock, Timer } from "../port/clock.js";

/** Who is called when a timer fires, with the name it was started under. */
export interface TimerOwner<Name extends string> {
  timerFired(name: Name): void;
}

/** A timer that runs; a link of the list of its delay. */
export interface RunningTimer {
  /** Milliseconds since its lists were made: a small number, which an engine keeps in the timer itself. */
  readonly dueMs: number;
}

interface Link extends RunningTimer {
  readonly dueMs: number;
  readonly name: string;
  owner: TimerOwner<string> | undefined;
  list: List | undefined;
  before: Link | undefined;
  after: Link | undefined;
}

/** Timers of one delay: since each is due after those started before it, the first is always the next. */
interface List {
  first: Link | undefined;
  last: Link | undefined;
}

/**
 * Timers for transactions: hundreds of thousands of them, of a dozen delays, nearly all stopped before they fire. A timer
 * is one link of a list, and all of them together need one timer of the clock.
 */
export class TimerLists {
  readonly #clock: Clock;
  readonly #lists = new Map<number, List>();
  readonly #madeAtMs: number;
  #tick: Timer | undefined;
  /** When the clock will call; infinite when it will not. */
  #tickMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#madeAtMs = clock.nowMs();
  }

  /** Starts a timer: its owner is called once, not sooner than `delayMs` from now. */
  start<Name extends string>(owner: TimerOwner<Name>, name: Name, delayMs: number): RunningTimer {
    let list = this.#lists.get(delayMs);
    if (list === undefined) {
      list = { first: undefined, last: undefined };
      this.#lists.set(delayMs, list);
    }
    const link: Link = {
      dueMs: this.#nowMs() + delayMs,
      name,
      owner: owner as TimerOwner<string>,
      list,
      before: list.last,
      after: undefined,
    };
    if (list.last === undefined) list.first = link;
    else list.last.after = link;
    list.last = link;
    if (link.dueMs < this.#tickMs) this.#arm(link.dueMs);
    return link;
  }

  /** Stops a timer; nothing happens when it has fired or was stopped. */
  stop(timer: RunningTimer): void {
    remove(timer as Link);
  }

  /** Stops them all. */
  close(): void {
    this.#tick?.cancel();
    this.#tick = undefined;
    this.#tickMs = Number.POSITIVE_INFINITY;
    this.#lists.clear();
  }

  #nowMs(): number {
    return this.#clock.nowMs() - this.#madeAtMs;
  }

  #arm(dueMs: number): void {
    this.#tick?.cancel();
    this.#tickMs = dueMs;
    this.#tick = this.#clock.after(Math.max(0, dueMs - this.#nowMs()), () => this.#fire());
  }

  #fire(): void {
    this.#tick = undefined;
    this.#tickMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#nowMs();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [delayMs, list] of this.#lists) {
      for (let link = list.first; link !== undefined && link.dueMs <= nowMs; link = list.first) {
        const { owner, name } = link;
        remove(link);
        owner?.timerFired(name);
      }
      if (list.first === undefined) this.#lists.delete(delayMs);
      else if (list.first.dueMs < nextMs) nextMs = list.first.dueMs;
    }
    if (nextMs < this.#tickMs) this.#arm(nextMs);
  }
}

function remove(link: Link): void {
  const { list, before, after } = link;
  if (list === undefined) return;
  if (before === undefined) list.first = after;
  else before.after = after;
  if (after === undefined) list.last = before;
  else after.before = before;
  link.list = undefined;
  link.owner = undefined;
  link.before = undefined;
  link.after = undefined;
}
