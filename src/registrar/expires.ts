import { type Rejection, reject } from "../message/result.js";

/** Bounds on the lifetime of a binding, in seconds. */
export interface ExpiresPolicy {
  /** Shorter requests are refused with 423; 0 switches the check off. */
  readonly minSec: number;
  /** Longer requests are cut to this. */
  readonly maxSec: number;
  /** Granted when nothing was asked for. */
  readonly defaultSec: number;
}

/** An interval that is never too brief (RFC 3261 §10.3 step 7). */
const HOUR_SEC = 3600;

/**
 * Lifetime to grant one binding (RFC 3261 §10.3 step 7): what was asked for or the default, at most the maximum.
 * @param askedSec `null` when nothing was asked; 0 removes the binding
 */
export function grantSec(askedSec: number | null, policy: ExpiresPolicy): number {
  return Math.min(askedSec ?? policy.defaultSec, policy.maxSec);
}

/** Is an interval above zero, below an hour and below the minimum (RFC 3261 §10.3 step 7)? Then it may be refused. */
export function isTooBrief(askedSec: number | null, policy: ExpiresPolicy): boolean {
  return askedSec !== null && askedSec > 0 && askedSec < policy.minSec && askedSec < HOUR_SEC;
}

/** 423 that names the minimum (§21.4.17, §20.23). */
export function tooBrief(policy: ExpiresPolicy): Rejection {
  return reject(423, "Interval Too Brief", [{ name: "Min-Expires", value: String(policy.minSec) }]);
}
