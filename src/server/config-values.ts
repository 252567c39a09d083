import { aorOf } from "../location/aor.js";
import { canonicalHost, canonicalIpv6, isIpv4, isIpv6, parseHostPort } from "../message/host.js";
import { parseSipUri } from "../message/uri.js";
import type { Transport } from "../port/leg.js";
import { parseNetworks } from "./guard-networks.js";

/** What a text stands for, or in words why it stands for nothing. */
export type Parsed<T> = { readonly value: T } | { readonly problem: string };

/** Where to listen: `host` without brackets; port 0 lets the system choose. */
export interface ListenAddress {
  readonly transport: Transport;
  readonly host: string;
  readonly port: number;
}

/** Where bindings and accounts are kept. */
export type StoreLocation =
  | { readonly kind: "memory" }
  | { readonly kind: "lmdb"; readonly directory: string };

/** A host without brackets, and a port. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const TRANSPORTS: readonly Transport[] = ["udp", "tcp", "tls", "ws", "wss"];

/** Port to listen on when none is written (RFC 3261 §19.1.2; ports of the contract for WebSocket). */
const DEFAULT_PORTS: Readonly<Record<Transport, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 5066,
  wss: 5067,
};

/** `udp:HOST:PORT`, `tcp:`, `tls:`, `ws:`, `wss:`; IPv6 in brackets; without a port the transport's own. */
export function parseListen(text: string): Parsed<ListenAddress> {
  const colon = text.indexOf(":");
  const scheme = colon < 0 ? "" : text.slice(0, colon).toLowerCase();
  const transport = TRANSPORTS.find((known) => known === scheme);
  const form = "expected TRANSPORT:HOST:PORT, such as udp:127.0.0.1:5060 or tcp:[::1]:5060";
  if (transport === undefined) {
    return { problem: `"${text}" names no transport (${TRANSPORTS.join(", ")}); ${form}` };
  }
  const rest = text.slice(colon + 1);
  const bare = /^\/\//.test(rest) ? rest.slice(2) : rest;
  const at = parseAddress(bare, DEFAULT_PORTS[transport]);
  return "problem" in at
    ? { problem: `"${text}": ${at.problem}; ${form}` }
    : { value: { transport, ...at.value } };
}

/** `HOST:PORT`, IPv6 in brackets, port 0 for any free one. `defaultPort` stands in for a port that is not written. */
export function parseAddress(text: string, defaultPort?: number): Parsed<HostPort> {
  const anyPort = text.endsWith(":0");
  const parsed = parseHostPort(anyPort ? text.slice(0, -2) : text);
  if (parsed === undefined) {
    return isIpv6(text)
      ? { problem: `the IPv6 address ${text} needs brackets` }
      : { problem: "malformed host or port" };
  }
  const port = anyPort ? 0 : (parsed.port ?? defaultPort);
  if (port === undefined) return { problem: "the port is missing" };
  const host = parsed.host.startsWith("[") ? parsed.host.slice(1, -1) : parsed.host;
  return { value: { host, port } };
}

/** `memory:` or `lmdb:DIR`; the Redis schemes are known, and refused as not built into this version. */
export function parseStore(text: string): Parsed<StoreLocation> {
  if (text === "memory:" || text === "memory") return { value: { kind: "memory" } };
  if (text.startsWith("lmdb:")) {
    const directory = text.slice(5).replace(/^\/\/(?=\/)/, "");
    return directory === ""
      ? { problem: "lmdb: names no folder; expected lmdb:DIR" }
      : { value: { kind: "lmdb", directory } };
  }
  if (/^(redis|rediss|redis\+cluster):/.test(text)) {
    return { problem: "Redis stores are not built into this version; use lmdb:DIR or memory:" };
  }
  return { problem: `unknown store "${withoutPassword(text)}"; expected lmdb:DIR or memory:` };
}

/** A URL with the password in it left out, for messages. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z0-9+.-]+:\/\/[^/@:]*):.*@/is, "$1:***@");
}

/** `192.0.2.0/24`, `2001:db8::/32`, or one address, as it is written. */
export function parseNetwork(text: string): Parsed<string> {
  try {
    parseNetworks([text]);
    return { value: text };
  } catch {
    return {
      problem: `"${text}" is no IP address, and no network such as 192.0.2.0/24 with nothing set behind its prefix`,
    };
  }
}

/** A domain or host name in lower case (RFC 3261 §25.1 host); IPv6 keeps its brackets. */
export function parseDomain(text: string): Parsed<string> {
  const bracketed = isIpv6(text) ? `[${text}]` : text;
  const host = canonicalHost(bracketed);
  if (host !== undefined) return { value: host };
  return { problem: `"${text}" is no domain name` };
}

/** A SIP or SIPS URI, as it is written. */
export function parseSip(text: string): Parsed<string> {
  return parseSipUri(text) === undefined
    ? { problem: `"${text}" is no SIP URI; expected such as sip:edge.example.net` }
    : { value: text };
}

/** `alice@example.com` or `sip:alice@example.com`, as the key of that address-of-record. */
export function parseAor(text: string): Parsed<string> {
  const uri = parseSipUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  return uri === undefined || uri.user === null
    ? { problem: `"${text}" is no address-of-record; expected such as alice@example.com` }
    : { value: aorOf(uri) };
}

/** Does this host, without brackets, stand for this machine alone? */
export function isLoopback(host: string): boolean {
  const address = canonicalIpv6(host) ?? host;
  const ipv4 = address.startsWith("::ffff:") ? address.slice("::ffff:".length) : address;
  return address === "localhost" || address === "::1" || (ipv4.startsWith("127.") && isIpv4(ipv4));
}

/** `udp:127.0.0.1:5060`, IPv6 in brackets: how a listener is shown. */
export function showListen({ transport, host, port }: ListenAddress): string {
  return `${transport}:${showAddress({ host, port })}`;
}

/** `127.0.0.1:8060`, IPv6 in brackets. */
export function showAddress({ host, port }: HostPort): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
