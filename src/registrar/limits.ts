import type { Binding } from "../location/binding.js";
import { type Rejection, reject } from "../message/result.js";

/** What to do with a REGISTER that would bind more contacts than an address-of-record may have. */
export type OverLimit =
  | { readonly action: "reject"; readonly status: 403 | 503 }
  /** The bindings that were refreshed longest ago make room. */
  | { readonly action: "evict-oldest" }
  /** Bindings whose connection is gone make room; without such, 403. */
  | { readonly action: "evict-unreachable" };

export interface ContactLimit {
  /** Most contacts of one address-of-record. */
  readonly most: number;
  readonly over: OverLimit;
  /** Can a request still be sent to this binding, as far as is known here? */
  readonly isReachable: (binding: Binding) => boolean;
}

/** Which request is being carried out: what it has just written is never evicted. */
interface Writer {
  readonly callId: string;
  readonly cseq: number;
}

/**
 * Makes a set fit its limit by the policy.
 * @param set changed in place
 * @returns the rejection when it cannot be made to fit; the set is then of no use
 */
export function keepWithin(set: Binding[], writer: Writer, limit: ContactLimit): Rejection | undefined {
  const { over } = limit;
  const isOurs = (binding: Binding) => binding.callId === writer.callId && binding.cseq === writer.cseq;
  if (over.action === "evict-oldest") {
    while (set.length > limit.most) {
      let oldest = -1;
      for (let i = 0; i < set.length; i++) {
        if (isOurs(set[i]!)) continue;
        if (oldest < 0 || set[i]!.updatedAtMs < set[oldest]!.updatedAtMs) oldest = i;
      }
      if (oldest < 0) break;
      set.splice(oldest, 1);
    }
  } else if (over.action === "evict-unreachable") {
    for (let i = 0; i < set.length && set.length > limit.most; ) {
      if (isOurs(set[i]!) || limit.isReachable(set[i]!)) i++;
      else set.splice(i, 1);
    }
  }
  if (set.length <= limit.most) return undefined;
  const status = over.action === "reject" ? over.status : 403;
  return reject(
    status,
    "Too Many Contacts",
    status === 503 ? [{ name: "Retry-After", value: String(RETRY_SEC) }] : [],
  );
}

/** When a full address-of-record may have room again: long enough that nobody hammers, seconds. */
const RETRY_SEC = 60;
