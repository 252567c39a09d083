import { unescapeOnce } from "../message/grammar.js";
import { isUserCode, type SipUri } from "../message/uri.js";

/**
 * The key of an address-of-record (RFC 3261 §10.3 step 5): user with its escapes undone, host in lower case; parameters,
 * password and headers left out. So is a port: an address-of-record names a domain, and phones that were given the
 * server's address instead write its port now and then. sip and sips name the same resource (RFC 5630 §5.2), so the
 * key's scheme is always `sip`. What a user part may hold only as an escape (`%22`, `%3A`, `%40`, blanks, controls) stays one,
 * so that the key is itself the URI.
 */
export function aorOf(uri: SipUri): string {
  const user = uri.user === null ? "" : `${canonicalUser(uri.user)}@`;
  return `sip:${user}${uri.host}`;
}

function canonicalUser(user: string): string {
  return user.includes("%") ? escapeUser(unescapeOnce(user) ?? user) : user;
}

/** Text as the user part of such a key, with escapes for what may not stand there as it is (§25.1). */
export function escapeUser(plain: string): string {
  let out = "";
  for (let i = 0; i < plain.length; i++) {
    const code = plain.charCodeAt(i);
    out += isUserCode(code) ? plain[i] : `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return out;
}

/** Longest key that a store keeps, in octets; a longer one is refused as "too-large". */
export const MAX_AOR_OCTETS = 1024;

/** The domain of such a key: `example.com` of `sip:alice@example.com`, `[2001:db8::1]` with its brackets. */
export function aorDomain(aor: string): string {
  return aor.slice(Math.max(aor.lastIndexOf("@"), aor.indexOf(":")) + 1);
}
