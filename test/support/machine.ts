import type { Timer } from "../../src/port/clock.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import type { Effect, Step } from "../../src/transaction/effect.js";
import type { TimerName, Timers } from "../../src/transaction/timers.js";

/** A machine with the events that a driver makes itself. */
interface Machine<State, Event> {
  start(timers: Timers): Step<State>;
  step(
    state: State,
    event: Event | { readonly kind: "timer"; readonly timer: TimerName },
    timers: Timers,
  ): Step<State>;
}

/** Runs one machine in virtual time and writes down what it asks for. */
export class MachineDriver<State extends { readonly name: string }, Event> {
  readonly clock: ManualClock = manualClock(0);
  /** `500 send`: every effect but the timers, with the milliseconds at which it came. */
  readonly log: string[] = [];
  state: State;
  readonly #machine: Machine<State, Event>;
  readonly #timers: Timers;
  readonly #running = new Map<TimerName, Timer>();

  constructor(machine: Machine<State, Event>, timers: Timers) {
    this.#machine = machine;
    this.#timers = timers;
    const [state, effects] = machine.start(timers);
    this.state = state;
    this.#perform(effects);
  }

  event(event: Event): void {
    this.#step(event);
  }

  /** Names of the timers that run, sorted. */
  get running(): string[] {
    return [...this.#running.keys()].sort();
  }

  /** Lets time pass and gives back what happened in it. */
  pass(ms: number): string[] {
    const from = this.log.length;
    this.clock.advance(ms);
    return this.log.slice(from);
  }

  #step(event: Event | { readonly kind: "timer"; readonly timer: TimerName }): void {
    const [state, effects] = this.#machine.step(this.state, event, this.#timers);
    this.state = state;
    this.#perform(effects);
  }

  #perform(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === "set") this.#set(effect.timer, effect.delayMs);
      else if (effect.kind === "clear") this.#clear(effect.timer);
      else {
        const what = effect.kind === "fail" ? `fail ${effect.failure}` : effect.kind;
        this.log.push(`${this.clock.nowMs()} ${what}`);
      }
    }
  }

  #set(timer: TimerName, delayMs: number): void {
    this.#clear(timer);
    const running = this.clock.after(delayMs, () => {
      this.#running.delete(timer);
      this.#step({ kind: "timer", timer });
    });
    this.#running.set(timer, running);
  }

  #clear(timer: TimerName): void {
    this.#running.get(timer)?.cancel();
    this.#running.delete(timer);
  }
}
