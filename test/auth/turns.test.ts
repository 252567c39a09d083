import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Turns } from "../../src/auth/turns.js";

function queue(most = 1000): Turns<string, string> {
  return new Turns({ keyOf: (subject) => subject[0]!, most });
}

/** A promise with its handles. */
function later<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<T>((done, failed) => {
    resolve = done;
    reject = failed;
  });
  return { promise, resolve, reject };
}

const inOrder = (): boolean => true;
const never = (): boolean => false;
const fail = (error: unknown): string => `failed: ${error instanceof Error ? error.message : String(error)}`;

describe("RFC 3261 §10.3: requests for one address keep their order", () => {
  it("what need not wait is done at once", () => {
    const turns = queue();
    expect(turns.take("a1", 7, { inOrder, goOn: (value) => `done ${value}`, fail })).toBe("done 7");
    expect(turns.underWay).toBe(0);
  });

  it("the second waits for the first, although what it waits for is there before", async () => {
    const turns = queue();
    const done: string[] = [];
    const goOn = (name: string) => () => {
      done.push(name);
      return name;
    };
    const first = later<number>();
    const one = turns.take("a1", first.promise, { inOrder, goOn: goOn("a1"), fail });
    const two = turns.take("a2", 2, { inOrder, goOn: goOn("a2"), fail });
    const other = turns.take("b1", 3, { inOrder, goOn: goOn("b1"), fail });
    expect(other).toBe("b1");
    expect(done).toEqual(["b1"]);
    first.resolve(1);
    expect(await Promise.all([one, two])).toEqual(["a1", "a2"]);
    expect(done).toEqual(["b1", "a1", "a2"]);
    expect(turns.underWay).toBe(0);
  });

  it("what is done at the first one's turn may itself take time", async () => {
    const turns = queue();
    const slow = later<string>();
    const one = turns.take("a1", 1, { inOrder, goOn: () => slow.promise, fail });
    const two = turns.take("a2", 2, { inOrder, goOn: () => "a2", fail });
    slow.resolve("a1");
    expect(await one).toBe("a1");
    expect(await two).toBe("a2");
  });

  it("one that need not keep its order holds up nobody, and waits for nobody", async () => {
    const turns = queue();
    const done: string[] = [];
    const goOn = (name: string) => () => {
      done.push(name);
      return name;
    };
    const slow = later<string>();
    const first = later<number>();
    const one = turns.take("a1", first.promise, { inOrder, goOn: goOn("a1"), fail });
    const aside = turns.take("a2", Promise.resolve(2), { inOrder: never, goOn: () => slow.promise, fail });
    expect(turns.take("a3", 3, { inOrder: never, goOn: goOn("a3"), fail })).toBe("a3");
    const last = turns.take("a4", Promise.resolve(4), { inOrder, goOn: goOn("a4"), fail });
    await turns.take("a5", Promise.resolve(5), { inOrder: never, goOn: goOn("a5"), fail });
    expect(done).toEqual(["a3", "a5"]);
    first.resolve(1);
    expect(await Promise.all([one, last])).toEqual(["a1", "a4"]);
    expect(done).toEqual(["a3", "a5", "a1", "a4"]);
    expect(turns.underWay).toBe(1);
    slow.resolve("a2");
    expect(await aside).toBe("a2");
    expect(turns.underWay).toBe(0);
  });

  it("what goes on beside it takes room, and waits for nobody", async () => {
    const turns = queue(1);
    const slow = later<string>();
    const one = turns.beside(slow.promise, { goOn: (value) => value, fail });
    expect(turns.take("a1", 1, { inOrder, goOn: () => "a1", fail })).toBe("a1");
    const failing = Promise.reject(new Error("too late to matter"));
    expect(turns.beside(failing, { goOn: () => "b1", fail })).toMatch(/^failed: too many/);
    slow.resolve("done");
    expect(await one).toBe("done");
    expect(await turns.beside(Promise.reject(new Error("no")), { goOn: () => "", fail })).toBe("failed: no");
  });

  it("one that fails does not hold up those behind it", async () => {
    const turns = queue();
    const first = later<number>();
    const one = turns.take("a1", first.promise, { inOrder, goOn: () => "a1", fail });
    const two = turns.take("a2", 2, { inOrder, goOn: () => "a2", fail });
    first.reject(new Error("no"));
    expect(await one).toBe("failed: no");
    expect(await two).toBe("a2");
  });

  it("holds no more than it has room for", async () => {
    const turns = queue(2);
    const waits = [later<number>(), later<number>(), later<number>()];
    const [one, two, three] = waits.map((wait, i) =>
      turns.take(`a${i}`, wait.promise, { inOrder, goOn: String, fail }),
    );
    expect(three).toMatch(/^failed: too many/);
    waits.forEach((wait, i) => {
      wait.resolve(i);
    });
    expect(await Promise.all([one, two])).toEqual(["0", "1"]);
    expect(turns.take("a9", 9, { inOrder, goOn: String, fail })).toBe("9");
  });

  it("holds in every interleaving, and empties", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.record({ key: fc.constantFrom("a", "b"), isLater: fc.boolean() }), { maxLength: 12 }),
        async (scheduler, subjects) => {
          const turns = queue();
          const done: string[] = [];
          const outcomes = subjects.map(({ key, isLater }, i) => {
            const name = `${key}${i}`;
            const awaited = isLater ? scheduler.schedule(Promise.resolve(i), name) : i;
            return turns.take(name, awaited, {
              inOrder,
              goOn: () => {
                done.push(name);
                return name;
              },
              fail,
            });
          });
          await scheduler.waitFor(Promise.all(outcomes.map(async (outcome) => await outcome)));
          for (const key of ["a", "b"]) {
            const asked = subjects.flatMap((subject, i) => (subject.key === key ? [`${key}${i}`] : []));
            expect(done.filter((name) => name[0] === key)).toEqual(asked);
          }
          expect(turns.underWay).toBe(0);
        },
      ),
    );
  });
});
