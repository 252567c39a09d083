import { unescapeOnce } from "../message/grammar.js";
import type { DigestAlgorithm, Hasher } from "./source.js";

/** The algorithms we can compute, strongest first (RFC 8760 §2.1). */
export const DIGEST_ALGORITHMS: readonly DigestAlgorithm[] = ["SHA-512-256", "SHA-256", "MD5"];

/** An account as people write it: ordinary text, which goes on the wire as UTF-8 (RFC 7616 §4). */
export interface Account {
  readonly user: string;
  readonly realm: string;
  readonly password: string;
}

/**
 * HA1 of an account (RFC 7616 §3.4.2): what is stored in place of the password.
 * @returns lower-case hexadecimal: 32 digits for MD5, 64 for the others
 */
export function ha1For(hasher: Hasher, account: Account, algorithm: DigestAlgorithm): string {
  return hasher.digest(algorithm, utf8Octets(`${account.user}:${account.realm}:${account.password}`));
}

/** Ordinary text as latin1 text of its UTF-8 octets: the form that texts of messages have inside. */
export function utf8Octets(text: string): string {
  // percent escapes are those of the UTF-8 octets; a lone surrogate has none and becomes U+FFFD
  return unescapeOnce(encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd"))) ?? text;
}

/** What the response of a client is computed from, beside HA1 (RFC 7616 §3.4.1 to 3.4.3). All texts unquoted, as sent. */
export interface DigestInput {
  readonly method: string;
  readonly uri: string;
  readonly nonce: string;
  /** `null` for a response by RFC 2069: no nc and no cnonce either. */
  readonly qop: "auth" | "auth-int" | null;
  readonly nc: string;
  readonly cnonce: string;
  /** Body of the request; only hashed for auth-int. */
  readonly body: string;
  /** Session variant (`-sess`): HA1 is hashed once more with nonce and cnonce. */
  readonly session: boolean;
}

/** The response that whoever knows `ha1` sends (RFC 7616 §3.4.1), in lower-case hexadecimal. */
export function digestResponse(
  hasher: Hasher,
  algorithm: DigestAlgorithm,
  ha1: string,
  input: DigestInput,
): string {
  const { nonce, cnonce } = input;
  const key = input.session ? hasher.digest(algorithm, `${ha1}:${nonce}:${cnonce}`) : ha1;
  const a2 =
    input.qop === "auth-int"
      ? `${input.method}:${input.uri}:${hasher.digest(algorithm, input.body)}`
      : `${input.method}:${input.uri}`;
  const ha2 = hasher.digest(algorithm, a2);
  return input.qop === null
    ? hasher.digest(algorithm, `${key}:${nonce}:${ha2}`)
    : hasher.digest(algorithm, `${key}:${nonce}:${input.nc}:${cnonce}:${input.qop}:${ha2}`);
}
