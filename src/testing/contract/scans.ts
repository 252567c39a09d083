import { deepEqual, equal } from "node:assert/strict";
import type { LocationStore, ScanOptions } from "../../location/store.js";
import { ALICE, add, at, BOB, type StoreCase, setTo, storeCase } from "./case.js";

async function fill(store: LocationStore, aors: readonly string[]): Promise<void> {
  await Promise.all(aors.map(async (aor) => store.update(aor, add(at("h")))));
}

/** Every page of a scan, as lists of keys. */
async function pages(store: LocationStore, options: ScanOptions): Promise<string[][]> {
  const all: string[][] = [];
  let { after } = options;
  for (;;) {
    const { records, next } = await store.scan({ ...options, ...(after === undefined ? {} : { after }) });
    all.push(records.map(({ aor }) => aor));
    if (next === null) return all;
    after = next;
  }
}

const found = async (store: LocationStore, options: ScanOptions) => (await pages(store, options)).flat();

/** What `scan` promises. */
export const scanCases: readonly StoreCase<LocationStore>[] = [
  storeCase("records come in the order of their keys' octets, with their bindings", async (store) => {
    const aors = ["sip:b@h", "sip:\xe9@h", "sip:a@h", "sip:B@h", "sip:a1@h", "sip:ab@h"];
    await fill(store, aors);
    const { records, next } = await store.scan({ limit: 100 });
    deepEqual(
      records,
      aors.sort().map((aor) => ({ aor, bindings: [at("h")] })),
    );
    equal(next, null);
  }),

  storeCase("pages hold what they may, and the last one says so", async (store) => {
    await fill(store, ["sip:1@h", "sip:2@h", "sip:3@h", "sip:4@h", "sip:5@h"]);
    deepEqual(await pages(store, { limit: 2 }), [
      ["sip:1@h", "sip:2@h"],
      ["sip:3@h", "sip:4@h"],
      ["sip:5@h"],
    ]);
    deepEqual(await pages(store, { limit: 5 }), [["sip:1@h", "sip:2@h", "sip:3@h", "sip:4@h", "sip:5@h"]]);
    deepEqual(await pages(store, { limit: 2, after: "sip:4" }), [["sip:4@h", "sip:5@h"]]);
    deepEqual(await pages(store, { limit: 2, after: "sip:5@h" }), [[]]);
  }),

  storeCase("a domain is matched whole", async (store) => {
    const wanted = ["sip:a@example.com", "sip:b@example.com", "sip:example.com"];
    await fill(store, [...wanted, "sip:c@evilexample.com", "sip:d@example.com.net", "sip:e@sub.example.com"]);
    await fill(store, ["sip:f@[2001:db8::1]", "sip:g@[2001:db8::12]"]);
    deepEqual(await found(store, { limit: 10, domain: "example.com" }), wanted.sort());
    deepEqual(await found(store, { limit: 10, domain: "[2001:db8::1]" }), ["sip:f@[2001:db8::1]"]);
    deepEqual(await found(store, { limit: 10, domain: "com" }), []);
  }),

  storeCase("a search finds any part of the key, without regard to case", async (store) => {
    await fill(store, ["sip:Alice@example.com", "sip:malice@example.net", "sip:bob@example.com"]);
    deepEqual(await found(store, { limit: 1, search: "aLICE" }), [
      "sip:Alice@example.com",
      "sip:malice@example.net",
    ]);
    deepEqual(await found(store, { limit: 1, search: "alice", domain: "example.net" }), [
      "sip:malice@example.net",
    ]);
    deepEqual(await found(store, { limit: 1, search: "carol" }), []);
  }),

  storeCase("a scan sees what was added and taken away since the last one", async (store) => {
    await fill(store, [ALICE, BOB]);
    deepEqual(await found(store, { limit: 10 }), [ALICE, BOB]);
    await store.update(ALICE, setTo());
    await fill(store, ["sip:aaron@example.com", "sip:carol@example.com"]);
    deepEqual(await found(store, { limit: 10 }), ["sip:aaron@example.com", BOB, "sip:carol@example.com"]);
    deepEqual(await found(store, { limit: 1 }), ["sip:aaron@example.com", BOB, "sip:carol@example.com"]);
  }),

  storeCase("thousands are walked, a match at the very end is found", async (store) => {
    const aors = Array.from({ length: 3_500 }, (_, i) => `sip:u${String(i).padStart(5, "0")}@example.com`);
    await fill(store, aors);
    deepEqual(await found(store, { limit: 1_000 }), aors);
    deepEqual(await found(store, { limit: 3, search: "u03499" }), ["sip:u03499@example.com"]);
  }),
];
