import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { decodeRecord } from "../location/record.js";
import type { Change, LocationEvent, LocationStore, ScanOptions, ScanPage } from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import type { LmdbEnvironment } from "./lmdb-environment.js";
import { ExpireJob } from "./lmdb-expire.js";
import { type Alarm, LmdbRecords } from "./lmdb-records.js";
import { UpdateJob } from "./lmdb-update.js";
import { checkAor, nextTurn, scanFilter, storeClosed } from "./scan.js";
import { Watchers } from "./watchers.js";

/** Keys that a scan, and alarms that an expiry, looks at before other work gets its turn. */
const SCAN_SLICE = 1_000;
const EXPIRY_SLICE = 500;

export interface LmdbLocationsOptions {
  readonly environment: LmdbEnvironment;
  /** Dates the events. */
  readonly clock: { nowMs(): number };
  /** Lets the environment go. */
  readonly release: () => Promise<void>;
}

/** The location store in an LMDB environment. */
export class LmdbLocations implements LocationStore {
  readonly #environment: LmdbEnvironment;
  readonly #records: LmdbRecords;
  readonly #clock: { nowMs(): number };
  readonly #release: () => Promise<void>;
  readonly #watchers = new Watchers();
  /** Changes of each address-of-record that wait for their commit. */
  readonly #pending = new Map<string, number>();
  #closed = false;

  constructor({ environment, clock, release }: LmdbLocationsOptions) {
    this.#environment = environment;
    this.#records = new LmdbRecords(environment.tables);
    this.#clock = clock;
    this.#release = release;
  }

  update<T>(aor: string, change: Change<T>): MaybePromise<T> {
    if (this.#closed) throw storeClosed();
    checkAor(aor);
    const update = new UpdateJob(this.#records, aor, change);
    const before = this.#pending.get(aor) ?? 0;
    if (before === 0) {
      update.decide(this.#environment.read(() => this.#records.get(aor)));
      // What changes nothing needs no commit, unless it has to wait for the changes before it.
      if (!update.changes) return update.outcome;
    }
    return new Promise((resolve, reject) => {
      update.onDone = (error) => {
        this.#done(aor);
        if (error !== null) {
          reject(error);
          return;
        }
        if (this.#watchers.any) this.#watchers.emit(update.events(this.#clock.nowMs()));
        resolve(update.outcome);
      };
      this.#environment.write(update);
      this.#pending.set(aor, before + 1);
    });
  }

  read(aor: string): Bindings {
    if (this.#closed) throw storeClosed();
    const record = this.#environment.read(() => this.#records.get(aor));
    return record === undefined ? NO_BINDINGS : decodeRecord(record);
  }

  async expire(nowMs: number): Promise<number> {
    const untilSecond = Math.floor(nowMs / 1000);
    let expired = 0;
    for (let after: Alarm | undefined; ; ) {
      if (this.#closed) throw storeClosed();
      const alarms = this.#environment.read(() => this.#records.alarms(untilSecond, after, EXPIRY_SLICE));
      if (alarms.length === 0) return expired;
      expired += await this.#expireSlice(new ExpireJob(this.#records, alarms, nowMs));
      after = alarms[alarms.length - 1];
    }
  }

  async scan(options: ScanOptions): Promise<ScanPage> {
    const filter = scanFilter(options);
    const records: { aor: string; bindings: Bindings }[] = [];
    for (let after = options.after; ; ) {
      if (this.#closed) throw storeClosed();
      const keys = this.#environment.read(() => this.#records.keys(after, SCAN_SLICE));
      for (const aor of keys) {
        if (!filter.matches(aor)) continue;
        if (records.length === filter.limit) return { records, next: records[records.length - 1]!.aor };
        const bindings = this.read(aor);
        if (bindings.length > 0) records.push({ aor, bindings });
      }
      if (keys.length < SCAN_SLICE) return { records, next: null };
      after = keys[keys.length - 1];
      await nextTurn();
    }
  }

  count(): { readonly aors: number; readonly bindings: number } {
    if (this.#closed) throw storeClosed();
    return this.#environment.read(() => this.#records.count());
  }

  watch(listener: (event: LocationEvent) => void): () => void {
    return this.#watchers.add(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#release();
  }

  #expireSlice(job: ExpireJob): Promise<number> {
    return new Promise((resolve, reject) => {
      job.onDone = (error) => {
        if (error !== null) {
          reject(error);
          return;
        }
        this.#watchers.emit(job.events);
        resolve(job.expired);
      };
      this.#environment.write(job);
    });
  }

  #done(aor: string): void {
    const left = this.#pending.get(aor)! - 1;
    if (left === 0) this.#pending.delete(aor);
    else this.#pending.set(aor, left);
  }
}
