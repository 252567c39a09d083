import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Bindings } from "../../src/location/binding.js";
import { equalSipUris, parseSipUri } from "../../src/message/uri.js";
import { readContacts } from "../../src/registrar/contact.js";
import { decide, type RegisterFacts, type RegisterPolicy } from "../../src/registrar/decide.js";
import { distinctContacts } from "../../src/registrar/match.js";
import { parseRequest, registerText } from "./rig.js";

const POLICY: RegisterPolicy = {
  minSec: 30,
  maxSec: 300,
  defaultSec: 200,
  limit: { most: 4, over: { action: "reject", status: 403 }, isReachable: () => true },
  deviceIdentity: true,
  hooks: [],
};

/** Few enough that they meet: spellings of the same, near misses, and parameters that break transitivity. */
const URIS = [
  "sip:alice@192.0.2.7",
  "sip:%61lice@192.0.2.7",
  "sip:alice@192.0.2.7:5060",
  "sip:alice@192.0.2.7;x=1",
  "sip:alice@192.0.2.7;x=2",
  "sip:alice@phone.example.com;transport=tcp",
  "sip:alice@PHONE.example.com;transport=TCP",
  "sips:alice@phone.example.com",
  "tel:+15551234",
];

const contact = fc.record({
  uri: fc.constantFrom(...URIS),
  expires: fc.constantFrom(undefined, 0, 30, 60, 300, 4000),
  device: fc.constantFrom(undefined, 1, 2),
  flow: fc.constantFrom(undefined, undefined, 1, 2),
});

const register = fc.record({
  callId: fc.constantFrom("a", "b", "c"),
  cseq: fc.integer({ min: 1, max: 6 }),
  contacts: fc.array(contact, { maxLength: 3 }),
  removesAll: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
  afterMs: fc.constantFrom(0, 1, 1000, 45_000, 250_000),
});

type Register = typeof register extends fc.Arbitrary<infer T> ? T : never;

function factsOf({ callId, cseq, contacts, removesAll }: Register): RegisterFacts {
  const values = contacts.map(({ uri, expires, device }) => {
    const instance = device === undefined ? "" : `;+sip.instance="<urn:x:${device}>"`;
    return `<${uri}>${instance}${expires === undefined ? "" : `;expires=${expires}`}`;
  });
  const read = readContacts(parseRequest(registerText({ contacts: values })).headers, 32, new Set());
  if (!read.ok) throw new Error("the test's own contacts are broken");
  // RFC 5626 §6, which the extension sees to: a flow is the only contact that lasts
  const lasting = read.value.list.filter(({ askedSec }) => askedSec !== 0).length;
  const flowOf = (i: number) => (contacts[i]!.device === undefined ? null : (contacts[i]!.flow ?? null));
  const list = distinctContacts(
    read.value.list.map((each, i) => ({ ...each, regId: lasting > 1 ? null : flowOf(i) })),
  );
  return {
    contacts: removesAll ? [] : list,
    removesAll,
    callId,
    cseq,
    userAgent: null,
    received: "udp:198.51.100.4:61002",
    flow: null,
    path: [],
    supports: () => false,
  };
}

function isEqual(a: string, b: string): boolean {
  const left = parseSipUri(a);
  const right = parseSipUri(b);
  return left !== undefined && right !== undefined ? equalSipUris(left, right) : a === b;
}

/** Runs a history and calls back with each step. */
function run(
  history: readonly Register[],
  step: (current: Bindings, facts: RegisterFacts, nowMs: number) => Bindings,
): void {
  let nowMs = 1_767_225_600_000;
  let current: Bindings = [];
  for (const each of history) {
    nowMs += each.afterMs;
    current = step(current, factsOf(each), nowMs);
    Object.freeze(current);
    for (const binding of current) Object.freeze(binding);
  }
}

const histories = fc.array(register, { maxLength: 25 });

