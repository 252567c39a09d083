import { eventsOf } from "../location/changes.js";
import { decodeRecord, recordAlarmSec } from "../location/record.js";
import { type LocationEvent, StoreError } from "../location/store.js";
import type { Job } from "./committer.js";
import type { Alarm, LmdbRecords } from "./lmdb-records.js";

/** Takes what has expired out of the records whose alarms rang, and sets their next ones. */
export class ExpireJob implements Job {
  readonly #records: LmdbRecords;
  readonly #alarms: readonly Alarm[];
  readonly #nowMs: number;
  /** How many bindings expired, and the events of it; true once it is done. */
  expired = 0;
  readonly events: LocationEvent[] = [];
  /** The first record that could not be read; the others are done all the same. */
  fault: StoreError | null = null;
  /** Called once, with the error or `null`. */
  onDone: (error: unknown) => void = () => {};

  constructor(records: LmdbRecords, alarms: readonly Alarm[], nowMs: number) {
    this.#records = records;
    this.#alarms = alarms;
    this.#nowMs = nowMs;
  }

  apply(): void {
    for (const alarm of this.#alarms) {
      try {
        this.#ring(alarm);
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        this.fault ??= error;
      }
    }
  }

  committed(): void {
    this.onDone(null);
  }

  failed(error: unknown): void {
    this.onDone(error);
  }

  #ring(alarm: Alarm): void {
    const { aor } = alarm;
    const slot = this.#records.current(this.#records.find(aor));
    const record = this.#records.staged(slot);
    if (record === undefined || recordAlarmSec(record) !== alarm.second) {
      this.#records.dropAlarm(alarm);
      return;
    }
    const before = decodeRecord(record);
    const after = before.filter((binding) => binding.expiresAtMs > this.#nowMs);
    const next = this.#records.pack(after, undefined);
    if (next === record) return;
    this.#records.replace(slot, record, next);
    this.expired += before.length - after.length;
    this.events.push(...eventsOf({ aor, before, after, nowMs: this.#nowMs, goneAs: "removed" }));
  }
}
