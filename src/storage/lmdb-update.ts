import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { eventsOf } from "../location/changes.js";
import { decodeRecord } from "../location/record.js";
import type { Change, Decision, LocationEvent } from "../location/store.js";
import type { Job } from "./committer.js";
import type { Slot } from "./lmdb-journal.js";
import type { LmdbRecords } from "./lmdb-records.js";
import type { Watchers } from "./watchers.js";

/** What the updates of a store share. */
export interface UpdateSite {
  readonly records: LmdbRecords;
  /** Is told what has changed. */
  readonly watchers: Watchers;
  /** Dates the events. */
  readonly clock: { nowMs(): number };
}

/** One update on its way to the disk. */
export class UpdateJob<T> implements Job {
  readonly aor: string;
  readonly #site: UpdateSite;
  readonly #change: Change<T>;
  #slot: Slot;
  /** What the change was decided on. */
  #record: string | undefined;
  #before: Bindings = NO_BINDINGS;
  #decision: Decision<T>;
  #resolve: ((outcome: T) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;

  /** Decides on the record as this process knows it. */
  constructor(site: UpdateSite, aor: string, change: Change<T>) {
    this.aor = aor;
    this.#site = site;
    this.#change = change;
    this.#slot = site.records.find(aor);
    this.#record = this.#slot.record;
    this.#decision = this.#decide();
  }

  /** Decides again if the record has become another one. */
  lookAgain(): void {
    this.#slot = this.#site.records.find(this.aor);
    this.#look(this.#slot.record);
  }

  /** Does the decision write anything? */
  get changes(): boolean {
    return this.#decision.bindings !== this.#before;
  }

  get outcome(): T {
    return this.#decision.outcome;
  }

  /** Names who waits for the outcome: called once, with that or with why there is none. */
  await(resolve: (outcome: T) => void, reject: (error: unknown) => void): void {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  apply(): void {
    const { records } = this.#site;
    const slot = records.current(this.#slot);
    const record = records.staged(slot);
    // Another process, or a change before this one, may have been there since it was decided.
    this.#look(record);
    if (this.changes) records.replace(slot, record, records.pack(this.#decision.bindings, record));
  }

  committed(): void {
    const { watchers, clock } = this.#site;
    if (watchers.any && this.changes) watchers.emit(this.#events(clock.nowMs()));
    this.#resolve?.(this.#decision.outcome);
  }

  failed(error: unknown): void {
    this.#reject?.(error);
  }

  #events(nowMs: number): readonly LocationEvent[] {
    const { bindings: after, goneAs = "removed" } = this.#decision;
    return eventsOf({ aor: this.aor, before: this.#before, after, nowMs, goneAs });
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
