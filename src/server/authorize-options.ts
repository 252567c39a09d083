import type { AttemptWatcher, NonceLedger } from "../auth/attempts.js";
import type { AuthorizeRules } from "../auth/policy.js";
import type { RealmOptions } from "../auth/realms.js";
import type { CredentialSource, DigestAlgorithm, Hasher, SecretStore } from "../auth/source.js";
import type { SipRequest } from "../message/message.js";
import type { Clock } from "../port/clock.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Entropy } from "../port/entropy.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Log } from "../port/log.js";

const DAY_SEC = 86_400;

export interface AuthorizeOptions {
  readonly dispatcher: DispatcherPort;
  /** Knows the users. */
  readonly source: CredentialSource;
  /** `registrar` answers 401 to REGISTER (RFC 3261 §22.2), `proxy` answers 407 to other requests (§22.3); `registrar` when not given. */
  readonly purpose?: "registrar" | "proxy";
  /** One realm for every domain. */
  readonly realm?: string;
  /** Several realms, each for its own domains. With neither `realm` nor `realms` each domain is its own realm. */
  readonly realms?: readonly RealmOptions[];
  /** Domains whose users are asked for credentials, unless `realms` says; every domain when not given. */
  readonly domains?: readonly string[];
  /** Offered in this order, unless `realms` says; MD5 alone when not given, since the other offers break real phones. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** What a challenge lets clients use (RFC 7616 §3.3), unless `realms` says; `auth` when not given. */
  readonly qop?: readonly ("auth" | "auth-int")[];
  /** Are responses without qop believed (RFC 2069), unless `realms` says? `false` when not given. */
  readonly allowWithoutQop?: boolean;
  /** How long a nonce serves, in seconds; 300 when not given. */
  readonly nonceSeconds?: number;
  /** Where the keys of nonces live, for every process on one store; without it they last as long as this object. */
  readonly secrets?: SecretStore;
  /** How long a key signs nonces, in seconds, at least twice `nonceSeconds`; a day when not given, or that if it is longer. */
  readonly keySeconds?: number;
  /** Asks nobody for credentials while true. */
  readonly open?: boolean | (() => boolean);
  /** What users may do beside speaking for themselves. */
  readonly rules?: AuthorizeRules;
  /** Further names of this server that clients may write in a digest-uri. */
  readonly aliases?: readonly string[];
  /**
   * Is this a request within a dialog that was let through when it began? Such are asked for nothing; when not given, every
   * request stands for itself. Only the proxy that stays in the path of the dialog can tell: a To tag and a Route prove nothing.
   */
  readonly inDialog?: (request: SipRequest, leg: Leg, from: Flow) => boolean;
  /** Limits attempts and hears outcomes: a guard. */
  readonly watcher?: AttemptWatcher;
  /** Shared by all processes that share the key; without one, a nonce serves only at the process that issued it. */
  readonly ledger?: NonceLedger;
  /** Nonces whose uses are kept at a time; 131,072 when not given, about 20 MB when all are in use. */
  readonly nonceCapacity?: number;
  /** Requests that may wait for the source at a time; 10,000 when not given. Beyond them: 503. */
  readonly maxWaiting?: number;
  readonly hasher?: Hasher;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  readonly log?: Log;
}

const OPTION_NAMES: ReadonlySet<string> = new Set(
  (
    "dispatcher source purpose realm realms domains algorithms qop allowWithoutQop nonceSeconds secrets keySeconds " +
    "open rules aliases inDialog watcher ledger nonceCapacity maxWaiting hasher clock entropy log"
  ).split(" "),
);

/** How long a key signs nonces when nothing is said: a day, or for long-lived nonces twice their life. */
export function defaultKeySec(nonceSec: number): number {
  return Math.max(DAY_SEC, 2 * nonceSec);
}

/**
 * Holds options against what they may be, as far as types alone do not.
 * @throws TypeError naming the option
 */
export function checkAuthorizeOptions(options: AuthorizeOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) throw new TypeError(`Authorize: unknown option ${name}`);
  }
  if (options.dispatcher === undefined) throw new TypeError("Authorize: dispatcher is mandatory");
  if (typeof options.source?.ha1 !== "function")
    throw new TypeError("Authorize: source is mandatory, an object with a method ha1");
  const { purpose = "registrar", nonceSeconds = 300, keySeconds = 2 * nonceSeconds } = options;
  if (purpose !== "registrar" && purpose !== "proxy")
    throw new TypeError("Authorize: purpose is registrar or proxy");
  if (!(nonceSeconds >= 1 && nonceSeconds <= DAY_SEC))
    throw new TypeError("Authorize: nonceSeconds is 1 to 86400");
  if (!(keySeconds >= 2 * nonceSeconds))
    throw new TypeError("Authorize: keySeconds is at least twice nonceSeconds");
  for (const name of ["nonceCapacity", "maxWaiting"] as const) {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= (name === "nonceCapacity" ? 2 : 1)))
      throw new TypeError(`Authorize: ${name} is a whole number from 1`);
  }
}
