import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type NonceKeys, NonceMint, type NonceScope } from "../../src/auth/nonce.js";
import { nodeHasher } from "../../src/server/hasher.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";

const hasher = nodeHasher();
const first: NonceKeys = { generation: 0, current: "a".repeat(64), previous: null };
const second: NonceKeys = { generation: 1, current: "b".repeat(64), previous: "a".repeat(64) };
const third: NonceKeys = { generation: 2, current: "c".repeat(64), previous: "b".repeat(64) };
const scope: NonceScope = { realm: "example.com", purpose: "registrar" };

function mint(keys = first, seed = 1) {
  const clock = manualClock();
  return { clock, mint: new NonceMint({ hasher, clock, entropy: seededEntropy(seed) }, keys) };
}

describe("RFC 7616 §3.3, §5.4: a nonce is ours or it is not", () => {
  it("opens what it issued, with the time of issue", () => {
    const { clock, mint: own } = mint();
    clock.advance(12_345);
    const nonce = own.issue(scope, "192.0.2.7");
    expect(own.open(nonce, scope)).toMatchObject({ issuedAtMs: clock.nowMs(), process: own.process });
  });

  it("fits into 64 octets and needs no escapes", () => {
    expect(mint().mint.issue(scope, "192.0.2.7")).toMatch(/^[0-9a-f]{1,63}$/);
  });

  it("gives no nonce twice, within a millisecond or over time", () => {
    const { clock, mint: own } = mint();
    const seen = new Set<string>();
    const ids = new Set<number>();
    for (let i = 0; i < 2000; i++) {
      const nonce = own.issue(scope, "192.0.2.7");
      seen.add(nonce);
      ids.add(own.open(nonce, scope)!.id);
      if (i % 7 === 0) clock.advance(1);
    }
    expect(seen.size).toBe(2000);
    expect(ids.size).toBe(2000);
  });

  it("believes none that was changed in any place", () => {
    const { mint: own } = mint();
    const nonce = own.issue(scope, "192.0.2.7");
    for (let at = 0; at < nonce.length; at++) {
      const other = nonce[at] === "0" ? "1" : "0";
      expect(own.open(nonce.slice(0, at) + other + nonce.slice(at + 1), scope)).toBeUndefined();
    }
  });

  it("believes none that was invented", () => {
    const { mint: own } = mint();
    fc.assert(
      fc.property(fc.string({ maxLength: 80 }), (text) => {
        expect(own.open(text, scope)).toBeUndefined();
      }),
    );
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdef"), minLength: 54, maxLength: 54 });
    fc.assert(
      fc.property(hex, (text) => {
        expect(own.open(`00${text.slice(2)}`, scope)).toBeUndefined();
      }),
    );
  });

  it.each([
    ["another realm", { realm: "example.org", purpose: "registrar" }],
    ["the other purpose", { realm: "example.com", purpose: "proxy" }],
  ] as const)("is worth nothing for %s", (_, other) => {
    const { mint: own } = mint();
    expect(own.open(own.issue(scope, "192.0.2.7"), other)).toBeUndefined();
  });

  it("is worth nothing under another key", () => {
    const stranger = mint({ ...first, current: "f".repeat(64) });
    expect(stranger.mint.open(mint().mint.issue(scope, "192.0.2.7"), scope)).toBeUndefined();
  });
});

describe("one key, several processes", () => {
  it("each opens what another issued, and knows that it was another", () => {
    const one = mint(first, 1).mint;
    const two = mint(first, 2).mint;
    expect(two.open(one.issue(scope, "192.0.2.7"), scope)?.process).toBe(one.process);
    expect(one.process).not.toBe(two.process);
  });
});

describe("a change of keys locks nobody out", () => {
  it("opens nonces of the key before, and no longer those of the one before that", () => {
    const { mint: own } = mint(first);
    const old = own.issue(scope, "192.0.2.7");
    own.useKeys(second);
    expect(own.open(old, scope)).toBeDefined();
    const newer = own.issue(scope, "192.0.2.7");
    own.useKeys(third);
    expect(own.open(newer, scope)).toBeDefined();
    expect(own.open(old, scope)).toBeUndefined();
  });

  it("signs with the new key at once, also within the same millisecond", () => {
    const { mint: own } = mint(first);
    own.issue(scope, "192.0.2.7");
    own.useKeys(second);
    const nonce = own.issue(scope, "192.0.2.7");
    expect(mint({ ...second, previous: null }).mint.open(nonce, scope)).toBeDefined();
  });

  it("tells a nonce of a key not known here from the others", () => {
    const ahead = mint(third, 2).mint.issue(scope, "192.0.2.7");
    const { mint: own } = mint(first);
    expect(own.isOfUnknownKey(ahead)).toBe(true);
    expect(own.isOfUnknownKey(own.issue(scope, "192.0.2.7"))).toBe(false);
    expect(own.isOfUnknownKey("invented")).toBe(false);
  });
});

describe("where a challenge went", () => {
  it("is known by whoever has the key, also after a change of keys", () => {
    const { mint: own } = mint(first, 1);
    const other = mint(second, 2).mint;
    const nonce = own.issue(scope, "192.0.2.7");
    for (const process of [own, other]) {
      const opened = process.open(nonce, scope)!;
      expect(process.wentTo(opened, "192.0.2.7")).toBe(true);
      expect(process.wentTo(opened, "192.0.2.8")).toBe(false);
      expect(process.wentTo(opened, "2001:db8::7")).toBe(false);
    }
  });
});
