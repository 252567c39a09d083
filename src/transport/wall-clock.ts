import type { Clock } from "../port/clock.js";

/** The machine's time, for legs that were given no clock. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
