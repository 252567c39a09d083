import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { NonceUses, RETRANSMISSION_MS, type Use } from "../../src/auth/nonce-uses.js";

const LIFETIME_MS = 300_000;

function uses(capacity = 1000): NonceUses {
  return new NonceUses({ capacity, lifetimeMs: LIFETIME_MS, nowMs: 0 });
}

function use(nc: number, mark = nc, nonce = 1, issuedAtMs = 0): Use {
  return { nonce, issuedAtMs, nc, mark };
}

describe("RFC 7616 §3.4 nc: each value serves one request", () => {
  it.each([
    ["in order", [1, 2, 3, 4]],
    ["a gap, filled later: datagrams overtake each other", [1, 4, 2, 3]],
    ["a far jump", [1, 1000, 999]],
    ["the first to arrive is not the first sent", [3, 1, 2]],
    ["the window moves by more than its width", [1, 33, 66, 65]],
    ["up to the last value", [0xffff_fffe, 0xffff_ffff]],
  ])("%s", (_, order) => {
    const own = uses();
    for (const nc of order) expect(own.take(use(nc), 0)).toBe("first");
    for (const nc of order) expect(own.take(use(nc, 9999), 0)).toBe("replay");
  });

  it("what is below the window is taken for a replay", () => {
    const own = uses();
    own.take(use(100), 0);
    expect(own.take(use(69), 0)).toBe("first");
    expect(own.take(use(68), 0)).toBe("replay");
  });

  it("is counted for each nonce by itself", () => {
    const own = uses();
    expect(own.take(use(1, 1, 1), 0)).toBe("first");
    expect(own.take(use(1, 1, 2), 0)).toBe("first");
  });

  it("keeps to a model: whatever order they come in, none is served twice, and all within the window are", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 120 }), (order) => {
        const own = uses();
        const seen = new Set<number>();
        let top = 0;
        order.forEach((nc, i) => {
          const isNew = !seen.has(nc) && (top === 0 || nc > top - 32);
          // every request is another one: a fresh mark each
          expect(own.take(use(nc, 1000 + i), 0)).toBe(isNew ? "first" : "replay");
          if (isNew) {
            seen.add(nc);
            top = Math.max(top, nc);
          }
        });
      }),
    );
  });
});

describe("RFC 3261 §17.1.2.2: the same request again gets the same treatment", () => {
  it("a retransmission is recognised, also when others of the nonce came between", () => {
    const own = uses();
    for (let nc = 1; nc <= 5; nc++) own.take(use(nc), 0);
    for (let nc = 1; nc <= 5; nc++) expect(own.take(use(nc), 1000)).toBe("repeat");
  });

  it("any number of times, but not longer than its transaction may live", () => {
    const own = uses();
    own.take(use(1), 5000);
    for (let i = 0; i < 11; i++) expect(own.take(use(1), 5000 + i * 2900)).toBe("repeat");
    expect(own.take(use(1), 5000 + RETRANSMISSION_MS)).toBe("repeat");
    expect(own.take(use(1), 5001 + RETRANSMISSION_MS)).toBe("replay");
    own.take(use(2), 6000);
    expect(own.take(use(1), 5001 + RETRANSMISSION_MS)).toBe("replay");
  });

  it("another request with that nc is none", () => {
    const own = uses();
    own.take(use(1, 111), 0);
    expect(own.take(use(1, 112), 0)).toBe("replay");
    expect(own.take(use(2, 111), 0)).toBe("first");
  });

  it("asking changes nothing", () => {
    const own = uses();
    expect(own.isRepeat(use(1), 0)).toBe(false);
    expect(own.size).toBe(0);
    expect(own.take(use(1), 0)).toBe("first");
    expect(own.isRepeat(use(1), 0)).toBe(true);
  });
});

describe("bounded memory", () => {
  it("keeps no more nonces than it has room for", () => {
    const own = uses(100);
    for (let i = 0; i < 1000; i++) {
      own.take(use(1, 1, i, i), i);
      expect(own.size).toBeLessThanOrEqual(100);
    }
    // and no fewer than half of it
    expect(own.size).toBeGreaterThanOrEqual(50);
  });

  it("never serves again what it had to forget, nor what may have been forgotten", () => {
    const own = uses(4);
    const issued = [10, 20, 30, 40, 50];
    issued.forEach((atMs, nonce) => {
      own.take(use(1, 1, nonce, atMs), atMs);
    });
    // the first two had to go: replays of them, and any unknown nonce as old, are not served
    expect(own.take(use(1, 2, 0, 10), 60)).toBe("forgotten");
    expect(own.take(use(1, 2, 1, 20), 60)).toBe("forgotten");
    expect(own.take(use(1, 2, 77, 15), 60)).toBe("forgotten");
    expect(own.take(use(1, 2, 4, 50), 60)).toBe("replay");
    expect(own.take(use(1, 2, 78, 55), 60)).toBe("first");
  });

  it("drops what is past its time without a trace", () => {
    const own = uses(1000);
    const lifeMs = LIFETIME_MS + RETRANSMISSION_MS;
    for (let nonce = 0; nonce < 100; nonce++) own.take(use(1, 1, nonce, 0), 0);
    own.take(use(1, 1, 100, lifeMs), lifeMs);
    own.take(use(1, 1, 101, 2 * lifeMs), 2 * lifeMs);
    expect(own.size).toBe(2);
    // nothing was dropped before its time, so no nonce in its time is taken for forgotten
    expect(own.take(use(1, 1, 102, 2 * lifeMs), 2 * lifeMs)).toBe("first");
    expect(own.take(use(1, 1, 103, lifeMs + 1), 2 * lifeMs)).toBe("first");
  });

  it("no order of requests makes it serve one nc twice, however little room there is", () => {
    const step = fc.record({ nonce: fc.integer({ min: 0, max: 7 }), nc: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 6 }), fc.array(step, { maxLength: 80 }), (capacity, steps) => {
        const own = uses(capacity);
        const served = new Set<string>();
        steps.forEach(({ nonce, nc }, i) => {
          const taken = own.take(use(nc, i + 1, nonce, nonce * 10), 1000);
          if (taken === "first") {
            expect(served.has(`${nonce}/${nc}`)).toBe(false);
            served.add(`${nonce}/${nc}`);
          }
        });
        expect(own.size).toBeLessThanOrEqual(capacity);
      }),
    );
  });
});
