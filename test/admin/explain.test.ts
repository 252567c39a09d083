import { describe, expect, test } from "vitest";
import { duration, type ExplainFacts, type Explanation, explain } from "../../src/admin/explain.js";
import type { Binding } from "../../src/location/binding.js";
import { bindingDestination } from "../../src/proxy/destination.js";
import { Self } from "../../src/proxy/self.js";
import { bindingAt } from "./harness.js";

const NOW_MS = 1_800_000_000_000;
const AOR = "sip:alice@example.com";

function told(bindings: readonly Partial<Binding>[], facts: Partial<ExplainFacts> = {}): Explanation {
  return explain(
    AOR,
    bindings.map((binding) => bindingAt(NOW_MS, binding)),
    { nowMs: NOW_MS, ...facts },
  );
}

describe("nobody registered", () => {
  test.each([
    ["account unknown", undefined, /^not registered: calls are answered 480 or 404$/],
    ["no account", false, /there is no account/],
    ["an account", true, /its account exists/],
  ])("%s", (_, hasAccount, summary) => {
    expect(told([], { hasAccount })).toMatchObject({
      reachable: "no",
      contacts: [],
      summary: expect.stringMatching(summary),
    });
  });

  test("expired bindings are told as such", () => {
    const answer = told([{ expiresAtMs: NOW_MS - 300_000 }]);
    expect(answer.reachable).toBe("no");
    expect(answer.summary).toMatch(/^not registered any more: the last binding expired 5 min ago/);
    expect(answer.contacts[0]!.facts).toEqual([
      "expired 5 min ago and is called no more: the phone did not refresh it",
    ]);
  });
});

const tcp = { flow: "f1", received: "tcp:198.51.100.4:5062" };

describe("connections", () => {
  test.each([
    ["the server not asked", undefined, "maybe", /TCP connection it registered on; whether that is open/],
    ["one that is open", (): boolean => true, "yes", /over its TCP connection, which is open/],
    ["one that is closed", (): boolean => false, "no", /^its TCP connection is closed/],
  ] as const)("%s", (_, isFlowAlive, reachable, fact) => {
    const answer = told([tcp], { isFlowAlive });
    expect(answer.reachable).toBe(reachable);
    expect(answer.contacts[0]!.facts).toContainEqual(expect.stringMatching(fact));
  });

  test("the best contact decides", () => {
    const isFlowAlive = (token: string): boolean => token === "open";
    expect(told([{ flow: "x" }, { flow: "open" }, {}], { isFlowAlive }).reachable).toBe("yes");
    expect(told([{ flow: "x" }, {}], { isFlowAlive }).reachable).toBe("maybe");
    expect(told([{ flow: "x" }], { isFlowAlive })).toMatchObject({
      reachable: "no",
      summary: "registered with one contact, but no call gets through",
    });
  });
});

