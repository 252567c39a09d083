import { parseDigits, unquote } from "../message/grammar.js";
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

/** What a malformed interval counts as (RFC 3261 §10.2, §20.10), and the interval that is never too brief (§10.3 step 7). */
const HOUR_SEC = 3600;

/** Values beyond 2^32-1 seconds are taken as that (§10.2). */
const MOST_SEC = 0xffff_ffff;

/**
 * Seconds that an `expires` parameter or Expires header field asks for; 3600 when malformed (§20.10).
 * @param text the value as written, or `null` for a parameter without one
 */
export function readExpires(text: string | null): number {
  const seconds = text === null ? undefined : parseDigits(unquote(text));
  return seconds === undefined ? HOUR_SEC : Math.min(seconds, MOST_SEC);
}

/**
 * Lifetime to grant one binding (RFC 3261 §10.3 step 7): what was asked for or the default, at most the maximum.
 * @param askedSec `undefined` when nothing was asked; 0 removes the binding
 */
export function grantSec(askedSec: number | undefined, policy: ExpiresPolicy): number {
  if (askedSec === undefined) return Math.min(policy.defaultSec, policy.maxSec);
  return askedSec < policy.maxSec ? askedSec : policy.maxSec;
}

/** Is an interval above zero, below an hour and below the minimum (RFC 3261 §10.3 step 7)? Then it may be refused. */
export function isTooBrief(askedSec: number | undefined, policy: ExpiresPolicy): boolean {
  return askedSec !== undefined && askedSec > 0 && askedSec < policy.minSec && askedSec < HOUR_SEC;
}

/** 423 that names the minimum (§21.4.17, §20.23). */
export function tooBrief(policy: ExpiresPolicy): Rejection {
  return reject(423, "Interval Too Brief", [{ name: "Min-Expires", value: String(policy.minSec) }]);
}