describe("decide holds, over any history of REGISTERs of one address-of-record", () => {
  it("no two bindings are of the same contact: flows by instance and reg-id, others by §19.1.4", () => {
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const { bindings } = decide(current, facts, POLICY, nowMs);
          bindings.forEach((a, i) => {
            for (const b of bindings.slice(i + 1)) {
              if (a.regId !== null || b.regId !== null)
                expect(a.instance === b.instance && a.regId === b.regId).toBe(false);
              else
                expect(isEqual(a.uri, b.uri) && a.expiresAtMs > nowMs && b.expiresAtMs > nowMs).toBe(false);
            }
          });
          return bindings;
        });
      }),
    );
  });

  it("a rejection changes nothing (atomicity), and what is accepted shows all it asked for", () => {
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const { bindings, outcome } = decide(current, facts, POLICY, nowMs);
          if (!outcome.ok) {
            expect(bindings).toBe(current);
            return bindings;
          }
          for (const { uri, askedSec, regId } of facts.contacts) {
            const found = outcome.value.filter(
              (binding) => isEqual(binding.uri, uri) && binding.regId === regId,
            );
            if (askedSec === 0) expect(regId === null ? found : []).toEqual([]);
            else
              expect(found.some(({ callId, cseq }) => callId === facts.callId && cseq === facts.cseq)).toBe(
                true,
              );
          }
          return bindings;
        });
      }),
    );
  });

  it("the same request again, at any time before its bindings end, writes nothing and is answered alike", () => {
    fc.assert(
      fc.property(histories, fc.constantFrom(0, 1, 29_999), (history, laterMs) => {
        run(history, (current, facts, nowMs) => {
          const first = decide(current, facts, POLICY, nowMs);
          const again = decide(first.bindings, facts, POLICY, nowMs + laterMs);
          // a repeat prolongs nothing: what the first one made may end sooner than a lifetime from now
          if (first.outcome.ok && first.bindings.every(({ expiresAtMs }) => expiresAtMs > nowMs + laterMs)) {
            expect(again.bindings).toBe(first.bindings);
            expect(again.outcome.ok).toBe(true);
          }
          return first.bindings;
        });
      }),
    );
  });

  it("it is pure: run again on the same set, as stores may, it decides the same, and touches nothing it was given", () => {
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const before = structuredClone(current);
          const first = decide(current, facts, POLICY, nowMs);
          expect(decide(current, facts, POLICY, nowMs)).toEqual(first);
          expect(current).toEqual(before);
          return first.bindings;
        });
      }),
    );
  });

  it("lifetimes: live when enumerated, at most the maximum from now, and no binding that was not named is touched", () => {
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const { bindings, outcome } = decide(current, facts, POLICY, nowMs);
          if (!outcome.ok) return bindings;
          for (const binding of outcome.value) {
            expect(binding.expiresAtMs).toBeGreaterThan(nowMs);
            if (current.includes(binding)) continue;
            expect(binding.updatedAtMs).toBe(nowMs);
            expect(binding.expiresAtMs).toBeLessThanOrEqual(nowMs + POLICY.maxSec * 1000);
            expect(facts.contacts.some(({ uri }) => uri === binding.uri)).toBe(true);
          }
          return bindings;
        });
      }),
    );
  });

  it("CSeq never goes back for a contact under one Call-ID", () => {
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const { bindings, outcome } = decide(current, facts, POLICY, nowMs);
          if (!outcome.ok) return bindings;
          for (const before of current) {
            const after = bindings.find(
              ({ uri, regId, instance }) =>
                uri === before.uri &&
                regId === before.regId &&
                (regId === null || instance === before.instance),
            );
            if (after?.callId === before.callId && before.expiresAtMs > nowMs)
              expect(after.cseq).toBeGreaterThanOrEqual(before.cseq);
          }
          return bindings;
        });
      }),
    );
  });

  it.each([
    { action: "reject", status: 403 },
    { action: "reject", status: 503 },
    { action: "evict-oldest" },
    { action: "evict-unreachable" },
  ] as const)("never more contacts than the limit: %j", (over) => {
    const policy = { ...POLICY, limit: { most: 2, over, isReachable: () => false } };
    fc.assert(
      fc.property(histories, (history) => {
        run(history, (current, facts, nowMs) => {
          const { bindings, outcome } = decide(current, facts, policy, nowMs);
          if (outcome.ok) expect(outcome.value.length).toBeLessThanOrEqual(2);
          return bindings;
        });
      }),
    );
  });
});
