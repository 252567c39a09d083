import { describe, expect, it } from "vitest";
import { together } from "../../src/message/result.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import {
  AnswerCache,
  type AnswerCacheOptions,
  QuerySlots,
  type SlotOptions,
} from "../../src/transport/resolve-cache.js";

/** A name service that answers when it is told to. */
class Slow {
  readonly asked: string[] = [];
  readonly #open: ((answer: readonly string[] | Error) => void)[] = [];

  query = (name: string): Promise<readonly string[]> => {
    this.asked.push(name);
    return new Promise((resolve, reject) => {
      this.#open.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  };

  /** Answers the query that has waited longest. */
  async answer(answer: readonly string[] | Error): Promise<void> {
    this.#open.shift()!(answer);
    // let those who wait for the answer hear of it
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  }
}

function cache(
  clock: ManualClock,
  slow: Slow,
  slots: Partial<SlotOptions> = {},
  options: Partial<AnswerCacheOptions<string>> = {},
): AnswerCache<string> {
  return new AnswerCache<string>({
    clock,
    slots: new QuerySlots({ clock, concurrent: 2, waiting: 1, timeoutMs: 1_000, ...slots }),
    query: slow.query,
    ttlSecOf: () => null,
    cacheSec: 60,
    negativeSec: 10,
    staleSec: 0,
    entries: 3,
    ...options,
  });
}

describe("bounds on what is asked at once", () => {
  it("so many run, so many wait, and the next is told that it is too much", async () => {
    const [clock, slow] = [manualClock(), new Slow()];
    const answers = cache(clock, slow);
    const [a, b, c] = ["a", "b", "c"].map((name) => answers.find(name));
    expect(slow.asked).toEqual(["a", "b"]);
    expect(answers.find("d")).toBe("overloaded");
    // who asks for a name that is being asked for needs no place of its own
    expect(answers.find("c")).toBe(c);
    await slow.answer(["1"]);
    expect(slow.asked).toEqual(["a", "b", "c"]);
    await slow.answer(["2"]);
    await slow.answer(["3"]);
    expect(await Promise.all([a, b, c])).toEqual([["1"], ["2"], ["3"]]);
    expect(answers.find("a")).toEqual(["1"]);
  });

  it("what gets no answer in time makes room, and is not asked again for a while", async () => {
    const [clock, slow] = [manualClock(), new Slow()];
    const answers = cache(clock, slow);
    const all = together(["a", "b", "c"].map((name) => answers.find(name)));
    clock.advance(1_000);
    expect(await all).toEqual(["unanswered", "unanswered", "unanswered"]);
    // c had its turn in the moment that its time was up
    expect(slow.asked).toEqual(["a", "b", "c"]);
    expect(answers.find("a")).toBe("unanswered");
    clock.advance(5_000);
    const again = answers.find("a");
    expect(slow.asked).toEqual(["a", "b", "c", "a"]);
    // the late answers to what was given up change nothing
    for (let late = 0; late < 3; late++) await slow.answer(["late"]);
    await slow.answer(["in time"]);
    expect(await again).toEqual(["in time"]);
    expect(clock.pending()).toBe(0);
  });

  it("failures make room too, also those thrown at once", async () => {
    const [clock, slow] = [manualClock(), new Slow()];
    let calls = 0;
    const query = (name: string): Promise<readonly string[]> => {
      calls++;
      if (name === "thrown") throw new Error("thrown");
      return slow.query(name);
    };
    const answers = cache(clock, slow, { concurrent: 1, waiting: 5 }, { query });
    const failing = answers.find("a");
    const all = Promise.all([failing, answers.find("thrown"), answers.find("c")]);
    await slow.answer(new Error("failed"));
    await slow.answer(["3"]);
    expect(await all).toEqual(["unanswered", "unanswered", ["3"]]);
    expect(calls).toBe(3);
  });
});

describe("what is kept", () => {
  it("is bounded: the oldest goes first", async () => {
    const [clock, slow] = [manualClock(), new Slow()];
    const answers = cache(clock, slow, { concurrent: 10 });
    for (const name of ["a", "b", "c", "d"]) {
      const found = answers.find(name);
      await slow.answer([name]);
      await found;
    }
    expect(["b", "c", "d"].map((name) => answers.find(name))).toEqual([["b"], ["c"], ["d"]]);
    expect(answers.find("a")).toBeInstanceOf(Promise);
  });
});