describe("the way that is told is the one that the proxy takes", () => {
  const self = new Self({ legs: [] });
  const SOURCE = { kind: "udp", peer: { address: "198.51.100.4", port: 61002 } };
  const RULES: readonly (readonly [string, Partial<Binding>, RegExp, object | undefined])[] = [
    ["its connection", tcp, /TCP connection/, { kind: "connection", token: "f1" }],
    [
      "its connection, a contact that is no address (RFC 7118)",
      { flow: "f1", received: "ws:198.51.100.4:1", uri: "sip:a@df7jal23ls0d.invalid" },
      /WS connection/,
      { kind: "connection" },
    ],
    [
      "its Path",
      { uri: "sip:a@10.0.0.1", path: ["<sip:edge.example.com;lr>"] },
      /through its Path: <sip:edge.example.com;lr>/,
      { kind: "uri", uri: { host: "edge.example.com" } },
    ],
    ["reg-id over UDP", { uri: "sip:a@198.51.100.4", regId: 1 }, /reg-id .* 198\.51\.100\.4:61002$/, SOURCE],
    [
      "another address",
      { uri: "sip:a@192.168.1.5:5060" },
      /192\.168\.1\.5, .* a NAT, so requests go to where it came from/,
      SOURCE,
    ],
    ["a host name", { uri: "sip:a@phone.example.com" }, /so requests go to where it came from/, SOURCE],
    [
      "another address, IPv6",
      { uri: "sip:a@[2001:db8::2]", received: "udp:[2001:db8::1]:5060" },
      /2001:db8::2, .* from 2001:db8::1: a NAT/,
      { kind: "udp", peer: { address: "2001:db8::1", port: 5060 } },
    ],
    [
      "the very address",
      { uri: "sip:a@198.51.100.4:61002" },
      /to its contact, 198\.51\.100\.4:61002$/,
      { kind: "uri" },
    ],
    [
      "another port",
      { uri: "sip:a@198.51.100.4" },
      /to its contact, 198\.51\.100\.4:5060; its REGISTER came from port 61002/,
      { kind: "uri" },
    ],
    ["another scheme", { uri: "tel:+4912345" }, /no SIP URI/, undefined],
  ];
  test.each(RULES)("%s", (_, binding, fact, hop) => {
    const full = bindingAt(NOW_MS, binding);
    const answer = explain(AOR, [full], { nowMs: NOW_MS, isFlowAlive: () => true });
    expect(answer.contacts[0]!.facts).toContainEqual(expect.stringMatching(fact));
    const destination = bindingDestination(full, "source", self);
    if (hop === undefined) expect([destination, answer.reachable]).toEqual([undefined, "no"]);
    else expect(destination).toMatchObject({ hop });
  });
});

test.each([
  [0, "0 s"],
  [1, "1 s"],
  [119_000, "119 s"],
  [120_000, "2 min"],
  [7_199_000, "119 min"],
  [7_200_000, "2 h"],
  [7_500_000, "2 h 5 min"],
  [172_800_000, "2 d"],
  [180_000_000, "2 d 2 h"],
])("%i ms: %s", (ms, text) => expect(duration(ms)).toBe(text));

test("RFC 5626 §7: ICMP about its flow weighs more than a ping that was answered", () => {
  const answer = explain(AOR, [bindingAt(NOW_MS, { regId: 1 })], {
    nowMs: NOW_MS,
    lostSinceMs: () => NOW_MS - 20_000,
    reachability: () => ({ reachable: true, misses: 0, roundTripMs: 12, testedAtMs: NOW_MS - 30_000 }),
  });
  expect(answer.reachable).toBe("no");
  expect(answer.contacts[0]!.facts.at(-1)).toBe(
    "the network said 20 s ago that a request did not arrive (ICMP): it is not called until it sends a SIP message",
  );
});

describe("pings", () => {
  const KNOWN = { reachable: true, misses: 0, roundTripMs: 12, testedAtMs: NOW_MS - 20_000 };
  test.each([
    ["answered", KNOWN, "yes", "it answered a ping within 12 ms, the last 20 s ago"],
    [
      "missed, but not often enough",
      { ...KNOWN, misses: 2 },
      "maybe",
      "it left 2 of the latest pings unanswered, the last 20 s ago",
    ],
    [
      "missed too often",
      { ...KNOWN, reachable: false, misses: 3 },
      "no",
      "it left 3 pings in a row unanswered, the last 20 s ago: it is not called until it answers or registers again",
    ],
  ] as const)("%s", (_, known, reachable, fact) => {
    const answer = told([{}], { reachability: (aor) => (aor === AOR ? known : undefined) });
    expect(answer.reachable).toBe(reachable);
    expect(answer.contacts[0]!.facts).toContain(fact);
  });

  test("nothing yet says nothing", () => {
    const nothing = { reachable: true, misses: 0, roundTripMs: null, testedAtMs: null };
    expect(told([{}], { reachability: () => nothing })).toEqual(told([{}]));
    expect(told([{}], { reachability: () => undefined })).toEqual(told([{}]));
  });

  test("an answer does not revive a closed connection", () => {
    const facts = { isFlowAlive: () => false, reachability: () => KNOWN };
    expect(told([{ flow: "x" }], facts).reachable).toBe("no");
  });
});
