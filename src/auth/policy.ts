import { unescapeOnce } from "../message/grammar.js";
import type { SipRequest } from "../message/message.js";
import { ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Identity } from "../port/receiver.js";

/** An address-of-record in its two parts: user with escapes undone, domain in lower case. */
export interface Address {
  readonly user: string;
  readonly domain: string;
}

/** What operators allow beyond everybody's own address. Keys are users (`alice`) or users of a realm (`alice@example.com`). */
export interface AuthorizeRules {
  /**
   * Third-party registration (RFC 3261 §10.3 step 4): addresses-of-record that a user may register beside its own:
   * `bob@example.com`, `*@example.com` or `*`.
   */
  readonly registerFor?: Readonly<Record<string, readonly string[]>>;
  /** The same for who a user may call as: addresses that may stand in From. */
  readonly callAs?: Readonly<Record<string, readonly string[]>>;
}

/** The domains that a realm speaks for; `null` for every domain. */
export type RealmDomains = ReadonlySet<string> | null;

const PASS = ok(undefined);
const FORBIDDEN = reject(403, "Forbidden");

/** The address in a SIP URI. Without a user part its user is `""`, which nobody owns. */
export function addressIn(uri: SipUri): Address {
  const { user } = uri;
  return { user: user === null ? "" : (unescapeOnce(user) ?? user), domain: uri.host };
}

/**
 * Is this a request that an authoriser of this purpose asks credentials for? A registrar's: REGISTER alone. A proxy's: the
 * others, but never ACK and CANCEL, which cannot be sent again with credentials (RFC 3261 §22.1).
 */
export function needsCredentials(purpose: "registrar" | "proxy", { method }: SipRequest): boolean {
  if (purpose === "registrar") return method === "REGISTER";
  return method !== "REGISTER" && method !== "ACK" && method !== "CANCEL";
}

/**
 * May this user change the bindings of this address (RFC 3261 §10.3 steps 3 and 4)? Its own always; another's when a rule
 * says so, whatever From says.
 * @returns 403 otherwise
 */
export function mayRegister(
  identity: Identity,
  address: Address,
  domains: RealmDomains,
  rules: AuthorizeRules,
): Result<undefined> {
  return decide(identity, address, domains, rules.registerFor);
}

/** May this user send requests as this address, the one in From (RFC 3261 §22.3, §26.1.2 impersonation)? */
export function mayCallAs(
  identity: Identity,
  address: Address,
  domains: RealmDomains,
  rules: AuthorizeRules,
): Result<undefined> {
  return decide(identity, address, domains, rules.callAs);
}

function decide(
  identity: Identity,
  address: Address,
  domains: RealmDomains,
  rules: Readonly<Record<string, readonly string[]>> | undefined,
): Result<undefined> {
  if (owns(identity, address, domains)) return PASS;
  if (rules === undefined) return FORBIDDEN;
  const { user, realm } = identity;
  if (allows(rules, user, address) || allows(rules, `${user}@${realm}`, address)) return PASS;
  return FORBIDDEN;
}

/**
 * Is this the user's own address? Credentials name the user alone or, as some phones do, with the domain behind an `@`; a
 * domain given there must be the address's own.
 */
export function owns(identity: Identity, address: Address, domains: RealmDomains): boolean {
  if (domains !== null && !domains.has(address.domain)) return false;
  const { user } = identity;
  if (address.user.length === 0) return false;
  if (user === address.user) return true;
  const at = user.lastIndexOf("@");
  return (
    at > 0 &&
    at === address.user.length &&
    user.startsWith(address.user) &&
    user.slice(at + 1).toLowerCase() === address.domain
  );
}

function allows(rules: Readonly<Record<string, readonly string[]>>, key: string, address: Address): boolean {
  // own properties only: a user called "constructor" has no rules
  if (!Object.hasOwn(rules, key)) return false;
  for (const pattern of rules[key]!) {
    if (pattern === "*") return true;
    const at = pattern.lastIndexOf("@");
    if (pattern.slice(at + 1).toLowerCase() !== address.domain) continue;
    const user = pattern.slice(0, Math.max(at, 0));
    if (user === "*" || user === address.user) return true;
  }
  return false;
}
