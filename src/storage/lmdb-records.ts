import { MAX_AOR_OCTETS } from "../location/aor.js";
import type { Bindings } from "../location/binding.js";
import { earliestExpiryMs } from "../location/changes.js";
import { encodeRecord, recordAlarmSec, recordCount } from "../location/record.js";
import type { Tables } from "./lmdb-environment.js";
import { FIRST_KEY } from "./lmdb-table.js";

/** Where the number of bindings stands in the table of facts. */
const BINDINGS_KEY = "bindings";
/** Octets of the second that an alarm's key begins with. */
const SECOND_OCTETS = 5;

/** An address-of-record that wants to be looked at for expiry. */
export interface Alarm {
  readonly key: string;
  readonly second: number;
  readonly aor: string;
}

/**
 * Packed records in the tables of an environment, and with them the index of alarms and the number of bindings. Writing
 * is for transactions only.
 *
 * Each record has one alarm, kept in it: the second in which somebody is to look at it. A refresh leaves the alarm where
 * it is, so that it costs one write; an alarm that rings too early is set anew when it rings.
 */
export class LmdbRecords {
  readonly #tables: Tables;

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  get(aor: string): string | undefined {
    // LMDB refuses to look for a key that it could not hold.
    if (aor === "" || aor.length > MAX_AOR_OCTETS) return undefined;
    return this.#tables.locations.get(aor);
  }

  /** Packs a set for `put`, next to the record that it replaces. */
  pack(bindings: Bindings, replaced: string | undefined): string | undefined {
    if (bindings.length === 0) return undefined;
    const second = Math.floor(earliestExpiryMs(bindings) / 1000);
    return encodeRecord(
      bindings,
      replaced === undefined ? second : Math.min(second, recordAlarmSec(replaced)),
    );
  }

  /** Packs a set whose alarm rang. */
  packAnew(bindings: Bindings): string | undefined {
    return this.pack(bindings, undefined);
  }

  /** Replaces one record by another; `undefined` stands for none. */
  replace(aor: string, was: string | undefined, next: string | undefined): void {
    const { locations, alarms } = this.#tables;
    const wasSecond = was === undefined ? null : recordAlarmSec(was);
    const nextSecond = next === undefined ? null : recordAlarmSec(next);
    if (next !== undefined) void locations.put(aor, next);
    else if (was !== undefined) void locations.remove(aor);
    if (wasSecond !== nextSecond) {
      if (wasSecond !== null) void alarms.remove(alarmKey(wasSecond, aor));
      if (nextSecond !== null) void alarms.put(alarmKey(nextSecond, aor), "");
    }
    this.#addBindings(
      (next === undefined ? 0 : recordCount(next)) - (was === undefined ? 0 : recordCount(was)),
    );
  }

  /** Takes an alarm away that no record answers for. */
  dropAlarm(alarm: Alarm): void {
    void this.#tables.alarms.remove(alarm.key);
  }

  /** Alarms of every second up to this one, behind the one given, the earliest first. */
  alarms(untilSecond: number, after: Alarm | undefined, limit: number): readonly Alarm[] {
    const found: Alarm[] = [];
    const range = {
      start: after?.key ?? FIRST_KEY,
      exclusiveStart: true,
      end: secondKey(untilSecond + 1),
      limit,
    };
    for (const key of this.#tables.alarms.getKeys(range)) {
      found.push({ key, second: secondOf(key), aor: key.slice(SECOND_OCTETS) });
    }
    return found;
  }

  /** Keys behind this one, in order. */
  keys(after: string | undefined, limit: number): readonly string[] {
    const range = { start: after ?? FIRST_KEY, exclusiveStart: after !== undefined, limit };
    return [...this.#tables.locations.getKeys(range)];
  }

  count(): { readonly aors: number; readonly bindings: number } {
    const { entryCount } = this.#tables.locations.getStats() as { readonly entryCount: number };
    return { aors: entryCount, bindings: this.#bindings() };
  }

  #bindings(): number {
    return Number(this.#tables.meta.get(BINDINGS_KEY) ?? 0);
  }

  #addBindings(more: number): void {
    if (more !== 0) void this.#tables.meta.put(BINDINGS_KEY, String(this.#bindings() + more));
  }
}

function alarmKey(second: number, aor: string): string {
  return secondKey(second) + aor;
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
