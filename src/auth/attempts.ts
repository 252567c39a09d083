import type { Flow } from "../port/leg.js";

/**
 * What came of one request that needed credentials.
 * `accepted`: right, and allowed. `forbidden`: right, but not for this address. `challenged`: none for this realm, or for
 * another challenge than ours. `stale`, `replayed`: right, with a nonce or nc that is used up. `wrong`: not right. `throttled`: not
 * looked at, after too many wrong ones. `malformed`, `mismatched`: refused with 400. `unavailable`: the accounts cannot be asked.
 */
export type AuthOutcome =
  | "accepted"
  | "forbidden"
  | "challenged"
  | "stale"
  | "replayed"
  | "wrong"
  | "throttled"
  | "malformed"
  | "mismatched"
  | "unavailable";

/** One outcome, for whoever counts, limits or shows them. Holds no credentials. */
export interface AuthReport {
  readonly outcome: AuthOutcome;
  readonly from: Flow;
  /** The user that the credentials name; `null` without any. */
  readonly user: string | null;
  /** Did the challenge that was answered go to this very address? Only then may a failure count against it. */
  readonly returnRoutable: boolean;
  /** Was it held before (see {@link AttemptWatcher.hold})? */
  readonly isHeld?: boolean;
}

/** Did the challenge that credentials answer go to the very address that they come from? */
export type Challenged = "here" | "elsewhere";

/** Stands beside an authoriser: says who may try, and hears what came of it. */
export interface AttemptWatcher {
  /** May credentials of this user from this source be looked at now? Otherwise they are answered as wrong ones are. */
  mayTry(from: Flow, user: string, challenged: Challenged): boolean;
  /**
   * These credentials wait for the accounts. Until a report that says so (`isHeld`) tells what came of them they may as well be wrong:
   * otherwise any number could be tried at once.
   */
  hold?(from: Flow, user: string, challenged: Challenged): void;
  report(report: AuthReport): void;
}

/** Where uses of nonces are claimed when several processes share one key: whoever claims first may serve the nonce alone. */
export interface NonceLedger {
  /**
   * Claims a nonce for a process, atomically over all processes, until it is past its time.
   * @param nonce `id` of the nonce, below 2^52
   * @param process who asks, below 2^24
   * @returns the process that holds it now: the one asking, or the one that was faster
   */
  claim(nonce: number, process: number, untilMs: number): number | Promise<number>;
}
