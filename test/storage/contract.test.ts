import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { CommitPace } from "../../src/storage/commit-pace.js";
import { lmdbStore } from "../../src/storage/lmdb.js";
import { LmdbEnvironment } from "../../src/storage/lmdb-environment.js";
import { LmdbLocations } from "../../src/storage/lmdb-locations.js";
import { memoryStore } from "../../src/storage/memory.js";
import { aBinding } from "../../src/testing/bindings.js";
import { manualClock } from "../../src/testing/clock.js";
import { sharedStoreContract, storeContract } from "../../src/testing/store-contract.js";

const folders = mkdtempSync(join(tmpdir(), "rollcall-contract-"));
let made = 0;
const newPath = () => join(folders, String(++made));
/** Stands at the moment of the contract suite: what that expires is past, what it keeps is not. */
const clock = manualClock(1_767_225_600_000);

afterAll(() => rmSync(folders, { recursive: true, force: true }));

describe("memory", () => {
  for (const { name, run } of storeContract) test(name, () => run(() => memoryStore({ clock })));
});

describe("LMDB", () => {
  for (const { name, run } of sharedStoreContract) {
    test(name, () =>
      run(() => {
        const path = newPath();
        return { open: () => lmdbStore({ path, clock }) };
      }),
    );
  }
});

describe.each([
  {
    where: "the event loop's thread",
    pace: { minJobs: 0, maxMs: Number.POSITIVE_INFINITY, maxMsPerJob: 0, restRatio: 0, maxRestMs: 0 },
  },
  {
    where: "another thread",
    pace: { minJobs: Number.POSITIVE_INFINITY, maxMs: 0, maxMsPerJob: 0, restRatio: 0, maxRestMs: 0 },
  },
])("LMDB, committing on $where", ({ pace }) => {
  for (const { name, run } of storeContract) {
    test(name, () =>
      run(() => {
        const environment = LmdbEnvironment.open({ path: newPath(), clock, pace: new CommitPace(pace) });
        return new LmdbLocations({ environment, clock, release: () => environment.close() });
      }),
    );
  }

  test("who watches is told each commit with all that shared it, until they stop", async () => {
    const environment = LmdbEnvironment.open({ path: newPath(), clock, pace: new CommitPace(pace) });
    const store = new LmdbLocations({ environment, clock, release: () => environment.close() });
    const told: number[] = [];
    const stop = environment.watchCommits(({ seconds, jobs }) => {
      expect(seconds).toBeGreaterThan(0);
      told.push(jobs);
    });
    const add = (aor: string) => store.update(aor, () => ({ bindings: [aBinding()], outcome: null }));
    await Promise.all([add("sip:a@x"), add("sip:b@x"), add("sip:c@x")]);
    expect(told).toEqual([3]);
    stop();
    await add("sip:d@x");
    expect(told).toEqual([3]);
    await store.close();
  });
});
