import type { RunningTimer, TimerLists, TimerOwner } from "./timer-lists.js";
import type { TimerName } from "./timers.js";

/**
 * The running timers of one transaction. Each machine has at most two at once: one that sends again (A, E, G) and one
 * that ends a state; so there are two places, and setting a timer takes the place of the one before.
 */
export class TimerSlots {
  readonly #lists: TimerLists;
  readonly #owner: TimerOwner<TimerName>;
  #resend: RunningTimer | undefined;
  #end: RunningTimer | undefined;
  #endName: TimerName | undefined;

  constructor(lists: TimerLists, owner: TimerOwner<TimerName>) {
    this.#lists = lists;
    this.#owner = owner;
  }

  set(timer: TimerName, delayMs: number): void {
    if (isResend(timer)) {
      if (this.#resend !== undefined) this.#lists.stop(this.#resend);
      this.#resend = this.#lists.start(this.#owner, timer, delayMs);
      return;
    }
    if (this.#end !== undefined) this.#lists.stop(this.#end);
    this.#endName = timer;
    this.#end = this.#lists.start(this.#owner, timer, delayMs);
  }

  clear(timer: TimerName): void {
    if (isResend(timer)) {
      if (this.#resend !== undefined) this.#lists.stop(this.#resend);
      this.#resend = undefined;
    } else if (this.#endName === timer && this.#end !== undefined) {
      this.#lists.stop(this.#end);
      this.#end = undefined;
    }
  }

  clearAll(): void {
    if (this.#resend !== undefined) this.#lists.stop(this.#resend);
    if (this.#end !== undefined) this.#lists.stop(this.#end);
    this.#resend = undefined;
    this.#end = undefined;
  }
}

function isResend(timer: TimerName): boolean {
  return timer === "A" || timer === "E" || timer === "G";
}
