import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import { lookupTargets } from "../../src/location/lookup.js";
import { aBinding } from "../../src/testing/bindings.js";

const NOW = 1_000_000;
const b = (uri: string, given: Partial<Binding> = {}): Binding =>
  aBinding({ uri, expiresAtMs: NOW + 1, updatedAtMs: NOW, ...given });
const moment = { nowMs: NOW, isFlowAlive: (token: string) => token.startsWith("live") };

/** Groups in short: `a b | c>d` is a and b at once, then c, and d when c fails. */
const short = (bindings: readonly Binding[]) =>
  lookupTargets(bindings, moment)
    .map((group) =>
      group
        .map(({ binding, fallbacks }) => [binding, ...fallbacks].map(({ uri }) => uri).join(">"))
        .join(" "),
    )
    .join(" | ");

describe("the target set", () => {
  const i = (given: Partial<Binding>) => ({ instance: "<urn:uuid:1>", ...given });
  for (const [what, bindings, expected] of [
    ["of nobody", [], ""],
    ["§16.5: of one", [b("a")], "a"],
    ["§16.6: equal q at once, the latest first", [b("a"), b("b", { updatedAtMs: NOW + 5 })], "b a"],
    [
      "§16.6: q falls from group to group",
      [b("a", { qMilli: 100 }), b("b", { qMilli: 900 }), b("c", { qMilli: 100 })],
      "b | a c",
    ],
    ["§16.6: phones of one millisecond in the order of the set", [b("a"), b("b"), b("c")], "a b c"],
    ["q=0 comes last, but comes", [b("a", { qMilli: 0 }), b("b")], "b | a"],
    ["without the expired", [b("a", { expiresAtMs: NOW }), b("b")], "b"],
    ["without those on dead connections", [b("a", { flow: "dead" }), b("b", { flow: "live" })], "b"],
    [
      "5626 §7: flows of one instance are one branch, the newest first",
      [b("a", i({ regId: 1, flow: "live1" })), b("b", i({ regId: 2, flow: "live2", updatedAtMs: NOW + 1 }))],
      "b>a",
    ],
    [
      "5626 §7: of two flows of one millisecond, the one written later",
      [1, 2, 3].map((regId) => b(`flow${regId}`, i({ regId, flow: `live${regId}` }))),
      "flow3>flow2>flow1",
    ],
    [
      "5626 §7: a dead flow leaves the other",
      [b("a", i({ regId: 1, flow: "dead" })), b("b", i({ regId: 2, flow: "live" }))],
      "b",
    ],
    [
      "5626 §7: one instance is one branch whatever its q",
      [b("a", i({ qMilli: 300 })), b("b", i({ qMilli: 800 })), b("c", { qMilli: 500 })],
      "b>a | c",
    ],
    ["instances are told from URIs", [b("<urn:uuid:1>"), b("a", i({}))], "<urn:uuid:1> a"],
    ["two of one URI are one branch", [b("a"), b("a", { callId: "other", updatedAtMs: NOW + 1 })], "a>a"],
  ] as const) {
    test(what, () => expect(short(bindings)).toBe(expected));
  }

  test("holds each live binding once, by falling q, whatever the set", () => {
    const some = fc.record({
      uri: fc.constantFrom("a", "b", "c", "d"),
      qMilli: fc.constantFrom(0, 500, 1000),
      expiresAtMs: fc.constantFrom(NOW - 1, NOW, NOW + 1),
      flow: fc.constantFrom(null, "live", "dead"),
      instance: fc.constantFrom(null, "<1>", "<2>"),
      updatedAtMs: fc.integer({ min: 0, max: 9 }),
    });
    fc.assert(
      fc.property(fc.array(some), (given) => {
        const bindings = given.map((one) => aBinding(one));
        const groups = lookupTargets(bindings, moment);
        const all = groups.flat().flatMap(({ binding, fallbacks }) => [binding, ...fallbacks]);
        expect(new Set(all)).toEqual(
          new Set(bindings.filter((one) => one.expiresAtMs > NOW && one.flow !== "dead")),
        );
        expect(all.length).toBe(new Set(all).size);
        const qs = groups.map((group) => group[0]!.binding.qMilli);
        expect(qs).toEqual([...new Set(qs)].sort((x, y) => y - x));
        const instances = groups.flat().flatMap(({ binding }) => binding.instance ?? []);
        expect(instances.length).toBe(new Set(instances).size);
      }),
    );
  });
});
