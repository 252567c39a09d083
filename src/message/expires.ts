import { parseDigits } from "./grammar.js";
import type { Headers } from "./headers.js";

/** Largest value of Expires and of the `expires` parameter (RFC 3261 §20.19); larger ones are taken for it (§10.2). */
export const MAX_EXPIRES_SEC = 0xffff_ffff;

/** What a malformed value is taken for (§10.2): an absolute date of RFC 2543, for one. */
export const MALFORMED_EXPIRES_SEC = 3600;

/** Seconds that an Expires value or an `expires` parameter asks for, 0 to 2^32-1 (§10.2). */
export function parseExpires(text: string): number {
  const seconds = parseDigits(text);
  return seconds === undefined ? MALFORMED_EXPIRES_SEC : Math.min(seconds, MAX_EXPIRES_SEC);
}

/** Seconds in the Expires header field; `undefined` when it is absent (§20.19). */
export function expiresOf(headers: Headers): number | undefined {
  const value = headers.get("expires");
  return value === undefined ? undefined : parseExpires(value);
}
