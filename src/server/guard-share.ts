/** What is left to somebody, filling up over time. */
export interface Bucket {
  tokens: number;
  atMs: number;
}

/** A flow that proved a user: which, when, and what is left of its own share. */
export interface ProvedFlow {
  user: string;
  provedAtMs: number;
  readonly share: Bucket;
}

/**
 * Requests that a flow which proved a user may send at once when its source has spent its budget, and the time for one more:
 * enough for calls. Each has its own.
 */
const PROVED_SHARE = 40;
const PROVED_SHARE_MS = 100;

/** A flow that just proved a user for the first time, with all of its share. */
export function provedFlow(user: string, nowMs: number): ProvedFlow {
  return { user, provedAtMs: nowMs, share: { tokens: PROVED_SHARE, atMs: nowMs } };
}

/**
 * Takes a cost from the share of a flow, which no other flow pays for, nor spends.
 * @param needed what must be left of it, the cost or more; when less is, nothing is taken
 */
export function takeShare({ share }: ProvedFlow, cost: number, needed: number, nowMs: number): boolean {
  refill(share, PROVED_SHARE, PROVED_SHARE_MS, nowMs);
  if (share.tokens < needed) return false;
  share.tokens -= cost;
  return true;
}

/** Fills up for the time that passed: one each `everyMs`, up to `most`. */
export function refill(bucket: Bucket, most: number, everyMs: number, nowMs: number): void {
  bucket.tokens = Math.min(most, bucket.tokens + Math.max(0, nowMs - bucket.atMs) / everyMs);
  bucket.atMs = nowMs;
}
