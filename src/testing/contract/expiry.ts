import { deepEqual, equal } from "node:assert/strict";
import type { LocationEvent, LocationStore } from "../../location/store.js";
import { ALICE, add, at, BOB, hosts, NOW_MS, type StoreCase, setTo, storeCase, told } from "./case.js";

/** A binding to this host that expires this many milliseconds after `NOW_MS`. */
const until = (host: string, ms: number) => at(host, { expiresAtMs: NOW_MS + ms });

/** What `expire` promises (row A12). */
export const expiryCases: readonly StoreCase<LocationStore>[] = [
  storeCase("expired bindings stay, for reads and changes, until they are expired", async (store) => {
    await store.update(ALICE, setTo(until("old", -1)));
    deepEqual(hosts(await store.read(ALICE)), ["old"]);
    equal(await store.update(ALICE, (current) => ({ bindings: current, outcome: current.length })), 1);
    deepEqual((await store.scan({ limit: 1 })).records.length, 1);
  }),

  storeCase("what expired at or before the moment goes, and nothing else does", async (store) => {
    await store.update(ALICE, setTo(until("before", -1), until("at", 0), until("behind", 1)));
    await store.update(BOB, setTo(until("later", 60_000)));
    equal(await store.expire(NOW_MS), 2);
    deepEqual(hosts(await store.read(ALICE)), ["behind"]);
    deepEqual(hosts(await store.read(BOB)), ["later"]);
    deepEqual(await store.count(), { aors: 2, bindings: 2 });
    equal(await store.expire(NOW_MS), 0);
    equal(await store.expire(NOW_MS + 1), 1);
    deepEqual(await store.count(), { aors: 1, bindings: 1 });
    deepEqual(await store.read(ALICE), []);
  }),

  storeCase("parts of a second are told apart", async (store) => {
    for (const ms of [100, 200, 300, 999, 1_000]) await store.update(`sip:${ms}@h`, setTo(until("h", ms)));
    equal(await store.expire(NOW_MS + 99), 0);
    equal(await store.expire(NOW_MS + 200), 2);
    equal(await store.expire(NOW_MS + 999), 2);
    equal(await store.expire(NOW_MS + 1_000), 1);
  }),

  storeCase("a refresh moves the expiry, later or sooner", async (store) => {
    await store.update(ALICE, setTo(until("h1", 10_000)));
    await store.update(ALICE, setTo(until("h1", 90_000)));
    equal(await store.expire(NOW_MS + 10_000), 0);
    await store.update(ALICE, setTo(until("h1", 50_000)));
    equal(await store.expire(NOW_MS + 49_999), 0);
    equal(await store.expire(NOW_MS + 50_000), 1);
    equal(await store.expire(NOW_MS + 100_000), 0);
  }),

  storeCase("an address-of-record comes back after all of it expired, or was taken away", async (store) => {
    await store.update(ALICE, setTo(until("h1", 1_000)));
    equal(await store.expire(NOW_MS + 5_000), 1);
    await store.update(ALICE, setTo(until("h2", 9_000)));
    await store.update(ALICE, setTo());
    await store.update(ALICE, setTo(until("h3", 7_000)));
    equal(await store.expire(NOW_MS + 6_999), 0);
    equal(await store.expire(NOW_MS + 7_000), 1);
    equal(await store.expire(NOW_MS + 10_000), 0);
    deepEqual(await store.count(), { aors: 0, bindings: 0 });
  }),

  storeCase("each is told once, as expired, dated by the moment", async (store) => {
    await store.update(ALICE, setTo(until("h1", 1_000), until("h2", 2_000), until("h3", 60_000)));
    const events: LocationEvent[] = [];
    store.watch((event) => events.push(event));
    await store.expire(NOW_MS + 1_500);
    await store.expire(NOW_MS + 2_500);
    deepEqual(told(events), [`expired ${ALICE} h1`, `expired ${ALICE} h2`]);
    deepEqual(
      events.map(({ atMs }) => atMs - NOW_MS),
      [1_500, 2_500],
    );
  }),

  storeCase("thousands that expire at once all go", async (store) => {
    const aors = Array.from({ length: 5_000 }, (_, i) => `sip:u${i}@example.com`);
    await Promise.all(
      aors.map(async (aor, i) => store.update(aor, add(until("h", i % 3 === 0 ? 60_000 : 1_000)))),
    );
    const rest = aors.filter((_, i) => i % 3 === 0).length;
    equal(await store.expire(NOW_MS + 1_000), aors.length - rest);
    deepEqual(await store.count(), { aors: rest, bindings: rest });
  }),

  storeCase("expiry and updates at once lose neither", async (store) => {
    await store.update(ALICE, setTo(until("old", 1_000), until("kept", 60_000)));
    const [expired] = await Promise.all([
      store.expire(NOW_MS + 1_000),
      (async () => store.update(ALICE, add(until("new", 60_000))))(),
    ]);
    equal(expired, 1);
    deepEqual(hosts(await store.read(ALICE)), ["kept", "new"]);
  }),
];
