import { aorOf, MAX_AOR_OCTETS } from "../location/aor.js";
import { isIpv4, unmapped } from "../message/host.js";
import type { SipRequest } from "../message/message.js";
import { type Rejection, reject } from "../message/result.js";
import { type SipUri, uriScheme } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { Endpoint } from "../port/leg.js";

/** Which addresses-of-record a registrar answers for. */
export interface AddressRules {
  /** Domains it is responsible for, lower case, IPv6 addresses without brackets; `undefined`: every domain. */
  readonly domains: ReadonlySet<string> | undefined;
  /** The header field that names the domain. */
  readonly header: "to" | "from";
  /** Further names of the server itself, lower case, that a Request-URI may have for any of the domains. */
  readonly aliases: ReadonlySet<string>;
}

/** An address-of-record that the request may speak of. */
export interface Address {
  readonly ok: true;
  readonly aor: string;
  readonly uri: SipUri;
}

/** AoRs of other schemes are malformed requests (§10.2; RFC 4475 §3.3.4). */
const NO_SIP_AOR = reject(400, "To Is No SIP or SIPS URI");
const NOT_FOUND = reject(404, "Not Found");
const BAD_SCHEME = reject(416, "Unsupported URI Scheme");
const BAD_REQUEST_URI = reject(400, "Malformed Request-URI");

/**
 * RFC 3261 §10.3 steps 1 and 5: is the request for one of our domains, and is its address-of-record valid for the domain
 * in the Request-URI? That is To's own domain, or the server itself, which serves all of its domains.
 * @param local where the request arrived
 * @returns `undefined` when it is not for us
 */
export function addressOf(
  request: SipRequest,
  rules: AddressRules,
  local: Endpoint,
): Address | Rejection | undefined {
  const { domains } = rules;
  const uri = request.to?.sipUri;
  const named = rules.header === "to" ? uri : request.from?.sipUri;
  if (domains !== undefined && named !== undefined && !domains.has(bareHost(named.host))) return undefined;

  const target = request.sipUri;
  if (
    domains !== undefined &&
    named === undefined &&
    !(target !== undefined && domains.has(bareHost(target.host)))
  )
    return undefined;
  if (uri === undefined) return NO_SIP_AOR;
  if (target === undefined)
    return /^sips?$/.test(uriScheme(request.uri) ?? "") ? BAD_REQUEST_URI : BAD_SCHEME;
  // without a user it would be the domain itself, and take every request for the server
  if (uri.user === null) return NOT_FOUND;
  if (domains !== undefined && rules.header === "from" && !domains.has(bareHost(uri.host))) return NOT_FOUND;
  if (target.host !== uri.host && !isServer(target.host, rules, local)) return NOT_FOUND;
  const aor = aorOf(uri);
  return aor.length > MAX_AOR_OCTETS ? NOT_FOUND : { ok: true, aor, uri };
}

/** Does this host name the server rather than a domain: an address it listens on, or one of its names? */
function isServer(host: string, rules: AddressRules, local: Endpoint): boolean {
  const bare = unmapped(bareHost(host));
  if (bare === unmapped(local.address) || rules.aliases.has(bare)) return true;
  if (local.address === "0.0.0.0" || local.address === "::")
    return bare === "localhost" || host.charCodeAt(0) === 0x5b || isIpv4(bare);
  return bare === "localhost" && (local.address.startsWith("127.") || local.address === "::1");
}
