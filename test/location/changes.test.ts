import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import { earliestExpiryMs, eventsOf } from "../../src/location/changes.js";
import { aBinding } from "../../src/testing/bindings.js";

const NOW = 1_000_000;
const live = (given: Partial<Binding> = {}) => aBinding({ expiresAtMs: NOW + 60_000, ...given });
const a = live({ uri: "sip:a@192.0.2.1" });
const b = live({ uri: "sip:b@192.0.2.2", callId: "b" });

const kinds = (before: Binding[], after: Binding[], goneAs: "removed" | "flow-closed" = "removed") =>
  eventsOf({ aor: "sip:x@example.com", before, after, nowMs: NOW, goneAs }).map(
    ({ kind, binding }) => `${kind} ${binding.uri}`,
  );

describe("what happened between two sets", () => {
  const newer = (binding: Binding, given: Partial<Binding> = {}): Binding => ({
    ...binding,
    cseq: binding.cseq + 1,
    ...given,
  });
  const flow1 = live({ uri: "sip:1@h", instance: "<i>", regId: 1 });
  const flow2 = live({ uri: "sip:2@h", instance: "<i>", regId: 2 });
  const gone = live({ uri: "sip:gone@h", callId: "g", expiresAtMs: NOW });
  for (const [what, before, after, expected] of [
    ["nothing", [a], [a], []],
    ["a first binding", [], [a], ["registered sip:a@192.0.2.1"]],
    ["a second one", [a], [a, b], ["registered sip:b@192.0.2.2"]],
    ["a refresh", [a, b], [newer(a), b], ["refreshed sip:a@192.0.2.1"]],
    ["one taken away", [a, b], [b], ["removed sip:a@192.0.2.1"]],
    ["one expired", [a, gone], [a], ["expired sip:gone@h"]],
    ["a refresh of one already past its time", [gone], [newer(gone)], ["refreshed sip:gone@h"]],
    [
      "§19.1.4: the same contact in another spelling",
      [a],
      [newer(a, { uri: "sip:%61@192.0.2.1" })],
      ["refreshed sip:%61@192.0.2.1"],
    ],
    [
      "RFC 5626 §6: the same flow from another address",
      [flow1, flow2],
      [flow1, newer(flow2, { uri: "sip:3@h" })],
      ["refreshed sip:3@h"],
    ],
    ["one for another", [a], [b], ["removed sip:a@192.0.2.1", "registered sip:b@192.0.2.2"]],
  ] as const) {
    test(what, () => expect(kinds([...before], [...after])).toEqual(expected));
  }

  test("a flow that closed is told as such, but not of what had expired before", () => {
    expect(kinds([a, gone], [], "flow-closed")).toEqual([
      "flow-closed sip:a@192.0.2.1",
      "expired sip:gone@h",
    ]);
  });
});

test("the earliest expiry of a set", () => {
  expect(earliestExpiryMs([live({ expiresAtMs: 9 }), live({ expiresAtMs: 5 })])).toBe(5);
  expect(earliestExpiryMs([])).toBe(Number.POSITIVE_INFINITY);
});
