import { quote } from "../message/grammar.js";
import { canonicalHost, isHost } from "../message/host.js";
import type { Credentials } from "./credentials.js";
import type { RealmDomains } from "./policy.js";
import type { DigestAlgorithm } from "./source.js";

/** One protection domain (RFC 3261 §22.1) and what it offers. */
export interface RealmOptions {
  /** Text of the realm; globally unique, best a domain name. */
  readonly realm: string;
  /** Domains of users that belong to it; when not given, the domain of the same name. */
  readonly domains?: readonly string[];
  /** Offered in this order, one challenge each (RFC 8760 §2.3); MD5 alone when not given. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Qualities of protection offered; `auth` when not given. Both are verified when a client uses them. */
  readonly qop?: readonly ("auth" | "auth-int")[];
  /** Are responses without qop believed (RFC 2069, RFC 8760 §2.6 item 8)? Each of their nonces serves one request. */
  readonly allowWithoutQop?: boolean;
}

/** A realm made ready: the unchanging parts of its challenges are put together once. */
export interface Realm {
  readonly name: string;
  readonly domains: RealmDomains;
  readonly algorithms: readonly DigestAlgorithm[];
  readonly allowWithoutQop: boolean;
  /** `Digest realm="…", nonce="` */
  readonly beforeNonce: string;
  /** What follows the nonce, one text for each algorithm offered. */
  readonly afterNonce: readonly string[];
}

/**
 * Do these credentials answer a challenge that this realm could have given (RFC 7616 §3.4: algorithm and qop are those that
 * were offered)? Others are answered with the right challenge. Session variants and auth-int are taken for the algorithms offered:
 * they prove no less.
 */
export function isOffered(credentials: Credentials, realm: Realm): boolean {
  const { algorithm, qop } = credentials;
  if (algorithm === null || !realm.algorithms.includes(algorithm)) return false;
  if (credentials.response.length === 0 || credentials.userhash) return false;
  if (qop === null) return realm.allowWithoutQop && !credentials.session;
  return qop !== "other" && credentials.ncValue > 0 && credentials.cnonce.length > 0;
}

/** Realms by the domain of a user. */
export interface Realms {
  /** The realm of a domain (lower case), or `undefined` when no realm speaks for it. */
  of(domain: string): Realm | undefined;
  /** The first domain that any realm speaks for; `undefined` when they speak for all. */
  readonly firstDomain: string | undefined;
}

const REALM_OPTIONS: ReadonlySet<string> = new Set("realm domains algorithms qop allowWithoutQop".split(" "));
const KNOWN_ALGORITHMS: ReadonlySet<string> = new Set(["MD5", "SHA-256", "SHA-512-256"]);
const MD5_ALONE: readonly DigestAlgorithm[] = ["MD5"];
const AUTH: readonly "auth"[] = ["auth"];

/** Realms made on the fly that are kept ready. */
const MOST_MADE = 1024;

/** How realms are chosen when a server has several, one, or none by name; the offer of those not in `realms`. */
export interface RealmsOptions extends Omit<RealmOptions, "realm"> {
  /** One realm for every domain. */
  readonly realm?: string;
  /** Several, each for its own domains. */
  readonly realms?: readonly RealmOptions[];
  /** With a single realm or none: the domains that are served; every domain when not given. */
  readonly domains?: readonly string[];
}

/**
 * Puts together which realm each domain belongs to.
 * @throws TypeError for an unknown option, a realm or algorithm that cannot be, or a domain claimed twice
 */
export function makeRealms(options: RealmsOptions): Realms {
  const { realm, realms } = options;
  if (realm !== undefined && realms !== undefined)
    throw new TypeError("Authorize: realm or realms, not both");
  if (realms !== undefined) return severalRealms(realms);
  const domains = options.domains === undefined ? null : new Set(options.domains.map(plainDomain));
  const firstDomain = domains?.values().next().value;
  if (realm !== undefined) {
    const only = makeRealm({ ...options, realm }, domains);
    return { of: (domain) => (domains === null || domains.has(domain) ? only : undefined), firstDomain };
  }
  // the offer is checked now, not when the first phone comes
  makeRealm({ ...options, realm: "example.com" }, null);
  const made = new Map<string, Realm>();
  return {
    firstDomain,
    of(domain) {
      if (domains !== null && !domains.has(domain)) return undefined;
      let own = made.get(domain);
      if (own === undefined) {
        if (!isHost(domain)) return undefined;
        own = makeRealm({ ...options, realm: domain }, new Set([domain]));
        // anybody can name a domain: what is kept is bounded, and making one again costs little
        if (made.size >= MOST_MADE) made.clear();
        made.set(domain, own);
      }
      return own;
    },
  };
}

function severalRealms(list: readonly RealmOptions[]): Realms {
  if (list.length === 0) throw new TypeError("Authorize: realms is empty");
  const byDomain = new Map<string, Realm>();
  for (const options of list) {
    for (const name of Object.keys(options)) {
      if (!REALM_OPTIONS.has(name)) throw new TypeError(`Authorize: unknown option ${name} of a realm`);
    }
    const domains = new Set((options.domains ?? [options.realm]).map(plainDomain));
    const realm = makeRealm(options, domains);
    for (const domain of domains) {
      if (byDomain.has(domain)) throw new TypeError(`Authorize: domain ${domain} is in two realms`);
      byDomain.set(domain, realm);
    }
  }
  return { of: (domain) => byDomain.get(domain), firstDomain: byDomain.keys().next().value };
}

function makeRealm(options: RealmOptions, domains: RealmDomains): Realm {
  const { realm, algorithms = MD5_ALONE, qop = AUTH } = options;
  if (typeof realm !== "string" || realm.length === 0 || !isPlain(realm))
    throw new TypeError("Authorize: a realm is a non-empty text without control characters");
  if (algorithms.length === 0) throw new TypeError("Authorize: a realm needs an algorithm");
  for (const algorithm of algorithms) {
    if (!KNOWN_ALGORITHMS.has(algorithm)) throw new TypeError(`Authorize: unknown algorithm ${algorithm}`);
  }
  // RFC 8760 §2.3: each challenge of a realm has another algorithm
  if (new Set(algorithms).size !== algorithms.length)
    throw new TypeError("Authorize: an algorithm stands twice in a realm");
  for (const quality of qop) {
    if (quality !== "auth" && quality !== "auth-int")
      throw new TypeError(`Authorize: unknown qop ${quality}`);
  }
  if (qop.length === 0) throw new TypeError("Authorize: a realm needs a qop (RFC 8760 §2.6)");
  return {
    name: realm,
    domains,
    algorithms,
    allowWithoutQop: options.allowWithoutQop ?? false,
    beforeNonce: `Digest realm=${quote(realm)}, nonce="`,
    afterNonce: algorithms.map((algorithm) => `", qop="${qop.join(",")}", algorithm=${algorithm}`),
  };
}

/** As `SipUri.host` has it. */
function plainDomain(domain: string): string {
  return canonicalHost(domain) ?? domain.toLowerCase();
}

/** Nothing that could end a header field or that latin1 cannot hold. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
