import { DIGEST_ALGORITHMS, utf8Octets } from "../auth/digest.js";
import type { AccountName, DigestAlgorithm, Ha1ByAlgorithm, Ha1Set, Hasher } from "../auth/source.js";
import { unescapeOnce } from "../message/grammar.js";
import { parseSipUri } from "../message/uri.js";

/** An account, and the domain of the address that it speaks for: the realm need not be that. */
export interface UserAccount extends AccountName {
  readonly domain: string;
}

/**
 * The account that speaks for an address-of-record: its user with escapes undone, in the one realm of the server or, with
 * none, in the realm that bears the domain's name.
 * @param aor key of an address-of-record, as `aorOf` makes it
 * @param realm ordinary text, or `null`
 * @returns `undefined` when the address names no user
 */
export function accountOfAor(aor: string, realm: string | null): UserAccount | undefined {
  const uri = parseSipUri(aor);
  if (uri === undefined || uri.user === null) return undefined;
  return {
    user: unescapeOnce(uri.user) ?? uri.user,
    realm: realm === null ? uri.host : utf8Octets(realm),
    domain: uri.host,
  };
}

/**
 * HA1s of an account under every algorithm, so that what a server offers may change later; with a domain, also of the user name
 * with that behind it (`alice@example.com`), as some phones send it. `password` is ordinary text.
 */
export function ha1sOf(
  hasher: Hasher,
  { user, realm, domain }: AccountName & { readonly domain?: string },
  password: string,
): Ha1Set {
  const behind = `:${realm}:${utf8Octets(password)}`;
  const ha1s = everyHash(hasher, user + behind);
  if (domain === undefined) return ha1s;
  return { ...ha1s, withDomain: { domain, ha1s: everyHash(hasher, `${user}@${domain}${behind}`) } };
}

function everyHash(hasher: Hasher, text: string): Ha1ByAlgorithm {
  const ha1s: Partial<Record<DigestAlgorithm, string>> = {};
  for (const algorithm of DIGEST_ALGORITHMS) ha1s[algorithm] = hasher.digest(algorithm, text);
  return ha1s;
}
