import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, test } from "vitest";
import { lmdbStore } from "../../src/storage/lmdb.js";
import { memoryStore } from "../../src/storage/memory.js";
import { sharedStoreContract, storeContract } from "../../src/testing/store-contract.js";

const folders = mkdtempSync(join(tmpdir(), "rollcall-contract-"));
let made = 0;
const newPath = () => join(folders, String(++made));
/** The moment of the contract suite: what it expires is past, what it keeps is not. */
const clock = { nowMs: () => 1_767_225_600_000 };

afterAll(() => rmSync(folders, { recursive: true, force: true }));

describe("memory", () => {
  for (const { name, run } of storeContract) test(name, () => run(() => memoryStore({ clock })));
});

describe("LMDB", () => {
  for (const { name, run } of storeContract)
    test(name, () => run(() => lmdbStore({ path: newPath(), clock })));
  for (const { name, run } of sharedStoreContract) {
    test(name, () =>
      run(() => {
        const path = newPath();
        return { open: () => lmdbStore({ path, clock }) };
      }),
    );
  }
});
