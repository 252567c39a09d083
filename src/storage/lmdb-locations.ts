import { type Bindings, NO_BINDINGS } from "../location/binding.js";
import { decodeRecord } from "../location/record.js";
import type {
  Change,
  LocationEvent,
  LocationStore,
  ScanOptions,
  ScanPage,
  StoreError,
} from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import type { LmdbEnvironment } from "./lmdb-environment.js";
import { ExpireJob } from "./lmdb-expire.js";
import type { Alarm, LmdbRecords } from "./lmdb-records.js";
import { UpdateJob, type UpdateSite } from "./lmdb-update.js";
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
  readonly #release: () => Promise<void>;
  readonly #watchers = new Watchers();
  readonly #site: UpdateSite;
  #closing: Promise<void> | null = null;

  constructor({ environment, clock, release }: LmdbLocationsOptions) {
    this.#environment = environment;
    this.#records = environment.records;
    this.#release = release;
    this.#site = { records: this.#records, watchers: this.#watchers, clock };
  }

  update<T>(aor: string, change: Change<T>): MaybePromise<T> {
    if (this.#closing !== null) throw storeClosed();
    checkAor(aor);
    const update = this.#environment.decide(() => new UpdateJob(this.#site, aor, change));
    // What changes nothing needs no commit, unless changes before it are still on their way.
    if (!update.changes && this.#environment.isIdle) {
      this.#environment.read(() => this.#records.refresh());
      this.#environment.decide(() => update.lookAgain());
      if (!update.changes) return update.outcome;
    }
    return new Promise((resolve, reject) => {
      update.await(resolve, reject);
      this.#environment.write(update);
    });
  }

  read(aor: string): Bindings {
    if (this.#closing !== null) throw storeClosed();
    const record = this.#read(aor);
    return record === undefined ? NO_BINDINGS : decodeRecord(record);
  }

  async expire(nowMs: number): Promise<number> {
    const untilSecond = Math.floor(nowMs / 1000);
    let expired = 0;
    let fault: StoreError | null = null;
    for (let after: Alarm | undefined; ; ) {
      if (this.#closing !== null) throw storeClosed();
      const alarms = this.#environment.read(() => this.#records.alarms(untilSecond, after, EXPIRY_SLICE));
      if (alarms.length === 0) break;
      const job = new ExpireJob(this.#records, alarms, nowMs);
      await this.#commit(job);
      expired += job.expired;
      fault ??= job.fault;
      after = alarms[alarms.length - 1];
    }
    if (fault !== null) throw fault;
    return expired;
  }

  async scan(options: ScanOptions): Promise<ScanPage> {
    const filter = scanFilter(options);
    const records: { aor: string; bindings: Bindings }[] = [];
    for (let after = options.after; ; ) {
      if (this.#closing !== null) throw storeClosed();
      const keys = this.#environment.read(() => {
        this.#records.refresh();
        return this.#records.keys(after, SCAN_SLICE);
      });
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
    if (this.#closing !== null) throw storeClosed();
    return this.#environment.read(() => {
      this.#records.refresh();
      return this.#records.count();
    });
  }

  watch(listener: (event: LocationEvent) => void): () => void {
    return this.#watchers.add(listener);
  }

  close(): Promise<void> {
    this.#closing ??= this.#release();
    return this.#closing;
  }

  #read(aor: string): string | undefined {
    return this.#environment.read(() => {
      this.#records.refresh();
      return this.#records.get(aor);
    });
  }

  #commit(job: ExpireJob): Promise<void> {
    return new Promise((resolve, reject) => {
      job.onDone = (error) => {
        if (error !== null) {
          reject(error);
          return;
        }
        this.#watchers.emit(job.events);
        resolve();
      };
      this.#environment.write(job);
    });
  }
}
