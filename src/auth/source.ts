import type { MaybePromise } from "../message/result.js";

/** Digest algorithms of RFC 7616 §6.1 and RFC 8760 §2.1, as they stand in a challenge. */
export type DigestAlgorithm = "MD5" | "SHA-256" | "SHA-512-256";

/**
 * What a source says of a user: its HA1 (RFC 7616 §3.4.2) in lower-case hexadecimal; `false` when it knows the user, but by no hash of
 * this algorithm, so that nothing fits and nobody else is asked; `null` when it does not know the user.
 */
export type Ha1Answer = string | false | null;

/**
 * Knows what users' passwords hash to. Asked by user, realm and algorithm.
 * Trouble with the source throws or rejects: it is never shown as an unknown user.
 */
export interface CredentialSource {
  ha1(user: string, realm: string, algorithm: DigestAlgorithm): MaybePromise<Ha1Answer>;
  /**
   * Asked after a response that did not fit what `ha1` said, for users known and unknown alike. Everything is asked anew that was not
   * asked for such a response in the last seconds, so that it takes the same time for both: time does not tell who has an
   * account. Without it, `ha1` is taken to cost the same for everybody.
   * @param sinceMs what was asked since then, by the clock of the source, was asked for this response; `Infinity` when nothing was
   */
  recheck?(user: string, realm: string, algorithm: DigestAlgorithm, sinceMs: number): MaybePromise<Ha1Answer>;
}

/** Hash functions over latin1 text, in lower-case hexadecimal; handed in at the composition root. */
export interface Hasher {
  digest(algorithm: DigestAlgorithm, text: string): string;
  /** HMAC-SHA-256. `key` is latin1 text. */
  hmac(key: string, text: string): string;
  /** Constant-time comparison of two texts of any length. */
  equal(a: string, b: string): boolean;
}

/** HA1s of one user name in one realm, lower-case hexadecimal, by the algorithms they were made with. */
export type Ha1ByAlgorithm = Readonly<Partial<Record<DigestAlgorithm, string>>>;

/** HA1s of one account: of its user name, and of the same with a domain behind it, as some phones write it. */
export interface Ha1Set extends Ha1ByAlgorithm {
  /** Those of `user@domain`, by the very octets of it; absent when only the short name is to serve. */
  readonly withDomain?: { readonly domain: string; readonly ha1s: Ha1ByAlgorithm };
}

/** One account: a user (as in the `username` of credentials) in a realm, latin1 text both. */
export interface AccountName {
  readonly user: string;
  readonly realm: string;
}

/** One page of accounts, by realm and then user, each in the order of its octets. */
export interface AccountPage {
  readonly accounts: readonly AccountName[];
  /** Pass as `after` to go on; `null` at the end. */
  readonly next: AccountName | null;
}

/**
 * Accounts that can be changed while others read them: what is set here is what `ha1` of every process on the same
 * store answers from then on. Trouble throws or rejects; it is never shown as a missing account.
 */
export interface AccountStore extends CredentialSource {
  has(user: string, realm: string): MaybePromise<boolean>;
  /** Is there no account at all now, whichever process made or removed the last? */
  isEmpty(): boolean;
  /** Makes the account, or replaces every HA1 that it had; settles when that is durable. */
  set(user: string, realm: string, ha1s: Ha1Set): Promise<void>;
  /** Resolves to whether there was such an account. */
  remove(user: string, realm: string): Promise<boolean>;
  /** @param options.limit most accounts on the page, 1 to 1000 */
  list(options: { readonly after?: AccountName; readonly limit: number }): Promise<AccountPage>;
}

/** Small secrets that all processes on one store share: nonce and flow-token keys. Values are latin1 text. */
export interface SecretStore {
  read(name: string): MaybePromise<string | null>;
  /** Stores the value unless there is one; resolves to the value that holds now, the same in every process. */
  create(name: string, value: string): Promise<string>;
  /** Stores `value` if `expected` is what holds, or nothing is; resolves to the value that holds now. */
  replace(name: string, expected: string, value: string): Promise<string>;
}
