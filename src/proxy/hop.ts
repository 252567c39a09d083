import { parseDigits } from "../message/grammar.js";
import { isIpv4, isIpv6 } from "../message/host.js";
import { parseNameAddr } from "../message/name-addr.js";
import { param } from "../message/params.js";
import { type MaybePromise, ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import { defaultPort, type Endpoint, type Transport } from "../port/leg.js";

/** The next hop of a request: a connection and nothing else, one UDP peer, or whoever a URI leads to (RFC 3263). */
export type Hop =
  | { readonly kind: "connection"; readonly token: string }
  | { readonly kind: "udp"; readonly peer: Endpoint }
  | { readonly kind: "uri"; readonly uri: SipUri };

/** One place where the server of a URI listens. */
export interface Server extends Endpoint {
  readonly transport: Transport;
  /** Name to verify in its certificate (RFC 5922); absent for an address. */
  readonly serverName?: string;
}

/** How servers are looked for. */
export interface ResolveHow {
  /** The same order each time, as a stateless proxy needs it (RFC 3263 §4.4). */
  readonly stable: boolean;
}

/**
 * Finds the servers of a URI in the order to try them (RFC 3263 §4), or says with which status the request fails
 * (§4.3: nothing found, no answer).
 */
export type Resolve = (uri: SipUri, how: ResolveHow) => MaybePromise<Result<readonly Server[]>>;

/**
 * Hears that a server which was found so did not answer, could not be reached or answered 503 (RFC 3263 §4.3).
 * @param seconds what its Retry-After says (RFC 3261 §21.5.4)
 */
export type MarkFailed = (server: Server, seconds?: number) => void;

/**
 * Servers of a URI whose host is an address: transport by its parameter, TLS for sips, else UDP; the default port when
 * there is none (RFC 3263 §4.1, §4.2).
 * @returns `undefined` when the host is a name, a rejection for a transport that nobody knows
 */
export function literalServer(uri: SipUri): Result<readonly Server[]> | undefined {
  const address = hostOf(uri);
  if (!isIpv4(address) && !isIpv6(address)) return undefined;
  const transport = transportOf(uri);
  if (transport === undefined) return reject(503, "Unknown Transport");
  return ok([{ address, port: uri.port ?? defaultPort(transport), transport }]);
}

/** The host that a request to this URI goes to, without brackets: its maddr, if it has one (§19.1.1). */
export function hostOf(uri: SipUri): string {
  const maddr = uri.params.length === 0 ? undefined : param(uri.params, "maddr");
  return bareHost(maddr === undefined ? uri.host : maddr.toLowerCase());
}

/** The transport that a URI asks for, or the default of its scheme; `undefined` for one that is not ours. */
export function transportOf(uri: SipUri): Transport | undefined {
  const secure = uri.scheme === "sips";
  const asked = uri.params.length === 0 ? undefined : param(uri.params, "transport")?.toLowerCase();
  switch (asked) {
    case undefined:
      return secure ? "tls" : "udp";
    case "udp":
      return secure ? undefined : "udp";
    case "tcp":
      return secure ? "tls" : "tcp";
    case "tls":
      return "tls";
    case "ws":
      return secure ? "wss" : "ws";
    case "wss":
      return "wss";
    default:
      return undefined;
  }
}

/** Resolves addresses alone: for tests, and for those who want no DNS. */
export const resolveLiterals: Resolve = (uri) => literalServer(uri) ?? reject(404, "Host Not Found");

/** The SIP URI in a Route or Path value, or `undefined` when it is malformed or of another scheme. */
export function routeUri(value: string): SipUri | undefined {
  return parseNameAddr(value)?.sipUri;
}

/** Where `received` of a binding points: `udp:198.51.100.4:61002`, IPv6 in brackets. */
export function parseReceived(text: string): (Endpoint & { readonly transport: string }) | undefined {
  const first = text.indexOf(":");
  const last = text.lastIndexOf(":");
  const port = parseDigits(text.slice(last + 1));
  if (first < 1 || last <= first || port === undefined) return undefined;
  return { transport: text.slice(0, first), address: bareHost(text.slice(first + 1, last)), port };
}
