import type { Clock, Timer } from "../port/clock.js";
import type { TimerName } from "./timers.js";

/**
 * The running timers of one transaction. Each machine has at most two at once: one that sends again (A, E, G) and one
 * that ends a state; so there are two places, and setting a timer takes the place of the one before.
 */
export class TimerSlots {
  readonly #clock: Clock;
  readonly #fired: (timer: TimerName) => void;
  #resend: Timer | undefined;
  #end: Timer | undefined;
  #endName: TimerName | undefined;

  constructor(clock: Clock, fired: (timer: TimerName) => void) {
    this.#clock = clock;
    this.#fired = fired;
  }

  set(timer: TimerName, delayMs: number): void {
    if (isResend(timer)) {
      this.#resend?.cancel();
      this.#resend = this.#clock.after(delayMs, () => {
        this.#resend = undefined;
        this.#fired(timer);
      });
      return;
    }
    this.#end?.cancel();
    this.#endName = timer;
    this.#end = this.#clock.after(delayMs, () => {
      this.#end = undefined;
      this.#fired(timer);
    });
  }

  clear(timer: TimerName): void {
    if (isResend(timer)) {
      this.#resend?.cancel();
      this.#resend = undefined;
    } else if (this.#endName === timer) {
      this.#end?.cancel();
      this.#end = undefined;
    }
  }

  clearAll(): void {
    this.#resend?.cancel();
    this.#end?.cancel();
    this.#resend = undefined;
    this.#end = undefined;
  }
}

function isResend(timer: TimerName): boolean {
  return timer === "A" || timer === "E" || timer === "G";
}
