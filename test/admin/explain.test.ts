import { describe, expect, test } from "vitest";
import { duration, type ExplainFacts, type Explanation, explain } from "../../src/admin/explain.js";
import type { Binding } from "../../src/location/binding.js";
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

describe("flows", () => {
  const tcp = { flow: "f1", received: "tcp:198.51.100.4:5062" };
  test.each([
    ["UDP: only trying tells", {}, undefined, "maybe", /over UDP/],
    [
      "a connection, the server not asked",
      tcp,
      undefined,
      "maybe",
      /TCP connection it registered on; whether that is open/,
    ],
    ["a connection that is open", tcp, (): boolean => true, "yes", /^its TCP connection is open/],
    ["a connection that is closed", tcp, (): boolean => false, "no", /^its TCP connection is closed/],
  ] as const)("%s", (_, binding, isFlowAlive, reachable, fact) => {
    const answer = told([binding], { isFlowAlive });
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

describe("NAT", () => {
  test.each([
    [
      "another address",
      { uri: "sip:a@192.168.1.5:5060" },
      /^behind a NAT: its contact says 192.168.1.5, its REGISTER came from 198.51.100.4$/,
    ],
    [
      "IPv6",
      { uri: "sip:a@[2001:db8::2]", received: "udp:[2001:db8::1]:5060" },
      /^behind a NAT: its contact says 2001:db8::2/,
    ],
    [
      "another port",
      { uri: "sip:a@198.51.100.4:5070" },
      /^its contact says port 5070, its REGISTER came from port 61002/,
    ],
    [
      "no address at all (RFC 7118)",
      { uri: "sip:a@df7jal23ls0d.invalid;transport=ws" },
      /only the connection leads to it/,
    ],
  ])("%s", (_, binding, fact) => {
    expect(told([binding]).contacts[0]!.facts).toContainEqual(expect.stringMatching(fact));
  });

  test.each([
    ["the very address", { uri: "sip:a@198.51.100.4:61002" }],
    ["a host name", { uri: "sip:a@phone.example.com" }],
    ["behind a Path", { uri: "sip:a@10.0.0.1", path: ["<sip:edge.example.com;lr>"] }],
    [
      "another port over a connection",
      { uri: "sip:a@198.51.100.4:5070", flow: "f", received: "tcp:198.51.100.4:61002" },
    ],
  ])("none seen: %s", (_, binding) => {
    const { facts } = told([binding]).contacts[0]!;
    expect(facts.filter((fact) => /NAT|port 5070/.test(fact))).toEqual([]);
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
