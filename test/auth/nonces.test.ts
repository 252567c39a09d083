import { describe, expect, it } from "vitest";
import type { NonceLedger } from "../../src/auth/attempts.js";
import type { NonceKeys, NonceScope } from "../../src/auth/nonce.js";
import { RETRANSMISSION_MS } from "../../src/auth/nonce-uses.js";
import { Nonces } from "../../src/auth/nonces.js";
import { nodeHasher } from "../../src/server/hasher.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { sharedLedger } from "./ledger.js";

const LIFETIME_MS = 300_000;
const keys: NonceKeys = { generation: 0, current: "a".repeat(64), previous: null };
const scope: NonceScope = { realm: "example.com", purpose: "registrar" };

function process(seed: number, ledger?: NonceLedger, clock = manualClock()) {
  const nonces = new Nonces(
    {
      hasher: nodeHasher(),
      clock,
      entropy: seededEntropy(seed),
      lifetimeMs: LIFETIME_MS,
      capacity: 1000,
      ledger,
    },
    keys,
  );
  return {
    clock,
    nonces,
    issue: () => nonces.issue(scope, "192.0.2.7"),
    spend: async (nonce: string, nc: number, mark = nc) =>
      await nonces.spend(nonces.open(nonce, scope)!, nc, mark),
  };
}

describe("RFC 7616 §5.4: a nonce serves for its time", () => {
  it.each([
    [0, "served"],
    [LIFETIME_MS, "served"],
    [LIFETIME_MS + 1, "stale"],
    [10 * LIFETIME_MS, "stale"],
  ] as const)("%i ms after its issue: %s", async (afterMs, spent) => {
    const own = process(1);
    const nonce = own.issue();
    own.clock.advance(afterMs);
    expect(await own.spend(nonce, 1)).toBe(spent);
  });

  it("a retransmission that comes just behind its end is served as the request was", async () => {
    const own = process(1);
    const nonce = own.issue();
    own.clock.advance(LIFETIME_MS);
    expect(await own.spend(nonce, 1)).toBe("served");
    own.clock.advance(RETRANSMISSION_MS);
    expect(await own.spend(nonce, 1)).toBe("repeated");
    expect(await own.spend(nonce, 2)).toBe("stale");
    own.clock.advance(1);
    expect(await own.spend(nonce, 1)).toBe("stale");
  });

  it("does not serve longer because a clock was set back", async () => {
    const ahead = manualClock(2_000_000_000_000);
    const behind = manualClock(1_000_000_000_000);
    const nonce = process(1, undefined, ahead).issue();
    expect(await process(1, undefined, behind).spend(nonce, 1)).toBe("stale");
  });
});

describe("several processes without a ledger", () => {
  it("a nonce of another one, or of the life before, is stale: nobody can know whether it was used", async () => {
    const before = process(1);
    const nonce = before.issue();
    expect(await before.spend(nonce, 1)).toBe("served");
    const after = process(2, undefined, before.clock);
    expect(await after.spend(nonce, 1)).toBe("stale");
    expect(await after.spend(before.issue(), 1)).toBe("stale");
    expect(await after.spend(after.issue(), 1)).toBe("served");
  });
});

describe.each([
  ["at once", false],
  ["later", true],
])("several processes with a ledger that answers %s", (_, late) => {
  it("whichever sees a nonce first serves it, whoever issued it; no other does", async () => {
    const ledger = sharedLedger({ late });
    const one = process(1, ledger);
    const two = process(2, ledger, one.clock);
    const nonce = one.issue();
    expect(await two.spend(nonce, 1)).toBe("served");
    expect(await one.spend(nonce, 1)).toBe("stale");
    expect(await one.spend(nonce, 2)).toBe("stale");
    expect(await two.spend(nonce, 1, 999)).toBe("replayed");
    expect(await two.spend(nonce, 2)).toBe("served");
  });

  it("both at once: one of them serves it", async () => {
    const ledger = sharedLedger({ late });
    const one = process(1, ledger);
    const two = process(2, ledger, one.clock);
    const nonce = one.issue();
    const spent = await Promise.all([one.spend(nonce, 1), two.spend(nonce, 1)]);
    expect(spent.toSorted()).toEqual(["served", "stale"]);
  });

  it("what was served before a restart is not served after it; what was not, is", async () => {
    const ledger = sharedLedger({ late });
    const before = process(1, ledger);
    const [used, unused] = [before.issue(), before.issue()];
    await before.spend(used, 1);
    const after = process(2, ledger, before.clock);
    expect(await after.spend(used, 1)).toBe("stale");
    expect(await after.spend(unused, 1)).toBe("served");
  });

  it("trouble with the ledger is an error and no answer", async () => {
    const ledger = sharedLedger({ late });
    const own = process(1, ledger);
    ledger.trouble = new Error("gone");
    await expect(own.spend(own.issue(), 1)).rejects.toThrow("gone");
  });
});
