import type { Clock } from "../port/clock.js";
import type { Endpoint, Transport } from "../port/leg.js";

/** Most seconds that a target is put last, whatever a Retry-After says. */
const MOST_SEC = 300;

/** Targets that did not answer lately (RFC 3263 §4.3): they come last until their time is up. */
export class FailedTargets {
  readonly #clock: Clock;
  readonly #most: number;
  readonly #untilMs = new Map<string, number>();

  /** @param most so many are remembered; the oldest are forgotten first */
  constructor(clock: Clock, most: number) {
    this.#clock = clock;
    this.#most = most;
  }

  /** Puts a target last for so many seconds, at most 300. */
  add(target: Endpoint & { readonly transport: Transport }, seconds: number): void {
    const key = keyOf(target);
    this.#untilMs.delete(key);
    this.#untilMs.set(key, this.#clock.nowMs() + Math.min(seconds, MOST_SEC) * 1000);
    if (this.#untilMs.size > this.#most) this.#untilMs.delete(this.#untilMs.keys().next().value!);
  }

  /** The same targets, those that failed behind the others; a target that is the only one is tried all the same. */
  last<T extends Endpoint & { readonly transport: Transport }>(targets: readonly T[]): readonly T[] {
    if (this.#untilMs.size === 0) return targets;
    const failed = targets.filter((target) => this.#has(target));
    if (failed.length === 0) return targets;
    return [...targets.filter((target) => !failed.includes(target)), ...failed];
  }

  #has(target: Endpoint & { readonly transport: Transport }): boolean {
    const key = keyOf(target);
    const untilMs = this.#untilMs.get(key);
    if (untilMs === undefined) return false;
    if (this.#clock.nowMs() < untilMs) return true;
    this.#untilMs.delete(key);
    return false;
  }
}

function keyOf({ transport, address, port }: Endpoint & { readonly transport: Transport }): string {
  return `${transport} ${address} ${port}`;
}
