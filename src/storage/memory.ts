import type { AccountStore, SecretStore } from "../auth/source.js";
import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { earliestExpiryMs, eventsOf } from "../location/changes.js";
import { decodeRecord, encodeRecord, recordAlarmSec } from "../location/record.js";
import {
  type Change,
  type LocationEvent,
  type LocationStore,
  type ScanOptions,
  type ScanPage,
  StoreError,
} from "../location/store.js";
import { AlarmBuckets } from "./alarm-buckets.js";
import { memoryAccounts, memorySecrets } from "./memory-accounts.js";
import { ownCopy } from "./own-copy.js";
import { checkAor, nextTurn, scanFilter, storeClosed } from "./scan.js";
import { SortedKeys } from "./sorted-keys.js";
import { Watchers } from "./watchers.js";

export interface MemoryStoreOptions {
  /** Dates the events; the machine's clock when not given. */
  readonly clock?: { nowMs(): number };
  /** Most addresses-of-record kept; one more is refused with a `StoreError` "full". 10,000,000 when not given. */
  readonly maxAors?: number;
}

const DEFAULT_MAX_AORS = 10_000_000;
/** Addresses-of-record looked at for expiry before other work gets its turn. */
const EXPIRY_SLICE = 2_000;
const SYSTEM_CLOCK = { nowMs: () => Date.now() };

/**
 * A location store in this process's memory: gone with the process, and at once with every answer. Records are kept
 * packed, so that a binding costs its octets and holds on to no message it was parsed from.
 */
export function memoryStore(options: MemoryStoreOptions = {}): LocationStore {
  return new MemoryStore(options);
}

/** What a server keeps, all of it in memory. */
export interface MemoryStores {
  readonly locations: LocationStore;
  readonly accounts: AccountStore;
  readonly secrets: SecretStore;
  close(): Promise<void>;
}

/** A location store in memory, with accounts and secrets beside it. */
export function memoryEnvironment(options: MemoryStoreOptions = {}): MemoryStores {
  const locations = memoryStore(options);
  return {
    locations,
    accounts: memoryAccounts(),
    secrets: memorySecrets(),
    close: () => locations.close(),
  };
}

class MemoryStore implements LocationStore {
  readonly #clock: { nowMs(): number };
  readonly #maxAors: number;
  /** Packed bindings by address-of-record, with the alarm under which each stands in `#alarms`; never an empty set. */
  readonly #records = new Map<string, string>();
  readonly #alarms = new AlarmBuckets();
  readonly #keys = new SortedKeys(this.#records);
  readonly #watchers = new Watchers();
  #bindings = 0;
  #closed = false;

  constructor({ clock, maxAors }: MemoryStoreOptions) {
    this.#clock = clock ?? SYSTEM_CLOCK;
    this.#maxAors = maxAors ?? DEFAULT_MAX_AORS;
  }

  update<T>(aor: string, change: Change<T>): T {
    if (this.#closed) throw storeClosed();
    checkAor(aor);
    const record = this.#records.get(aor);
    const before = record === undefined ? NO_BINDINGS : decodeRecord(record);
    const { bindings: after, outcome, goneAs } = change(before);
    if (after === before) return outcome;
    this.#write(aor, record, before.length, after);
    if (this.#watchers.any) {
      const nowMs = this.#clock.nowMs();
      this.#watchers.emit(eventsOf({ aor, before, after, nowMs, goneAs: goneAs ?? "removed" }));
    }
    return outcome;
  }

  read(aor: string): Bindings {
    if (this.#closed) throw storeClosed();
    const record = this.#records.get(aor);
    return record === undefined ? NO_BINDINGS : decodeRecord(record);
  }

  async expire(nowMs: number): Promise<number> {
    if (this.#closed) throw storeClosed();
    let expired = 0;
    let looked = 0;
    for (const aor of this.#alarms.due(Math.floor(nowMs / 1000))) {
      expired += this.#expireOne(aor, nowMs);
      if (++looked % EXPIRY_SLICE === 0) await nextTurn();
      if (this.#closed) break;
    }
    return expired;
  }

  async scan(options: ScanOptions): Promise<ScanPage> {
    if (this.#closed) throw storeClosed();
    const filter = scanFilter(options);
    const { keys, start } = this.#keys.from(options.after);
    const records: { aor: string; bindings: Bindings }[] = [];
    for (let i = start; i < keys.length; i++) {
      const aor = keys[i]!;
      const record = filter.matches(aor) ? this.#records.get(aor) : undefined;
      if (record === undefined) continue;
      if (records.length === filter.limit) return { records, next: records[records.length - 1]!.aor };
      records.push({ aor, bindings: decodeRecord(record) });
    }
    return { records, next: null };
  }

  count(): { readonly aors: number; readonly bindings: number } {
    if (this.#closed) throw storeClosed();
    return { aors: this.#records.size, bindings: this.#bindings };
  }

  watch(listener: (event: LocationEvent) => void): () => void {
    return this.#watchers.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#records.clear();
    this.#keys.clear();
  }

  #expireOne(aor: string, nowMs: number): number {
    const record = this.#records.get(aor);
    // An earlier slice's listeners may have taken it away.
    if (record === undefined) return 0;
    const before = decodeRecord(record);
    const after = before.filter((binding) => binding.expiresAtMs > nowMs);
    this.#rewrite(aor, record, before.length, after, "due");
    if (after.length < before.length && this.#watchers.any) {
      this.#watchers.emit(eventsOf({ aor, before, after, nowMs, goneAs: "removed" }));
    }
    return before.length - after.length;
  }

  #write(aor: string, record: string | undefined, had: number, after: Bindings): void {
    if (record !== undefined) {
      this.#rewrite(aor, record, had, after, "later");
      return;
    }
    if (after.length === 0) return;
    if (this.#records.size >= this.#maxAors) {
      throw new StoreError("full", `the store in memory is full: ${this.#maxAors} addresses-of-record`);
    }
    const alarmSec = alarmFor(after);
    const packed = encodeRecord(after, alarmSec);
    const key = ownCopy(aor);
    this.#records.set(key, packed);
    this.#keys.add(key);
    this.#alarms.add(alarmSec, key);
    this.#bindings += after.length;
  }

  #rewrite(aor: string, record: string, had: number, after: Bindings, due: "due" | "later"): void {
    this.#bindings += after.length - had;
    const alarmSec = recordAlarmSec(record);
    if (after.length === 0) {
      this.#records.delete(aor);
      this.#alarms.remove(alarmSec, aor);
      return;
    }
    // A refresh leaves the alarm where it is: one that rings too early is set anew when it rings.
    const nextSec = due === "due" ? alarmFor(after) : Math.min(alarmSec, alarmFor(after));
    this.#records.set(aor, encodeRecord(after, nextSec));
    if (nextSec === alarmSec) return;
    this.#alarms.remove(alarmSec, aor);
    this.#alarms.add(nextSec, ownCopy(aor));
  }
}

/** The second in which the first of the bindings expires. */
function alarmFor(bindings: Bindings): number {
  return Math.floor(earliestExpiryMs(bindings) / 1000);
}
