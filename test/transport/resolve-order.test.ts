import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededEntropy } from "../../src/testing/entropy.js";
import type { SrvRecord } from "../../src/transport/resolve-dns.js";
import { orderSrv } from "../../src/transport/resolve-order.js";

function srv(priority: number, weight: number, name: string): SrvRecord {
  return { priority, weight, name, port: 5060 };
}

/** How often each record comes first in so many rounds, as a share of them. */
function shares(records: readonly SrvRecord[], rounds = 4_000): Record<string, number> {
  const entropy = seededEntropy(2782);
  const counts: Record<string, number> = Object.fromEntries(records.map(({ name }) => [name, 0]));
  for (let round = 0; round < rounds; round++) {
    const [first] = orderSrv(records, () => entropy.unit());
    counts[first!.name]!++;
  }
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / rounds]));
}

describe("RFC 2782: weights", () => {
  it("are how often a record comes first", () => {
    const share = shares([srv(0, 10, "a"), srv(0, 30, "b"), srv(0, 60, "c")]);
    expect(share.a).toBeCloseTo(0.1, 1);
    expect(share.b).toBeCloseTo(0.3, 1);
    expect(share.c).toBeCloseTo(0.6, 1);
  });

  it("of 0 beside others give a small chance, and alone an even one", () => {
    const beside = shares([srv(0, 0, "a"), srv(0, 99, "b")]);
    expect(beside.a).toBeGreaterThan(0);
    expect(beside.a).toBeLessThan(0.03);
    const alone = shares([srv(0, 0, "a"), srv(0, 0, "b"), srv(0, 0, "c")]);
    for (const share of Object.values(alone)) expect(share).toBeCloseTo(1 / 3, 1);
  });

  it("say nothing across priorities", () => {
    expect(shares([srv(1, 65_535, "a"), srv(0, 0, "b")], 50)).toEqual({ a: 0, b: 1 });
  });
});

describe("properties", () => {
  const record = fc.record({
    priority: fc.nat({ max: 3 }),
    weight: fc.oneof(fc.constant(0), fc.nat({ max: 65_535 })),
    name: fc.constantFrom("a", "b", "c"),
    port: fc.constantFrom(5060, 5061),
  });
  const unit = fc.oneof(fc.constantFrom(0, 1 - 2 ** -32), fc.double({ min: 0, max: 0.999_999, noNaN: true }));

  it("every record comes once, by priority, whatever is drawn", () => {
    fc.assert(
      fc.property(
        fc.array(record, { maxLength: 8 }),
        fc.array(unit, { minLength: 8, maxLength: 8 }),
        (records, units) => {
          let at = 0;
          const ordered = orderSrv(records, () => units[at++ % units.length]!);
          expect(ordered).toHaveLength(records.length);
          expect(new Set(ordered)).toEqual(new Set(records));
          expect(ordered.map(({ priority }) => priority)).toEqual(
            records.map(({ priority }) => priority).sort((a, b) => a - b),
          );
        },
      ),
    );
  });

  it("RFC 3263 §4.4: without drawing, the order does not depend on the order of the answer", () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 8 }), fc.nat(), (records, turn) => {
        const at = records.length === 0 ? 0 : turn % records.length;
        const turned = [...records.slice(at), ...records.slice(0, at)].reverse();
        expect(orderSrv(turned, undefined)).toEqual(orderSrv(records, undefined));
      }),
    );
  });
});
