import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RecentMap } from "../../src/auth/recent-map.js";

describe("a map that forgets what was not used for longest", () => {
  it("never holds more than it has room for, and always what was used last", () => {
    const step = fc.record({ key: fc.integer({ min: 0, max: 30 }).map(String), isSet: fc.boolean() });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
        const map = new RecentMap<number>(capacity);
        const model = new Map<string, number>();
        let recent: string[] = [];
        steps.forEach(({ key, isSet }, i) => {
          if (isSet) {
            map.set(key, i);
            model.set(key, i);
          } else if (map.get(key) !== undefined) expect(map.get(key)).toBe(model.get(key));
          if (isSet || map.peek(key) !== undefined)
            recent = [key, ...recent.filter((other) => other !== key)];
          expect(map.size).toBeLessThanOrEqual(capacity);
          for (const used of recent.slice(0, Math.floor(capacity / 2)))
            expect(map.peek(used)).toBe(model.get(used));
        });
      }),
    );
  });

  it("forgets what it is told to, wherever that is", () => {
    const map = new RecentMap<number>(4);
    for (let i = 0; i < 4; i++) map.set(String(i), i);
    for (let i = 0; i < 4; i++) map.delete(String(i));
    expect(map.size).toBe(0);
  });
});
