import { DIGEST_ALGORITHMS, utf8Octets } from "../auth/digest.js";
import type { AccountName, DigestAlgorithm, Ha1Set, Hasher } from "../auth/source.js";
import { unescapeOnce } from "../message/grammar.js";
import { parseSipUri } from "../message/uri.js";

/**
 * The account that speaks for an address-of-record: its user with escapes undone, in the one realm of the server or, with
 * none, in the realm that bears the domain's name.
 * @param aor key of an address-of-record, as `aorOf` makes it
 * @param realm ordinary text, or `null`
 * @returns `undefined` when the address names no user
 */
export function accountOfAor(aor: string, realm: string | null): AccountName | undefined {
  const uri = parseSipUri(aor);
  if (uri === undefined || uri.user === null) return undefined;
  return {
    user: unescapeOnce(uri.user) ?? uri.user,
    realm: realm === null ? uri.host : utf8Octets(realm),
  };
}

/** HA1s of an account under every algorithm, so that what a server offers may change later. `password` is ordinary text. */
export function ha1sOf(hasher: Hasher, account: AccountName, password: string): Ha1Set {
  const text = `${account.user}:${account.realm}:${utf8Octets(password)}`;
  const ha1s: Partial<Record<DigestAlgorithm, string>> = {};
  for (const algorithm of DIGEST_ALGORITHMS) ha1s[algorithm] = hasher.digest(algorithm, text);
  return ha1s;
}
