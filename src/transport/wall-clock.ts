import type { Clock } from "../port/clock.js";

/** The clock of the machine. Its timers never keep the process alive. */
export const wallClock: Clock = {
  nowMs: () => Date.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};
