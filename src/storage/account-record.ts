import type { AccountName, DigestAlgorithm, Ha1Answer, Ha1ByAlgorithm, Ha1Set } from "../auth/source.js";
import { StoreError } from "../location/store.js";

/** Longest realm and user together, in octets. */
const MAX_NAME_OCTETS = 1_000;
const ALGORITHMS: readonly DigestAlgorithm[] = ["MD5", "SHA-256", "SHA-512-256"];
const NOT_LATIN1 = /[^\x00-\xff]/;

/** The key of an account: by realm, then by user. `null` for names that no account can have. */
export function accountKey(user: string, realm: string): string | null {
  if (user.length + realm.length > MAX_NAME_OCTETS || user.includes("\0") || realm.includes("\0"))
    return null;
  return NOT_LATIN1.test(user) || NOT_LATIN1.test(realm) ? null : `${realm}\0${user}`;
}

/** The same for an account that is to be made; throws a `StoreError` where there is none. */
export function newAccountKey(user: string, realm: string): string {
  const key = accountKey(user, realm);
  if (key === null) throw new StoreError("too-large", "the name of this account cannot be stored");
  return key;
}

export function accountName(key: string): AccountName {
  const end = key.indexOf("\0");
  return { realm: key.slice(0, end), user: key.slice(end + 1) };
}

/** HA1s as text: a line an algorithm, `MD5 …`, and for the name with its domain `MD5@example.com …`. */
export function encodeHa1s(ha1s: Ha1Set): string {
  const { withDomain } = ha1s;
  if (withDomain === undefined) return linesOf(ha1s, "");
  const { domain } = withDomain;
  if (domain.length > MAX_NAME_OCTETS || /\s/.test(domain) || NOT_LATIN1.test(domain))
    throw new StoreError("too-large", "the domain of this account cannot be stored");
  return linesOf(ha1s, "") + linesOf(withDomain.ha1s, `@${domain}`);
}

function linesOf(ha1s: Ha1ByAlgorithm, suffix: string): string {
  return ALGORITHMS.filter((algorithm) => ha1s[algorithm] !== undefined)
    .map((algorithm) => `${algorithm}${suffix} ${ha1s[algorithm]}\n`)
    .join("");
}

/**
 * The HA1 that answers for a user name, which may have a domain behind it.
 * @param get the text of an account, as {@link encodeHa1s} wrote it
 * @returns `false` when the name has HA1s, but none of this algorithm; `null` when it has none at all
 */
export function findHa1(
  get: (user: string, realm: string) => string | undefined,
  { user, realm }: AccountName,
  algorithm: DigestAlgorithm,
): Ha1Answer {
  const own = get(user, realm);
  if (own !== undefined) return decodeHa1(own, algorithm) ?? false;
  const at = user.lastIndexOf("@");
  if (at <= 0) return null;
  const short = get(user.slice(0, at), realm);
  if (short === undefined) return null;
  const domain = user.slice(at);
  const ha1 = decodeHa1(short, algorithm + domain);
  if (ha1 !== null) return ha1;
  return ALGORITHMS.some((other) => decodeHa1(short, other + domain) !== null) ? false : null;
}

function decodeHa1(text: string, name: string): string | null {
  const line = text.split("\n").find((one) => one.startsWith(`${name} `));
  return line === undefined ? null : line.slice(name.length + 1);
}

/** Most accounts on one page, from a limit that was asked for. */
export function pageLimit(limit: number): number {
  return Math.max(1, Math.min(1_000, Math.floor(limit) || 1));
}
