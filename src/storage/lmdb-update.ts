import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { eventsOf } from "../location/changes.js";
import { decodeRecord } from "../location/record.js";
import type { Change, Decision, LocationEvent } from "../location/store.js";
import type { Job } from "./committer.js";
import type { LmdbRecords } from "./lmdb-records.js";

/** One update on its way to the disk. */
export class UpdateJob<T> implements Job {
  readonly #records: LmdbRecords;
  readonly #aor: string;
  readonly #change: Change<T>;
  /** What the change was decided on, and what it made of that; `null` before it was. */
  #decided: {
    readonly record: string | undefined;
    readonly before: Bindings;
    readonly decision: Decision<T>;
  } | null = null;
  /** Called once, with the error or `null`. */
  onDone: (error: unknown) => void = () => {};

  constructor(records: LmdbRecords, aor: string, change: Change<T>) {
    this.#records = records;
    this.#aor = aor;
    this.#change = change;
  }

  /** Runs the change on a record. */
  decide(record: string | undefined): void {
    const before = record === undefined ? NO_BINDINGS : decodeRecord(record);
    this.#decided = { record, before, decision: this.#change(before) };
  }

  /** Does the decision write anything? */
  get changes(): boolean {
    return this.#decided!.decision.bindings !== this.#decided!.before;
  }

  get outcome(): T {
    return this.#decided!.decision.outcome;
  }

  events(nowMs: number): readonly LocationEvent[] {
    const { before, decision } = this.#decided!;
    const { bindings: after, goneAs } = decision;
    if (after === before) return [];
    return eventsOf({ aor: this.#aor, before, after, nowMs, goneAs: goneAs ?? "removed" });
  }

  apply(): void {
    const record = this.#records.get(this.#aor);
    // Another process, or a change before this one, may have been there since it was decided.
    if (this.#decided === null || this.#decided.record !== record) this.decide(record);
    if (!this.changes) return;
    this.#records.replace(this.#aor, record, this.#records.pack(this.#decided!.decision.bindings, record));
  }

  committed(): void {
    this.onDone(null);
  }

  failed(error: unknown): void {
    this.onDone(error);
  }
}
