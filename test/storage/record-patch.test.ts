import fc from "fast-check";
import { expect, test } from "vitest";
import { packPatch, readPatch } from "../../src/storage/record-patch.js";

const octets = (length: fc.ArrayConstraints) =>
  fc.array(fc.integer({ min: 0, max: 255 }), length).map((codes) => String.fromCharCode(...codes));
/** Two texts with much in common, as a record and its refresh have. */
const edited = fc
  .tuple(
    octets({ maxLength: 40 }),
    octets({ maxLength: 10 }),
    octets({ maxLength: 10 }),
    octets({ maxLength: 40 }),
  )
  .map(([head, was, next, tail]) => [head + was + tail, head + next + tail] as const);
/** Two texts of one length that differ in a few places. */
const scattered = fc
  .tuple(
    octets({ minLength: 60, maxLength: 60 }),
    fc.array(fc.tuple(fc.nat(59), fc.integer({ min: 0, max: 255 })), { maxLength: 12 }),
  )
  .map(([was, changes]) => {
    const next = [...was];
    for (const [at, code] of changes) next[at] = String.fromCharCode(code);
    return [was, next.join("")] as const;
  });
const any = fc.tuple(octets({ maxLength: 60 }), octets({ maxLength: 60 }));
const pair = fc.oneof(edited, scattered, any);

test("patches that were packed one behind the other make the new texts of the old ones", () => {
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 5 }), (pairs) => {
      const text = pairs.map(([was, next]) => packPatch(was, next)).join("");
      const cursor = { text, at: 0 };
      for (const [was, next] of pairs) expect(readPatch(cursor)(was)).toBe(next);
      expect(cursor.at).toBe(text.length);
    }),
    { numRuns: 500 },
  );
});

test("a refresh takes what it changes and little more", () => {
  const was = `${"a".repeat(100)}1234${"b".repeat(100)}56${"c".repeat(50)}`;
  const next = `${"a".repeat(100)}8765${"b".repeat(100)}90${"c".repeat(50)}`;
  expect(packPatch(was, next).length).toBe(1 + (1 + 1 + 4) + (1 + 1 + 2));
  expect(packPatch(was, was).length).toBe(1);
});

test("more differences than a patch has runs for are one", () => {
  const was = "abcd".repeat(300);
  const next = "xbcd".repeat(300);
  expect(readPatch({ text: packPatch(was, next), at: 0 })(was)).toBe(next);
});

test("a patch on a text too short for it is damage", () => {
  const damaged = expect.objectContaining({ name: "StoreError", code: "damaged" });
  const patch = (was: string, next: string) => readPatch({ text: packPatch(was, next), at: 0 });
  expect(() => patch("x".repeat(50), `${"x".repeat(50)}y`)("x")).toThrow(damaged);
  expect(() => patch("x".repeat(50), `${"x".repeat(49)}y`)("x")).toThrow(damaged);
});

test("noise is damage or a patch, never another error", () => {
  fc.assert(
    fc.property(octets({ maxLength: 60 }), octets({ maxLength: 60 }), (text, was) => {
      try {
        expect(typeof readPatch({ text, at: 0 })(was)).toBe("string");
      } catch (error) {
        expect(error).toMatchObject({ name: "StoreError", code: "damaged" });
      }
    }),
  );
});
