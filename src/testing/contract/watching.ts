import { deepEqual, equal } from "node:assert/strict";
import type { LocationEvent, LocationStore } from "../../location/store.js";
import { ALICE, add, at, BOB, drop, hosts, NOW_MS, type StoreCase, setTo, storeCase, told } from "./case.js";

function watched(store: LocationStore): LocationEvent[] {
  const events: LocationEvent[] = [];
  store.watch((event) => events.push(event));
  return events;
}

/** What `watch` promises. */
export const watchCases: readonly StoreCase<LocationStore>[] = [
  storeCase("each kind of change is told as what it is", async (store) => {
    const events = watched(store);
    await store.update(ALICE, setTo(at("h1")));
    await store.update(ALICE, add(at("h2")));
    await store.update(ALICE, setTo(at("h1", { cseq: 2 }), at("h2", { cseq: 3 })));
    await store.update(
      ALICE,
      drop(({ uri }) => uri.endsWith("h1")),
    );
    await store.update(ALICE, () => ({ bindings: [], outcome: null, goneAs: "flow-closed" }));
    deepEqual(told(events), [
      `registered ${ALICE} h1`,
      `registered ${ALICE} h2`,
      `refreshed ${ALICE} h1`,
      `refreshed ${ALICE} h2`,
      `removed ${ALICE} h1`,
      `flow-closed ${ALICE} h2`,
    ]);
    equal(events[2]!.binding.cseq, 2);
    equal(events[4]!.binding.cseq, 2);
  }),

  storeCase("events come in the order of the changes, whoever makes them", async (store) => {
    const events = watched(store);
    const names = Array.from({ length: 30 }, (_, i) => `h${i}`);
    await Promise.all(names.map(async (name, i) => store.update(i % 2 === 0 ? ALICE : BOB, add(at(name)))));
    deepEqual(
      told(events),
      names.map((name, i) => `registered ${i % 2 === 0 ? ALICE : BOB} ${name}`),
    );
  }),

  storeCase("an event comes when its change can be read, and before its update settles", async (store) => {
    const seen: unknown[] = [];
    store.watch(async ({ aor }) => {
      seen.push(hosts(await store.read(aor)));
    });
    let events = 0;
    store.watch(() => {
      events++;
    });
    await store.update(ALICE, add(at("h1")));
    equal(events, 1);
    await store.update(ALICE, add(at("h2")));
    equal(events, 2);
    await store.scan({ limit: 1 });
    deepEqual(seen, [["h1"], ["h1", "h2"]]);
  }),

  storeCase("who stops watching is told no more, and the others are", async (store) => {
    const stayed = watched(store);
    const left: LocationEvent[] = [];
    const stop = store.watch((event) => left.push(event));
    await store.update(ALICE, add(at("h1")));
    stop();
    stop();
    await store.update(ALICE, add(at("h2")));
    deepEqual(told(left), [`registered ${ALICE} h1`]);
    deepEqual(told(stayed), [`registered ${ALICE} h1`, `registered ${ALICE} h2`]);
  }),

  storeCase("a watcher may change the store", async (store) => {
    const events: LocationEvent[] = [];
    const made: Promise<unknown>[] = [];
    store.watch((event) => {
      if (event.aor === ALICE) made.push((async () => store.update(BOB, add(at("h2"))))());
    });
    store.watch((event) => events.push(event));
    await store.update(ALICE, add(at("h1")));
    await Promise.all(made);
    deepEqual(told(events), [`registered ${ALICE} h1`, `registered ${BOB} h2`]);
  }),

  storeCase("a binding past its time that a change leaves out is told as expired", async (store) => {
    await store.update(ALICE, setTo(at("old", { expiresAtMs: 1 }), at("new", { expiresAtMs: NOW_MS * 2 })));
    const events = watched(store);
    await store.update(ALICE, setTo());
    deepEqual(told(events), [`expired ${ALICE} old`, `removed ${ALICE} new`]);
  }),

  storeCase("a change that failed is not told", async (store) => {
    const events = watched(store);
    const broken = async () =>
      store.update(ALICE, () => {
        throw new Error("on purpose");
      });
    await broken().catch(() => {});
    await store.update(BOB, add(at("h1")));
    deepEqual(told(events), [`registered ${BOB} h1`]);
  }),
];
