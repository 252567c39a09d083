import type { MaybePromise } from "../message/result.js";
import type { Binding, Bindings } from "./binding.js";

/** What a change decides: the new set (the very same array: nothing is written), and what to hand back to the caller. */
export interface Decision<T> {
  readonly bindings: Bindings;
  readonly outcome: T;
  /** What the event says of live bindings that are missing from the new set; `"removed"` unless given. Expired ones are `"expired"` in any case. */
  readonly goneAs?: "removed" | "flow-closed";
}

/** Pure; may run more than once for one update. */
export type Change<T> = (current: Bindings) => Decision<T>;

/** What happened to one binding. */
export type LocationEventKind = "registered" | "refreshed" | "removed" | "expired" | "flow-closed";

export interface LocationEvent {
  readonly kind: LocationEventKind;
  /** Address-of-record, as in {@link LocationStore.update}. */
  readonly aor: string;
  readonly binding: Binding;
  readonly atMs: number;
}

/** One page of a scan. */
export interface ScanPage {
  readonly records: readonly { readonly aor: string; readonly bindings: Bindings }[];
  /** Pass as `after` to go on; `null` at the end. */
  readonly next: string | null;
}

export interface ScanOptions {
  /** Only AoRs of this domain (exact, lower case). */
  readonly domain?: string;
  /** Only AoRs that contain this text, without regard to case. */
  readonly search?: string;
  /** Only AoRs behind this one, in the order of their octets. */
  readonly after?: string;
  /** Most records on the page, 1 to 1000. */
  readonly limit: number;
}

/**
 * Where bindings live. The key is an address-of-record as `aorOf` makes it: `sip:alice@example.com`.
 * A failed read or write throws or rejects with {@link StoreError}; never is trouble shown as an empty set.
 */
export interface LocationStore {
  /**
   * Atomically replaces the set of one AoR by what `change` makes of it. Updates of one AoR take effect in the order of
   * the calls; those of different AoRs never wait for each other, but may share a commit. Settles when the change is as
   * durable as the store promises; a store that can answer at once returns no promise.
   * Expired bindings are handed to `change` too: it filters by its own `now`.
   */
  update<T>(aor: string, change: Change<T>): MaybePromise<T>;
  /** The set of one AoR, expired bindings included. */
  read(aor: string): MaybePromise<Bindings>;
  /** Removes every binding that expired at or before `nowMs`; resolves to how many. Costs what expires, not what is stored. */
  expire(nowMs: number): Promise<number>;
  /** A page of records in the order of their keys; expired bindings included. */
  scan(options: ScanOptions): Promise<ScanPage>;
  /** Live counts without a walk over the store: address-of-record and bindings, as far as the store knows them. */
  count(): MaybePromise<{ readonly aors: number; readonly bindings: number }>;
  /** Calls back for each change made through this store object, after it is durable; returns the way to stop. */
  watch(listener: (event: LocationEvent) => void): () => void;
  close(): Promise<void>;
}

/** Trouble with a store, told in one line. `code` says what kind; `retryable` whether the same call may succeed later. */
export class StoreError extends Error {
  readonly code: StoreErrorCode;
  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "StoreError";
    this.code = code;
  }
}

export type StoreErrorCode =
  | "locked"
  | "newer-version"
  | "damaged"
  | "full"
  | "read-only"
  | "unavailable"
  | "closed"
  | "overloaded"
  | "too-large";
