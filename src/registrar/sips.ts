import { parseNameAddr } from "../message/name-addr.js";
import { type Rejection, reject } from "../message/result.js";
import type { RegisterContact } from "./contact.js";

const NOT_SECURE = reject(400, "SIPS Contact Needs SIPS All the Way");

/**
 * A sips contact is bound only when every URI on its way is one: the Request-URI, the other contacts and the Path; From and
 * To do not matter (RFC 5630 §5.2).
 * @param path name-addrs
 * @returns 400 otherwise
 */
export function checkSips(
  contacts: readonly RegisterContact[],
  requestUri: string,
  path: readonly string[],
): Rejection | undefined {
  let secure = 0;
  let plain = 0;
  for (const { sipUri, askedSec } of contacts) {
    if (askedSec === 0 || sipUri === undefined) continue;
    if (sipUri.scheme === "sips") secure++;
    else plain++;
  }
  if (secure === 0) return undefined;
  const isSecure =
    plain === 0 && isSips(requestUri) && path.every((hop) => isSips(parseNameAddr(hop)?.uri ?? ""));
  return isSecure ? undefined : NOT_SECURE;
}

function isSips(uri: string): boolean {
  return uri.slice(0, 5).toLowerCase() === "sips:";
}
