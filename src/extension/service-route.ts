import { aorOf } from "../location/aor.js";
import { parseNameAddr } from "../message/name-addr.js";
import { hasParam } from "../message/params.js";
import { parseSipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { RegistrarExtension } from "../registrar/extension.js";

/** Routes as they go into the header field, topmost first: `<sip:proxy.example.com;lr>`. */
export type ServiceRoutes = readonly string[];

export interface ServiceRouteOptions {
  /** By domain of the address-of-record. */
  readonly domains?: Readonly<Record<string, ServiceRoutes>>;
  /** By address-of-record (`sip:alice@example.com` or `alice@example.com`); before what its domain has. */
  readonly users?: Readonly<Record<string, ServiceRoutes>>;
  /** For everybody else. */
  readonly others?: ServiceRoutes;
}

/**
 * Service-Route (RFC 3608 §6.3): the proxies that a phone's own requests shall go through, told in every 200 to a REGISTER,
 * a fetch included.
 * @throws TypeError for a route that is no SIP URI in brackets with `lr`, and for a user that is no address
 */
export function serviceRoute(options: ServiceRouteOptions): RegistrarExtension {
  const byUser = new Map<string, string>();
  for (const [user, routes] of Object.entries(options.users ?? {}))
    byUser.set(keyOf(user), routeLine(routes));
  const byDomain = new Map<string, string>();
  for (const [domain, routes] of Object.entries(options.domains ?? {}))
    byDomain.set(bareHost(domain.toLowerCase()), routeLine(routes));
  const others = routeLine(options.others ?? []);
  return {
    name: "service-route",
    answer: ({ aor, to }) => byUser.get(aor) ?? byDomain.get(bareHost(to.host)) ?? others,
  };
}

function keyOf(user: string): string {
  const uri = parseSipUri(/^sips?:/i.test(user) ? user : `sip:${user}`);
  if (uri === undefined || uri.user === null)
    throw new TypeError(`serviceRoute: ${user} is no address-of-record`);
  return aorOf(uri);
}

function routeLine(routes: ServiceRoutes): string {
  for (const route of routes) {
    const uri = route.startsWith("<") ? parseNameAddr(route)?.sipUri : undefined;
    // §6.3 with RFC 3261 §20.34: a route element, and loose
    if (uri === undefined || !hasParam(uri.params, "lr"))
      throw new TypeError(`serviceRoute: ${route} must look like <sip:proxy.example.com;lr>`);
  }
  return routes.length === 0 ? "" : `Service-Route: ${routes.join(", ")}\r\n`;
}
