import { eventsOf } from "../location/changes.js";
import { decodeRecord, recordAlarmSec } from "../location/record.js";
import type { LocationEvent } from "../location/store.js";
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
  /** Called once, with the error or `null`. */
  onDone: (error: unknown) => void = () => {};

  constructor(records: LmdbRecords, alarms: readonly Alarm[], nowMs: number) {
    this.#records = records;
    this.#alarms = alarms;
    this.#nowMs = nowMs;
  }

  apply(): void {
    for (const alarm of this.#alarms) this.#ring(alarm);
  }

  committed(): void {
    this.onDone(null);
  }

  failed(error: unknown): void {
    this.onDone(error);
  }

  #ring(alarm: Alarm): void {
    const { aor } = alarm;
    const record = this.#records.get(aor);
    if (record === undefined || recordAlarmSec(record) !== alarm.second) {
      this.#records.dropAlarm(alarm);
      return;
    }
    const before = decodeRecord(record);
    const after = before.filter((binding) => binding.expiresAtMs > this.#nowMs);
    const next = this.#records.packAnew(after);
    if (next === record) return;
    this.#records.replace(aor, record, next);
    this.expired += before.length - after.length;
    this.events.push(...eventsOf({ aor, before, after, nowMs: this.#nowMs, goneAs: "removed" }));
  }
}
