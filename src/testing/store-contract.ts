import { deepEqual, equal } from "node:assert/strict";
import type { LocationStore } from "../location/store.js";
import { ALICE, add, at, BOB, hosts, NOW_MS, type StoreCase, setTo } from "./contract/case.js";
import { expiryCases } from "./contract/expiry.js";
import { modelCases } from "./contract/model.js";
import { scanCases } from "./contract/scans.js";
import { updateCases } from "./contract/updates.js";
import { watchCases } from "./contract/watching.js";

export type { StoreCase } from "./contract/case.js";

/**
 * What every location store promises, for any test runner:
 * `for (const { name, run } of storeContract) test(name, () => run(() => myStore()))`.
 */
export const storeContract: readonly StoreCase<LocationStore>[] = [
  ...updateCases,
  ...expiryCases,
  ...scanCases,
  ...watchCases,
  ...modelCases,
];

/** Data that more than one store object works on, as several processes do, or one after another. */
export interface SharedStore {
  /** One more store object on the same data, which is empty at first. The case closes it. */
  open(): LocationStore | Promise<LocationStore>;
}

/** What a store promises whose data outlives it, or that several processes share. */
export const sharedStoreContract: readonly StoreCase<SharedStore>[] = [
  {
    name: "F1: what an update answered for is there when the store is opened again",
    async run(openData) {
      const data = await openData();
      const first = await data.open();
      await first.update(ALICE, setTo(at("h1"), at("h2", { expiresAtMs: NOW_MS + 1_000 })));
      await first.update(BOB, add(at("h3")));
      await first.close();
      const second = await data.open();
      deepEqual(await second.read(ALICE), [at("h1"), at("h2", { expiresAtMs: NOW_MS + 1_000 })]);
      deepEqual(await second.count(), { aors: 2, bindings: 3 });
      equal(await second.expire(NOW_MS + 1_000), 1);
      deepEqual(hosts(await second.read(ALICE)), ["h1"]);
      await second.close();
    },
  },
  {
    name: "F5: what one store answered for is what the other reads next",
    async run(openData) {
      const data = await openData();
      const [one, other] = [await data.open(), await data.open()];
      for (let i = 1; i <= 20; i++) {
        await (i % 2 === 0 ? one : other).update(ALICE, setTo(at(`h${i}`)));
        deepEqual(hosts(await (i % 2 === 0 ? other : one).read(ALICE)), [`h${i}`]);
      }
      await one.close();
      deepEqual(hosts(await other.read(ALICE)), ["h20"]);
      await other.close();
    },
  },
  {
    name: "A10: a limit is kept, and no change lost, when two stores change one address-of-record at once",
    async run(openData) {
      const data = await openData();
      const stores = [await data.open(), await data.open()];
      const max = 10;
      const register = async (store: LocationStore, name: string) =>
        store.update(ALICE, (current) =>
          current.length < max
            ? { bindings: [...current, at(name)], outcome: name }
            : { bindings: current, outcome: null },
        );
      const names = Array.from({ length: 40 }, (_, i) => `h${i}`);
      const granted = await Promise.all(names.map((name, i) => register(stores[i % 2]!, name)));
      const held = hosts(await stores[0]!.read(ALICE));
      deepEqual([...held].sort(), granted.filter((name) => name !== null).sort());
      equal(held.length, max);
      for (const store of stores) await store.close();
    },
  },
];
