import { MAX_AOR_OCTETS } from "../location/aor.js";
import type { Bindings } from "../location/binding.js";
import { earliestExpiryMs } from "../location/changes.js";
import { encodeRecord, recordAlarmSec } from "../location/record.js";
import type { LmdbJournal, Slot } from "./lmdb-journal.js";
import { FIRST_KEY, type Table } from "./lmdb-table.js";

/** Octets of the second that an alarm's key begins with. */
const SECOND_OCTETS = 5;

/** An address-of-record that wants to be looked at for expiry. */
export interface Alarm {
  readonly key: string;
  readonly second: number;
  readonly aor: string;
}

/**
 * Packed records with the index of their alarms. Writing is for transactions only.
 *
 * Each record has one alarm, kept in it: the second in which somebody is to look at it. A refresh leaves the alarm where
 * it is, so that it costs no write in the index; an alarm that rings too early is set anew when it rings.
 */
export class LmdbRecords {
  readonly #journal: LmdbJournal;
  readonly #alarms: Table;

  constructor(journal: LmdbJournal, alarms: Table) {
    this.#journal = journal;
    this.#alarms = alarms;
  }

  /** Makes everything that is read from now on the newest there is; of use outside of transactions. */
  refresh(): void {
    this.#journal.refresh();
  }

  /** The record as this process knows it. */
  get(aor: string): string | undefined {
    // LMDB refuses to look for a key that it could not hold.
    if (aor === "" || aor.length > MAX_AOR_OCTETS) return undefined;
    return this.#journal.get(aor);
  }

  /** The same, for one who means to change it in a transaction. */
  find(aor: string): Slot {
    return this.#journal.find(aor);
  }

  /** Inside a transaction: the slot to change in place of one that was found before. */
  current(slot: Slot): Slot {
    return this.#journal.current(slot);
  }

  /** Inside a transaction: what the record of a current slot is by now. */
  staged(slot: Slot): string | undefined {
    return this.#journal.staged(slot);
  }

  /** Packs a set for `replace`, next to the record whose alarm it takes over if that rings soon enough. */
  pack(bindings: Bindings, replaced: string | undefined): string | undefined {
    if (bindings.length === 0) return undefined;
    const second = Math.floor(earliestExpiryMs(bindings) / 1000);
    return encodeRecord(
      bindings,
      replaced === undefined ? second : Math.min(second, recordAlarmSec(replaced)),
    );
  }

  /** Replaces the record of a current slot by another; `undefined` stands for none. */
  replace(slot: Slot, was: string | undefined, next: string | undefined): void {
    this.#journal.stage(slot, next);
    const wasSecond = was === undefined ? null : recordAlarmSec(was);
    const nextSecond = next === undefined ? null : recordAlarmSec(next);
    if (wasSecond === nextSecond) return;
    if (wasSecond !== null) void this.#alarms.remove(secondKey(wasSecond) + slot.aor);
    if (nextSecond !== null) void this.#alarms.put(secondKey(nextSecond) + slot.aor, "");
  }

  /** Takes an alarm away that no record answers for. */
  dropAlarm(alarm: Alarm): void {
    void this.#alarms.remove(alarm.key);
  }

  /** Alarms of every second up to this one, behind the one given, the earliest first. */
  alarms(untilSecond: number, after: Alarm | undefined, limit: number): readonly Alarm[] {
    const range = {
      start: after?.key ?? FIRST_KEY,
      exclusiveStart: true,
      end: secondKey(untilSecond + 1),
      limit,
    };
    return [...this.#alarms.getKeys(range)].map((key) => ({
      key,
      second: secondOf(key),
      aor: key.slice(SECOND_OCTETS),
    }));
  }

  /** Keys behind this one in order; fewer than `limit` only at the end. */
  keys(after: string | undefined, limit: number): readonly string[] {
    return this.#journal.keys(after ?? FIRST_KEY, limit);
  }

  count(): { readonly aors: number; readonly bindings: number } {
    return this.#journal.count;
  }
}

/** Big endian, so that keys stand in the order of time. */
function secondKey(second: number): string {
  return String.fromCharCode(
    Math.floor(second / 2 ** 32) & 0xff,
    (second >>> 24) & 0xff,
    (second >>> 16) & 0xff,
    (second >>> 8) & 0xff,
    second & 0xff,
  );
}

function secondOf(key: string): number {
  let second = 0;
  for (let i = 0; i < SECOND_OCTETS; i++) second = second * 256 + key.charCodeAt(i);
  return second;
}
