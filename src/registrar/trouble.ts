import { StoreError, type StoreErrorCode } from "../location/store.js";
import { type Rejection, reject } from "../message/result.js";
import type { Entropy } from "../port/entropy.js";

/** Soonest moment to try again after trouble, and over how much longer tries are spread, so that nobody comes back in one wave. */
const SOONEST_SEC = 5;
const SPREAD_SEC = 25;

/** Trouble that does not pass by waiting alone. */
const LASTING: ReadonlySet<StoreErrorCode> = new Set<StoreErrorCode>([
  "damaged",
  "newer-version",
  "too-large",
]);

/**
 * The answer to a REGISTER that the store could not carry out: 503 for what may pass, 500 for what will not by itself and
 * for faults of unknown kind (RFC 3261 §10.3 step 7), with Retry-After in both. Never a 404 or an empty set.
 */
export function troubleAnswer(error: unknown, entropy: Entropy): Rejection {
  const after = SOONEST_SEC + Math.floor(entropy.unit() * SPREAD_SEC);
  const headers = [{ name: "Retry-After", value: String(after) }];
  const passes = error instanceof StoreError && !LASTING.has(error.code);
  return passes ? reject(503, "Service Unavailable", headers) : reject(500, "Server Internal Error", headers);
}
