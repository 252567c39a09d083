import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { LocationStore } from "../../location/store.js";
import { ALICE, add, at, BOB, drop, hosts, OnPurpose, type StoreCase, setTo, storeCase } from "./case.js";

/** What `update`, `read` and `count` promise. */
export const updateCases: readonly StoreCase<LocationStore>[] = [
  storeCase("an address-of-record that nobody registered has no bindings", async (store) => {
    deepEqual(await store.read(ALICE), []);
    deepEqual(await store.count(), { aors: 0, bindings: 0 });
  }),

  storeCase("an update hands over the set, keeps the new one and gives back the outcome", async (store) => {
    equal(await store.update(ALICE, add(at("h1"))), 1);
    equal(await store.update(ALICE, add(at("h2"))), 2);
    deepEqual(await store.read(ALICE), [at("h1"), at("h2")]);
    deepEqual(await store.read(BOB), []);
  }),

  storeCase("every field of a binding comes back as it was", async (store) => {
    const full = at("h1", {
      params: ';+sip.instance="<urn:uuid:1>";methods="INVITE, BYE"',
      qMilli: 700,
      cseq: 2 ** 32 - 1,
      userAgent: "Phone \xe9\x00\xff",
      received: "tcp:[2001:db8::1]:5061",
      flow: "token",
      path: ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"],
      instance: "<urn:uuid:1>",
      regId: 7,
      extra: { push: "pn-prid=1", empty: "" },
    });
    const other = at("h2", { instance: "<urn:uuid:2>" });
    await store.update(ALICE, setTo(full, other));
    deepEqual(await store.read(ALICE), [full, other]);
  }),

  storeCase("A1: a change that throws changes nothing, and the error is the caller's", async (store) => {
    await store.update(ALICE, add(at("h1")));
    const broken = async () =>
      store.update(ALICE, () => {
        throw new OnPurpose();
      });
    await rejects(broken, OnPurpose);
    deepEqual(hosts(await store.read(ALICE)), ["h1"]);
    equal(await store.update(ALICE, add(at("h2"))), 2);
  }),

  storeCase("A1: a change that throws takes no other with it", async (store) => {
    const results = await Promise.allSettled([
      (async () => store.update(ALICE, add(at("h1"))))(),
      (async () =>
        store.update(ALICE, () => {
          throw new OnPurpose();
        }))(),
      (async () => store.update(ALICE, add(at("h2"))))(),
      (async () => store.update(BOB, add(at("h3"))))(),
    ]);
    deepEqual(
      results.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled"],
    );
    deepEqual(hosts(await store.read(ALICE)), ["h1", "h2"]);
    deepEqual(hosts(await store.read(BOB)), ["h3"]);
  }),

  storeCase("A2: updates of one address-of-record take effect in the order of the calls", async (store) => {
    const names = Array.from({ length: 200 }, (_, i) => `h${i}`);
    const outcomes = await Promise.all(names.map(async (name) => store.update(ALICE, add(at(name)))));
    deepEqual(
      outcomes,
      names.map((_, i) => i + 1),
    );
    deepEqual(hosts(await store.read(ALICE)), names);
  }),

  storeCase("A2: so they do when they come among updates of others", async (store) => {
    const names = Array.from({ length: 50 }, (_, i) => `h${i}`);
    const aors = Array.from({ length: 20 }, (_, i) => `sip:u${i}@example.com`);
    await Promise.all(names.flatMap((name) => aors.map(async (aor) => store.update(aor, add(at(name))))));
    for (const aor of aors) deepEqual(hosts(await store.read(aor)), names);
    deepEqual(await store.count(), { aors: aors.length, bindings: aors.length * names.length });
  }),

  storeCase("A10: a limit that a change keeps is kept however many come at once", async (store) => {
    const max = 5;
    const register = (name: string) =>
      store.update(ALICE, (current) =>
        current.length < max
          ? { bindings: [...current, at(name)], outcome: true }
          : { bindings: current, outcome: false },
      );
    const granted = await Promise.all(Array.from({ length: 40 }, async (_, i) => register(`h${i}`)));
    equal(granted.filter(Boolean).length, max);
    deepEqual(hosts(await store.read(ALICE)), ["h0", "h1", "h2", "h3", "h4"]);
  }),

  storeCase("an update behind others sees what they did, also when it changes nothing", async (store) => {
    const first = store.update(ALICE, add(at("h1")));
    const look = store.update(ALICE, (current) => ({ bindings: current, outcome: hosts(current) }));
    await first;
    deepEqual(await look, ["h1"]);
  }),

  storeCase("the same set given back is not written", async (store) => {
    await store.update(ALICE, add(at("h1")));
    const events: unknown[] = [];
    store.watch((event) => events.push(event));
    equal(await store.update(ALICE, (current) => ({ bindings: current, outcome: current.length })), 1);
    equal(await store.update(BOB, (current) => ({ bindings: current, outcome: current.length })), 0);
    deepEqual(events, []);
    deepEqual(await store.count(), { aors: 1, bindings: 1 });
  }),

  storeCase("A7: one is taken away and the others stay; with the last one goes the record", async (store) => {
    await store.update(ALICE, setTo(at("h1"), at("h2")));
    await store.update(
      ALICE,
      drop(({ uri }) => uri.endsWith("h1")),
    );
    deepEqual(hosts(await store.read(ALICE)), ["h2"]);
    deepEqual(await store.count(), { aors: 1, bindings: 1 });
    await store.update(ALICE, setTo());
    deepEqual(await store.read(ALICE), []);
    deepEqual(await store.count(), { aors: 0, bindings: 0 });
    deepEqual(await store.scan({ limit: 10 }), { records: [], next: null });
  }),

  storeCase("emptying an address-of-record that has nothing is nothing", async (store) => {
    await store.update(ALICE, setTo());
    deepEqual(await store.count(), { aors: 0, bindings: 0 });
    deepEqual(await store.scan({ limit: 10 }), { records: [], next: null });
  }),

  storeCase("a key of 1,024 octets is kept, a longer one refused as too large", async (store) => {
    const longest = `sip:${"a".repeat(1024 - "sip:@example.com".length)}@example.com`;
    await store.update(longest, add(at("h1")));
    deepEqual(hosts(await store.read(longest)), ["h1"]);
    const tooLong = async () => store.update(`${longest}x`, add(at("h1")));
    await rejects(tooLong, { name: "StoreError", code: "too-large" });
    deepEqual(await store.read(`${longest}x`), []);
  }),

  storeCase("keys are octets: case, eight bits and a user that is another's beginning", async (store) => {
    const keys = [
      "sip:\xe9@example.com",
      "sip:A@example.com",
      "sip:a@example.com",
      "sip:a@example.co",
      "sip:\xff\xff",
    ];
    for (const key of keys) await store.update(key, add(at(String(keys.indexOf(key)))));
    for (const key of keys) deepEqual(hosts(await store.read(key)), [String(keys.indexOf(key))]);
    equal((await store.count()).aors, keys.length);
  }),

  storeCase(
    "closing waits for what was begun, and what comes after is refused, never answered empty",
    async (store) => {
      const begun = (async () => store.update(ALICE, add(at("h1"))))();
      await store.close();
      equal(await begun, 1);
      const closed = { name: "StoreError", code: "closed" };
      await rejects(async () => store.update(ALICE, add(at("h2"))), closed);
      await rejects(async () => store.read(ALICE), closed);
      await rejects(async () => store.scan({ limit: 1 }), closed);
      await rejects(async () => store.count(), closed);
      await rejects(async () => store.expire(0), closed);
      await store.close();
    },
  ),

  storeCase("a set of many and large bindings is one record", async (store) => {
    const many = Array.from({ length: 60 }, (_, i) => at(`h${i}`, { params: `;x="${"y".repeat(1000)}"` }));
    await store.update(ALICE, setTo(...many));
    deepEqual(await store.read(ALICE), many);
    await store.update(
      ALICE,
      drop(({ uri }) => !uri.endsWith("h7")),
    );
    deepEqual(hosts(await store.read(ALICE)), ["h7"]);
    ok((await store.scan({ limit: 5 })).records.length === 1);
  }),
];
