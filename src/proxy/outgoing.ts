import { hasParam } from "../message/params.js";
import { parseSipUri, type SipUri, writeSipUri } from "../message/uri.js";
import type { Destination } from "./destination.js";

export interface OutgoingOptions {
  /** URI of a proxy that every request which leaves our domains goes through, unless `domainProxies` names another. */
  readonly outgoingProxy?: string;
  /** URIs of such proxies by the domain that a request goes to: `example.org`, or `*.example.org` for all below it. */
  readonly domainProxies?: Readonly<Record<string, string>>;
}

/** A proxy to visit, and its Route value. */
interface Visit {
  readonly uri: SipUri;
  readonly route: string;
}

/** §16.6 step 6: where the Request-URI is a sips one, so is the Route value of a policy. */
interface Visits {
  readonly plain: Visit;
  readonly secure: Visit;
}

const NO_PATH: readonly string[] = [];

/** Where requests go that leave our domains: straight there, or by way of a proxy (RFC 3261 §16.6 step 6: local policy). */
export class Outgoing {
  readonly #always: Visits | undefined;
  readonly #byDomain: ReadonlyMap<string, Visits>;

  /** @throws TypeError for a proxy that is no SIP or SIPS URI */
  constructor({ outgoingProxy, domainProxies = {} }: OutgoingOptions) {
    this.#always = outgoingProxy === undefined ? undefined : visitsOf("outgoingProxy", outgoingProxy);
    this.#byDomain = new Map(
      Object.entries(domainProxies).map(([domain, proxy]) => [
        domain.toLowerCase(),
        visitsOf("domainProxies", proxy),
      ]),
    );
  }

  /**
   * @param uri Request-URI to send
   * @param next its topmost Route, or the Request-URI itself when there is none
   */
  destination(uri: string, next: SipUri): Destination {
    const visits = this.#visits(next);
    const visit = /^sips:/i.test(uri) ? visits?.secure : visits?.plain;
    const target = { uri, local: false, nat: false };
    return visit === undefined
      ? { ...target, path: NO_PATH, hop: { kind: "uri", uri: next } }
      : { ...target, path: [visit.route], hop: { kind: "uri", uri: visit.uri } };
  }

  #visits(next: SipUri): Visits | undefined {
    const visits = this.#ofDomain(next.host) ?? this.#always;
    if (visits === undefined) return undefined;
    // it stands in Route already
    const { host, port } = visits.plain.uri;
    return host === next.host && port === next.port ? undefined : visits;
  }

  #ofDomain(host: string): Visits | undefined {
    if (this.#byDomain.size === 0) return undefined;
    const exact = this.#byDomain.get(host);
    if (exact !== undefined) return exact;
    for (let dot = host.indexOf("."); dot >= 0; dot = host.indexOf(".", dot + 1)) {
      const above = this.#byDomain.get(`*${host.slice(dot)}`);
      if (above !== undefined) return above;
    }
    return undefined;
  }
}

/** §16.6 step 6: the proxies that a policy names must be loose routers, so their URIs say so. */
function visitsOf(option: string, text: string): Visits {
  const uri = parseSipUri(text);
  if (uri === undefined) throw new TypeError(`StatefulProxy: ${option}: ${text} is no SIP URI`);
  const params = hasParam(uri.params, "lr") ? uri.params : [...uri.params, { name: "lr", value: null }];
  return {
    plain: visitOf({ ...uri, params }),
    secure: visitOf({ ...uri, params, scheme: "sips" }),
  };
}

function visitOf(uri: SipUri): Visit {
  return { uri, route: `<${writeSipUri(uri)}>` };
}
