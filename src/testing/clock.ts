import type { Clock, Timer } from "../port/clock.js";

/** A clock that stands still until it is told to move. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms`, calling each timer that falls due at its own moment, in the order of their times. */
  advance(ms: number): void;
  /** Timers that are set and neither due nor cancelled. */
  pending(): number;
}

interface ManualTimer extends Timer {
  readonly dueMs: number;
  readonly callback: () => void;
}

/** 2026-01-01T00:00:00Z: a round time that no test can mistake for today. */
const DEFAULT_START_MS = 1_767_225_600_000;

/**
 * Virtual time for tests. A timer set by a timer that fires within the same `advance` fires in it too, when it is due.
 * @param startMs milliseconds since the Unix epoch
 */
export function manualClock(startMs: number = DEFAULT_START_MS): ManualClock {
  let nowMs = startMs;
  /** Sorted by due time; those of one moment in the order they were set. */
  const timers: ManualTimer[] = [];
  return {
    nowMs: () => nowMs,
    after(delayMs, callback) {
      const timer: ManualTimer = {
        dueMs: nowMs + Math.max(0, delayMs),
        callback,
        cancel() {
          const at = timers.indexOf(timer);
          if (at !== -1) timers.splice(at, 1);
        },
      };
      timers.splice(placeAfter(timers, timer.dueMs), 0, timer);
      return timer;
    },
    advance(ms) {
      const untilMs = nowMs + ms;
      for (let next = timers[0]; next !== undefined && next.dueMs <= untilMs; next = timers[0]) {
        timers.shift();
        nowMs = Math.max(nowMs, next.dueMs);
        next.callback();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    pending: () => timers.length,
  };
}

/** Index behind every timer that is due at or before `dueMs`. */
function placeAfter(timers: readonly ManualTimer[], dueMs: number): number {
  let low = 0;
  let high = timers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (timers[middle]!.dueMs <= dueMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
