import { expect, test } from "vitest";
import { manualClock } from "../../src/testing/clock.js";

test("time stands still until it is moved", () => {
  const clock = manualClock(5_000);
  expect(clock.nowMs()).toBe(5_000);
  clock.advance(250);
  expect(clock.nowMs()).toBe(5_250);
});

test("timers fire in the order of their times, each at its own moment", () => {
  const clock = manualClock(0);
  const fired: string[] = [];
  const note = (name: string) => () => fired.push(`${name}@${clock.nowMs()}`);
  clock.after(30, note("late"));
  clock.after(10, note("first"));
  clock.after(10, note("second"));
  clock.advance(9);
  expect(fired).toEqual([]);
  clock.advance(21);
  expect(fired).toEqual(["first@10", "second@10", "late@30"]);
  expect(clock.pending()).toBe(0);
});

test("a timer set by a timer fires in the same advance when it is due in it", () => {
  const clock = manualClock(0);
  const fired: number[] = [];
  const tick = () => {
    fired.push(clock.nowMs());
    clock.after(10, tick);
  };
  clock.after(10, tick);
  clock.advance(35);
  expect(fired).toEqual([10, 20, 30]);
  expect(clock.nowMs()).toBe(35);
  expect(clock.pending()).toBe(1);
});

test("a cancelled timer never fires, and may be cancelled again", () => {
  const clock = manualClock(0);
  const fired: string[] = [];
  const timer = clock.after(10, () => fired.push("never"));
  timer.cancel();
  timer.cancel();
  clock.advance(100);
  expect(fired).toEqual([]);
});
