/** A timer that was set; `cancel` may be called at any time and more than once. */
export interface Timer {
  cancel(): void;
}

/** Source of time, handed in at the composition root and virtual in tests. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Calls back once, not sooner than `delayMs` from now. Such a timer never keeps the process alive. */
  after(delayMs: number, callback: () => void): Timer;
}
