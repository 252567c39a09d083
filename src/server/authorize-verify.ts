import type { AttemptWatcher, Challenged } from "../auth/attempts.js";
import type { Credentials } from "../auth/credentials.js";
import { digestResponse } from "../auth/digest.js";
import type { Nonce } from "../auth/nonce.js";
import type { Realm } from "../auth/realms.js";
import type { CredentialSource, DigestAlgorithm, Ha1Answer, Hasher } from "../auth/source.js";
import type { SipRequest } from "../message/message.js";
import type { MaybePromise } from "../message/result.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Flow } from "../port/leg.js";

/** Credentials that answer a challenge of ours, and the request that they came in. */
export interface Claim {
  readonly request: SipRequest;
  readonly from: Flow;
  readonly realm: Realm;
  readonly credentials: Credentials;
  /** That and `qop` of the credentials, which were offered. */
  readonly algorithm: DigestAlgorithm;
  readonly qop: "auth" | "auth-int" | null;
  readonly nonce: Nonce;
  readonly challenged: Challenged;
  /** Does the watcher hold it? Set when it has to wait for the accounts. */
  isHeld: boolean;
}

export type Verdict = "right" | "wrong" | "throttled";

/** Not right by what was known of the user; whether it is wrong is told when it would be of one whom nobody knows. */
export interface Doubt {
  readonly verdict: Promise<Verdict>;
}

export interface VerifierParts {
  readonly source: CredentialSource;
  readonly watcher: AttemptWatcher | undefined;
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

/**
 * Says whether a response is right (RFC 7616 §3.4.1), by the same steps and in the same time for users known and unknown: one that is
 * wrong is told so only after everybody was asked whom an unknown user would have been asked for.
 */
export class Verifier {
  readonly #source: CredentialSource;
  readonly #watcher: AttemptWatcher | undefined;
  readonly #hasher: Hasher;
  readonly #clock: Clock;
  /** Compared with for users that nobody knows; random, so that nobody can compute a response from it. */
  readonly #noHa1: Readonly<Record<DigestAlgorithm, string>>;

  constructor({ source, watcher, hasher, clock, entropy }: VerifierParts) {
    this.#source = source;
    this.#watcher = watcher;
    this.#hasher = hasher;
    this.#clock = clock;
    this.#noHa1 = {
      MD5: entropy.hex(16),
      "SHA-256": entropy.hex(32),
      "SHA-512-256": entropy.hex(32),
    };
  }

  /** Throws or rejects when the accounts cannot be asked. */
  verify(claim: Claim): MaybePromise<Verdict | Doubt> {
    const { credentials, algorithm, from } = claim;
    if (this.#watcher?.mayTry(from, credentials.username, claim.challenged) === false) return "throttled";
    const ha1 = this.#source.ha1(credentials.username, claim.realm.name, algorithm);
    if (!(ha1 instanceof Promise)) return this.#compare(claim, ha1, Number.POSITIVE_INFINITY);
    const sinceMs = this.#clock.nowMs();
    this.#hold(claim);
    return ha1.then((late) => this.#compare(claim, late, sinceMs));
  }

  #compare(claim: Claim, ha1: Ha1Answer, sinceMs: number): Verdict | Doubt {
    if (this.#fits(claim, ha1)) return "right";
    if (this.#source.recheck === undefined) return "wrong";
    const { credentials, realm, algorithm } = claim;
    const again = this.#source.recheck(credentials.username, realm.name, algorithm, sinceMs);
    const decide = (now: Ha1Answer): Verdict => (now !== ha1 && this.#fits(claim, now) ? "right" : "wrong");
    if (!(again instanceof Promise)) return decide(again);
    this.#hold(claim);
    const verdict = again.then(decide);
    // whoever waits for it may come to it later than its failure
    verdict.catch(() => undefined);
    return { verdict };
  }

  #fits(claim: Claim, answer: Ha1Answer): boolean {
    const { request, credentials, algorithm } = claim;
    const isUsable = answer !== null && answer !== false;
    const expected = digestResponse(this.#hasher, algorithm, isUsable ? answer : this.#noHa1[algorithm], {
      method: request.method,
      uri: credentials.uri,
      nonce: credentials.nonce,
      qop: claim.qop,
      nc: credentials.nc,
      cnonce: credentials.cnonce,
      body: request.body,
      session: credentials.session,
    });
    return this.#hasher.equal(expected, credentials.response) && isUsable;
  }

  #hold(claim: Claim): void {
    if (claim.isHeld || this.#watcher?.hold === undefined) return;
    claim.isHeld = true;
    this.#watcher.hold(claim.from, claim.credentials.username, claim.challenged);
  }
}
