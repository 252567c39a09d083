import { canonicalHost, unmapped } from "../message/host.js";
import { ok, type Result } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import { defaultPort, type Flow, type Leg, type Transport } from "../port/leg.js";
import { hostOf, type Server, transportOf } from "./hop.js";

export interface SelfOptions {
  readonly legs: readonly Leg[];
  /** Domains that we speak for, without regard to case; none: every domain. */
  readonly domains?: readonly string[];
  /**
   * Names and addresses of this server besides those its legs are bound to, without brackets. Needed where a leg listens on
   * every address (`0.0.0.0`, `::`): the first of the leg's family is what peers are told.
   */
  readonly hosts?: readonly string[];
  /** Host that peers are told in place of what the legs are bound to, loopback apart: for a server behind a port forwarding. */
  readonly advertised?: string | undefined;
}

/** How one leg shows itself to peers. */
interface Face {
  /** `SIP/2.0/UDP 192.0.2.1:5060`, for Via. */
  readonly via: string;
  /** `192.0.2.1:5060;transport=tcp;lr`, behind the user part of a Record-Route URI. */
  readonly route: string;
}

/** Who this server is: which domains it speaks for, which addresses are its own, and how it names itself. */
export class Self {
  readonly #legs: readonly Leg[];
  readonly #domains: ReadonlySet<string>;
  readonly #hosts: ReadonlySet<string>;
  readonly #advertised: string | undefined;
  readonly #faces = new Map<Leg, Face>();

  constructor(options: SelfOptions) {
    this.#legs = options.legs;
    this.#domains = new Set(
      (options.domains ?? []).map((domain) => canonicalHost(domain) ?? domain.toLowerCase()),
    );
    this.#advertised = options.advertised?.toLowerCase();
    const more = this.#advertised === undefined ? [] : [this.#advertised];
    this.#hosts = new Set([...(options.hosts ?? []).map((host) => host.toLowerCase()), ...more]);
  }

  /** Do we speak for every domain? */
  get everyDomain(): boolean {
    return this.#domains.size === 0;
  }

  /** Is the resource that a URI names ours to find (RFC 3261 §16.5)? Whole names only; a foreign port is another server. */
  speaksFor(uri: SipUri): boolean {
    if (this.#domains.has(uri.host))
      return uri.port === null || isDefaultPort(uri.port) || this.listensOn(uri.port);
    return this.everyDomain || this.isServer(uri.host, uri.port);
  }

  /** Do this host (an IPv6 reference in brackets) and port name this very server? */
  isServer(host: string, port: number | null): boolean {
    const bare = unmapped(bareHost(host));
    const named = this.#hosts.has(bare) || this.#domains.has(bare);
    for (const { local, transport } of this.#legs) {
      if (!named && unmapped(local.address) !== bare) continue;
      if (local.port === (port ?? defaultPort(transport))) return true;
    }
    // a name without a port may stand for any port, by SRV records
    return port === null && named;
  }

  /** Does one of our legs listen on this port? */
  listensOn(port: number): boolean {
    return this.#legs.some(({ local }) => local.port === port);
  }

  /** `SIP/2.0/UDP host:port` for the Via of what goes out on this leg. */
  via(leg: Leg, flow: Flow): string {
    return this.#face(leg, flow).via;
  }

  /** A URI at which peers reach this leg again, for Record-Route (§16.6 step 4). */
  routeUri(leg: Leg, flow: Flow, user: string, scheme: "sip" | "sips"): string {
    return `${scheme}:${user}@${this.#face(leg, flow).route}`;
  }

  /** The leg that a Record-Route URI of ours names; undefined when it is gone. */
  legAt(uri: SipUri, transport: Transport): Leg | undefined {
    const host = bareHost(uri.host);
    let fits: Leg | undefined;
    for (const leg of this.#legs) {
      if (leg.transport !== transport || leg.local.port !== (uri.port ?? defaultPort(transport))) continue;
      if (leg.local.address === host) return leg;
      if (isWildcard(leg.local.address) || this.#hosts.has(host)) fits ??= leg;
    }
    return fits;
  }

  /**
   * The leg to reach an address with: of the transport and family, preferring `near` (where the request came in), then one
   * that is not bound to the loopback alone unless the address is there.
   */
  legFor(transport: Transport, address: string, near: Leg | undefined): Leg | undefined {
    const isIpv6 = address.includes(":");
    const fits = (leg: Leg): boolean => leg.transport === transport && reaches(leg, address, isIpv6);
    if (near !== undefined && fits(near)) return near;
    return (
      this.#legs.find(fits) ??
      this.#legs.find((leg) => leg.transport === transport && leg.local.address.includes(":") === isIpv6)
    );
  }

  /** Where to reach ourselves, for a URI that names us (§16.4: another port or transport of ours); else `undefined`. */
  ownServer(uri: SipUri): Result<readonly Server[]> | undefined {
    if (!this.isServer(hostOf(uri), uri.port)) return undefined;
    const transport = transportOf(uri);
    for (const leg of this.#legs) {
      const { address, port } = leg.local;
      if (leg.transport !== transport || (uri.port !== null && uri.port !== port)) continue;
      const reached = address === "0.0.0.0" ? "127.0.0.1" : address === "::" ? "::1" : address;
      return ok([{ address: reached, port, transport: leg.transport }]);
    }
    return undefined;
  }

  #face(leg: Leg, flow: Flow): Face {
    const known = this.#faces.get(leg);
    if (known !== undefined) return known;
    const { address, port } = leg.local;
    const wildcard = isWildcard(address) && this.#advertised === undefined;
    const shown = this.#shown(leg, flow);
    const host = shown.includes(":") ? `[${shown}]` : shown;
    const face = {
      via: `SIP/2.0/${leg.transport.toUpperCase()} ${host}:${port}`,
      route: `${host}:${port}${routeTransport(leg.transport)};lr`,
    };
    // over a wildcard each connection may have another address of ours; before `start` there is no port yet
    if (port !== 0 && (!wildcard || leg.transport === "udp")) this.#faces.set(leg, face);
    return face;
  }

  #shown({ local, transport }: Leg, flow: Flow): string {
    if (this.#advertised !== undefined && !isLoopback(local.address)) return this.#advertised;
    if (!isWildcard(local.address)) return local.address;
    // the peer of a connection has found this very address
    const found = flow.local.address;
    if (flow.isConnection && transport !== "udp" && !isWildcard(found)) return found;
    return this.#firstHost(local.address) ?? found;
  }

  #firstHost(wildcard: string): string | undefined {
    for (const host of this.#hosts) {
      const isName = !host.includes(":") && !/^[\d.]+$/.test(host);
      if (isName || host.includes(":") === (wildcard === "::")) return host;
    }
    return undefined;
  }
}

function isWildcard(address: string): boolean {
  return address === "0.0.0.0" || address === "::";
}

function reaches(leg: Leg, address: string, isIpv6: boolean): boolean {
  const { local } = leg;
  if (local.address === "::") return true;
  if (local.address.includes(":") !== isIpv6) return false;
  return isLoopback(local.address) === isLoopback(address) || isWildcard(local.address);
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function isDefaultPort(port: number): boolean {
  return port === 5060 || port === 5061;
}

/** The transport parameter of a Record-Route URI; WebSocket is one transport, secure or not (RFC 7118 §5.4). */
function routeTransport(transport: Transport): string {
  switch (transport) {
    case "udp":
      return "";
    case "tcp":
    case "tls":
      return `;transport=${transport}`;
    case "ws":
    case "wss":
      return ";transport=ws";
  }
}
