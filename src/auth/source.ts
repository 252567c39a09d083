import type { MaybePromise } from "../message/result.js";

/** Digest algorithms of RFC 7616 §6.1 and RFC 8760 §2.1, as they stand in a challenge. */
export type DigestAlgorithm = "MD5" | "SHA-256" | "SHA-512-256";

/**
 * Knows what users' passwords hash to. Asked by user, realm and algorithm.
 * Trouble with the source throws or rejects: it is never shown as an unknown user.
 */
export interface CredentialSource {
  /** HA1 (RFC 7616 §3.4.2) in lower-case hexadecimal; `null` when the user or this algorithm for it is unknown. */
  ha1(user: string, realm: string, algorithm: DigestAlgorithm): MaybePromise<string | null>;
}

/** Hash functions over latin1 text, in lower-case hexadecimal; handed in at the composition root. */
export interface Hasher {
  digest(algorithm: DigestAlgorithm, text: string): string;
  /** HMAC-SHA-256. `key` is latin1 text. */
  hmac(key: string, text: string): string;
  /** Constant-time comparison of two texts of any length. */
  equal(a: string, b: string): boolean;
}
