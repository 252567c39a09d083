import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, describe, expect, test } from "vitest";
import { encodeRecord } from "../../src/location/record.js";
import { LmdbJournal } from "../../src/storage/lmdb-journal.js";
import { openTable } from "../../src/storage/lmdb-table.js";
import { aBinding } from "../../src/testing/bindings.js";
import { seededEntropy } from "../../src/testing/entropy.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-journal-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const root = open({ path: join(folder, "journals"), overlappingSync: false, maxDbs: 40 });
let made = 0;

/** Tables of a new store. */
function newTables() {
  made++;
  return {
    locations: openTable(root, `locations-${made}`, "create")!,
    journal: openTable(root, `journal-${made}`, "create")!,
  };
}

/** A transaction of one process. */
function transact(journal: LmdbJournal, work: () => void, end: "commit" | "abort" = "commit"): void {
  const aborted = new Error("aborted");
  try {
    root.transactionSync(() => {
      journal.refresh();
      work();
      journal.flush();
      root.resetReadTxn();
      if (end === "abort") throw aborted;
    });
  } catch (error) {
    if (error !== aborted) throw error;
    journal.discard();
    return;
  }
  root.resetReadTxn();
  journal.publish();
}

function putAll(journal: LmdbJournal, changes: readonly (readonly [string, string | undefined])[]): void {
  for (const [aor, record] of changes) put(journal, aor, record);
}

function put(journal: LmdbJournal, aor: string, record: string | undefined): void {
  journal.stage(journal.current(journal.find(aor)), record);
}

const AORS = Array.from({ length: 30 }, (_, i) => `sip:u${String(i).padStart(2, "0")}@example.com`);

describe.each([
  { maxChanges: 0, foldChanges: 1 },
  { maxChanges: 7, foldChanges: 3 },
  { maxChanges: 40, foldChanges: 10 },
  { maxChanges: 1_000_000, foldChanges: 1 },
])("a journal of $maxChanges changes, folded by $foldChanges", (limits) => {
  test.each([1, 2, 3])("three processes on one store see what a map would hold (seed %i)", (seed) => {
    const tables = newTables();
    const journals = [1, 2, 3].map(() => new LmdbJournal(tables, limits));
    const model = new Map<string, string>();
    const entropy = seededEntropy(seed);
    const below = (limit: number) => Math.floor(entropy.unit() * limit);
    const aRecord = () =>
      entropy.unit() < 0.2
        ? undefined
        : encodeRecord(
            Array.from({ length: 1 + below(2) }, (_, i) => aBinding({ uri: `sip:${i}@h`, cseq: below(9) })),
            below(1000),
          );

    const check = (journal: LmdbJournal) => {
      journal.refresh();
      for (const aor of AORS) expect(journal.get(aor)).toBe(model.get(aor));
      expect(journal.count.aors).toBe(model.size);
      expect(journal.keys("\0", 100)).toEqual([...model.keys()].sort());
      expect(journal.keys(AORS[9]!, 5)).toEqual(
        [...model.keys()]
          .sort()
          .filter((aor) => aor > AORS[9]!)
          .slice(0, 5),
      );
    };

    for (let step = 0; step < 100; step++) {
      const journal = journals[below(journals.length)]!;
      const changes = Array.from(
        { length: 1 + below(5) },
        () => [AORS[below(AORS.length)]!, aRecord()] as const,
      );
      // A slot may be found long before its transaction, and be another's by then.
      const early = journal.find(AORS[0]!);
      if (entropy.unit() < 0.1) {
        transact(journal, () => putAll(journal, changes), "abort");
      } else {
        transact(journals[below(journals.length)]!, () => {});
        transact(journal, () => {
          putAll(journal, changes);
          const slot = journal.current(early);
          const held = changes.findLast(([aor]) => aor === AORS[0]);
          expect(journal.staged(slot)).toBe(held === undefined ? model.get(AORS[0]!) : held[1]);
        });
        for (const [aor, record] of changes) {
          if (record === undefined) model.delete(aor);
          else model.set(aor, record);
        }
      }
      if (step % 10 === 0) check(journals[below(journals.length)]!);
    }
    for (const journal of journals) check(journal);
    check(new LmdbJournal(tables, limits));
    if (limits.maxChanges < 100) {
      expect(tables.journal.getKeysCount({ start: "\0" })).toBeLessThanOrEqual(
        limits.maxChanges + limits.foldChanges + 6,
      );
    }
  });
});

/** A record that a refresh makes of another one by its CSeq. */
const refreshed = (cseq: number) => encodeRecord([aBinding({ cseq })], 0);
const refreshAll = (journal: LmdbJournal, cseq: number) =>
  transact(journal, () =>
    putAll(
      journal,
      AORS.map((aor) => [aor, refreshed(cseq)]),
    ),
  );

test("a batch that is missing is damage, not a gap", () => {
  const tables = newTables();
  const journal = new LmdbJournal(tables);
  for (const cseq of [1, 2, 3, 4]) refreshAll(journal, cseq);
  const [, second] = [...tables.journal.getKeys({ start: "\0" })];
  tables.journal.removeSync(second!);
  expect(() => new LmdbJournal(tables).refresh()).toThrow(
    expect.objectContaining({ name: "StoreError", code: "damaged" }),
  );
});

test("refreshes of records write no page of the tree, until the last word on one is old", () => {
  const tables = newTables();
  const journal = new LmdbJournal(tables, { maxChanges: 100, foldChanges: 10 });
  for (let cseq = 1; cseq <= 20; cseq++) refreshAll(journal, cseq);
  for (const aor of AORS) {
    expect(tables.locations.get(aor)).toBe(refreshed(1));
    expect(journal.get(aor)).toBe(refreshed(20));
  }
  const [idle, ...busy] = AORS;
  for (let cseq = 21; cseq <= 30; cseq++) {
    transact(journal, () =>
      putAll(
        journal,
        busy.map((aor) => [aor, refreshed(cseq)]),
      ),
    );
  }
  expect(tables.locations.get(idle!)).toBe(refreshed(20));
  expect(tables.locations.get(busy[0]!)).toBe(refreshed(1));
  expect(journal.get(idle!)).toBe(refreshed(20));
});

test("a record found before another process took it away and made another one is not current any more", () => {
  const tables = newTables();
  const [mine, other] = [new LmdbJournal(tables), new LmdbJournal(tables)];
  const record = (uri: string) => encodeRecord([aBinding({ uri })], 0);
  const [a, b] = AORS as [string, string];
  transact(mine, () => put(mine, a, record("sip:one@192.0.2.1")));
  const found = mine.find(a);
  transact(other, () => put(other, a, undefined));
  transact(other, () => put(other, b, record("sip:two@192.0.2.2")));
  // as many addresses and bindings as before, and no batch: only a count of transactions tells
  transact(mine, () => {
    const current = mine.current(found);
    expect(mine.staged(current)).toBeUndefined();
  });
});
