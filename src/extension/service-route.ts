import { aorOf } from "../location/aor.js";
import { parseNameAddr } from "../message/name-addr.js";
import { hasParam } from "../message/params.js";
import { parseSipUri, type SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { RegistrarExtension } from "../registrar/extension.js";

/** Routes for some of the phones. */
export interface ServiceRouteRule {
  /** Only for this domain; every domain when not given. */
  readonly domain?: string;
  /** Only for this user (`alice`); every user when not given. */
  readonly user?: string;
  /** What to go through, topmost first: `<sip:proxy.example.com;lr>`. None at all is a rule, too. */
  readonly routes: readonly string[];
}

/** A rule's header field line, and its place among the rules. */
interface RuleLine {
  readonly place: number;
  readonly line: string;
}

const ANY = "*";

/**
 * Service-Route (RFC 3608 §6.3): the proxies that a phone's own requests shall go through, told in every 200 to a REGISTER,
 * a fetch included. The first rule that fits counts.
 * @throws TypeError for a route that is no SIP URI in brackets with `lr`, and for a user that can be none
 */
export function serviceRoute(rules: readonly ServiceRouteRule[]): RegistrarExtension {
  const lines = new Map<string, RuleLine>();
  rules.forEach(({ domain, user, routes }, place) => {
    const key = keyOf(
      user === undefined ? ANY : userKey(user),
      domain === undefined ? ANY : bareHost(domain.toLowerCase()),
    );
    const line = routeLine(routes);
    if (!lines.has(key)) lines.set(key, { place, line });
  });
  return {
    name: "service-route",
    answer({ aor, to }) {
      const user = userIn(aor);
      const domain = bareHost(to.host);
      let first = lines.get(keyOf(user, domain));
      first = sooner(first, lines.get(keyOf(user, ANY)));
      first = sooner(first, lines.get(keyOf(ANY, domain)));
      return sooner(first, lines.get(keyOf(ANY, ANY)))?.line ?? "";
    },
  };
}

function sooner(a: RuleLine | undefined, b: RuleLine | undefined): RuleLine | undefined {
  return a === undefined || (b !== undefined && b.place < a.place) ? b : a;
}

/** Neither part can hold a blank. */
function keyOf(user: string, domain: string): string {
  return `${user} ${domain}`;
}

/** User part of an address-of-record's key. */
function userIn(aor: string): string {
  return aor.slice("sip:".length, aor.lastIndexOf("@"));
}

function userKey(user: string): string {
  const uri = userUri(user);
  if (uri === undefined) throw new TypeError(`serviceRoute: ${user} is no user part`);
  return userIn(aorOf(uri));
}

function userUri(user: string): SipUri | undefined {
  const uri = parseSipUri(`sip:${user}@domain.invalid`);
  return uri?.user === user ? uri : undefined;
}

/** Can this be the user of a rule: the user part of a SIP URI (RFC 3261 §25.1)? */
export function isRuleUser(user: string): boolean {
  return userUri(user) !== undefined;
}

/**
 * Is this one route of a rule: a SIP or SIPS URI in brackets, loose, without header fields (RFC 3608 §5 and §6.3, RFC 3261
 * §19.1.1)?
 */
export function isServiceRoute(route: string): boolean {
  if (!route.startsWith("<") || !isPrintable(route)) return false;
  const uri = parseNameAddr(route)?.sipUri;
  return uri !== undefined && uri.headers === null && hasParam(uri.params, "lr");
}

/** Nothing that could end the header field, or that latin1 cannot hold. */
function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e) return false;
  }
  return true;
}

function routeLine(routes: readonly string[]): string {
  for (const route of routes) {
    if (!isServiceRoute(route))
      throw new TypeError(`serviceRoute: ${route} must look like <sip:proxy.example.com;lr>`);
  }
  return routes.length === 0 ? "" : `Service-Route: ${routes.join(", ")}\r\n`;
}
