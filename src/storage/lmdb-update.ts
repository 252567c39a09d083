import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { eventsOf } from "../location/changes.js";
import { decodeRecord } from "../location/record.js";
import type { Change, Decision, LocationEvent } from "../location/store.js";
import type { Job } from "./committer.js";
import type { Slot } from "./lmdb-journal.js";
import type { LmdbRecords } from "./lmdb-records.js";

/** One update on its way to the disk. */
export class UpdateJob<T> implements Job {
  readonly aor: string;
  readonly #records: LmdbRecords;
  readonly #change: Change<T>;
  #slot: Slot;
  /** What the change was decided on. */
  #record: string | undefined;
  #before: Bindings = NO_BINDINGS;
  #decision: Decision<T>;
  /** Called once when the update is durable. */
  onCommitted: () => void = () => {};
  /** Called once instead when it is not. */
  onFailed: (error: unknown) => void = () => {};

  /** Decides on the record as this process knows it. */
  constructor(records: LmdbRecords, aor: string, change: Change<T>) {
    this.aor = aor;
    this.#records = records;
    this.#change = change;
    this.#slot = records.find(aor);
    this.#record = this.#slot.record;
    this.#decision = this.#decide();
  }

  /** Decides again if the record has become another one. */
  lookAgain(): void {
    this.#slot = this.#records.find(this.aor);
    this.#look(this.#slot.record);
  }

  /** Does the decision write anything? */
  get changes(): boolean {
    return this.#decision.bindings !== this.#before;
  }

  get outcome(): T {
    return this.#decision.outcome;
  }

  events(nowMs: number): readonly LocationEvent[] {
    if (!this.changes) return [];
    const { bindings: after, goneAs = "removed" } = this.#decision;
    return eventsOf({ aor: this.aor, before: this.#before, after, nowMs, goneAs });
  }

  apply(): void {
    const { slot, record } = this.#records.current(this.#slot);
    // Another process, or a change before this one, may have been there since it was decided.
    this.#look(record);
    if (this.changes)
      this.#records.replace(slot, record, this.#records.pack(this.#decision.bindings, record));
  }

  committed(): void {
    this.onCommitted();
  }

  failed(error: unknown): void {
    this.onFailed(error);
  }

  #look(record: string | undefined): void {
    if (record === this.#record) return;
    this.#record = record;
    this.#decision = this.#decide();
  }

  #decide(): Decision<T> {
    this.#before = this.#record === undefined ? NO_BINDINGS : decodeRecord(this.#record);
    return this.#change(this.#before);
  }
}
