import { StoreError } from "../location/store.js";
import { type Rejection, reject } from "../message/result.js";
import type { Entropy } from "../port/entropy.js";

/** Soonest and latest moment to try again after trouble, seconds: spread, so that nobody comes back in one wave. */
const SOONEST_SEC = 5;
const SPREAD_SEC = 25;

/**
 * The answer to a REGISTER that the store could not carry out: 503 for what may pass, 500 for what will not by itself
 * (RFC 3261 §10.3 step 7), with Retry-After in both. Never a 404 or an empty set.
 */
export function troubleAnswer(error: unknown, entropy: Entropy): Rejection {
  const after = SOONEST_SEC + Math.floor(entropy.unit() * SPREAD_SEC);
  const headers = [{ name: "Retry-After", value: String(after) }];
  if (!(error instanceof StoreError)) return reject(500, "Server Internal Error", headers);
  switch (error.code) {
    case "damaged":
    case "newer-version":
      return reject(500, "Server Internal Error", headers);
    case "locked":
    case "full":
    case "read-only":
    case "unavailable":
    case "closed":
    case "overloaded":
      return reject(503, "Service Unavailable", headers);
  }
}
