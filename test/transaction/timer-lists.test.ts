import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { manualClock } from "../../src/testing/clock.js";
import { type RunningTimer, TimerLists } from "../../src/transaction/timer-lists.js";

function bench() {
  const clock = manualClock(0);
  const lists = new TimerLists(clock);
  const fired: string[] = [];
  const owner = { timerFired: (name: string) => void fired.push(`${clock.nowMs()} ${name}`) };
  return { clock, lists, fired, owner };
}

describe("timers of transactions", () => {
  test("each fires once, at its own moment", () => {
    const { clock, lists, fired, owner } = bench();
    lists.start(owner, "late", 500);
    lists.start(owner, "early", 200);
    clock.advance(100);
    lists.start(owner, "second", 500);
    clock.advance(10_000);
    expect(fired).toEqual(["200 early", "500 late", "600 second"]);
    expect(clock.pending()).toBe(0);
  });

  test("a stopped one never fires, and may be stopped again", () => {
    const { clock, lists, fired, owner } = bench();
    const [first, middle, last] = ["first", "middle", "last"].map((name) =>
      lists.start(owner, name, 500),
    ) as [RunningTimer, RunningTimer, RunningTimer];
    lists.stop(middle);
    lists.stop(middle);
    clock.advance(500);
    expect(fired).toEqual(["500 first", "500 last"]);
    lists.stop(first);
    lists.stop(last);
  });

  test("one that fires may start and stop others", () => {
    const { clock, lists, fired } = bench();
    const other = { timerFired: (name: string) => void fired.push(`${clock.nowMs()} ${name}`) };
    const doomed = lists.start(other, "doomed", 500);
    lists.start(
      {
        timerFired() {
          lists.stop(doomed);
          lists.start(other, "again", 500);
          lists.start(other, "at once", 0);
        },
      },
      "starter",
      400,
    );
    clock.advance(5_000);
    expect(fired).toEqual(["400 at once", "900 again"]);
  });

  test("all of them together hold one timer of the clock", () => {
    const { clock, lists, owner } = bench();
    for (let i = 0; i < 1000; i++) lists.start(owner, "x", 500 + (i % 10));
    expect(clock.pending()).toBe(1);
    lists.close();
    expect(clock.pending()).toBe(0);
  });

  test("whatever is started and stopped, what is left fires in the order of its time", () => {
    const steps = fc.array(
      fc.record({
        delayMs: fc.constantFrom(0, 1, 200, 500, 32_000),
        waitMs: fc.nat(600),
        stop: fc.option(fc.nat()),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (story) => {
        const { clock, lists } = bench();
        const fired: number[] = [];
        const expected = new Map<number, number>();
        const running: RunningTimer[] = [];
        for (const [i, { delayMs, waitMs, stop }] of story.entries()) {
          const owner = {
            timerFired(name: string) {
              fired.push(Number(name));
              expect(clock.nowMs()).toBe(expected.get(Number(name)));
            },
          };
          running.push(lists.start(owner, String(i), delayMs));
          expected.set(i, clock.nowMs() + delayMs);
          if (stop !== null) {
            const at = stop % running.length;
            lists.stop(running[at] as RunningTimer);
            if (!fired.includes(at)) expected.delete(at);
          }
          clock.advance(waitMs);
        }
        clock.advance(100_000);
        expect([...fired].sort((a, b) => a - b)).toEqual([...expected.keys()]);
        expect(clock.pending()).toBe(0);
      }),
    );
  });
});
