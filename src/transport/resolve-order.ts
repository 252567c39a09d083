import type { Transport } from "../port/leg.js";
import type { NaptrRecord, SrvRecord } from "./resolve-dns.js";

/** A transport that a domain offers, and the name of the SRV records for it. */
export interface Service {
  readonly transport: Transport;
  readonly srvName: string;
}

/** NAPTR service fields and what they stand for (RFC 3263 §9, RFC 7118 §10.2). */
const SERVICES: ReadonlyMap<string, Transport> = new Map([
  ["SIP+D2U", "udp"],
  ["SIP+D2T", "tcp"],
  ["SIPS+D2T", "tls"],
  ["SIP+D2W", "ws"],
  ["SIPS+D2W", "wss"],
]);

/** What a search may use. */
export interface Usable {
  /** Only over TLS: a SIPS URI (RFC 3263 §4.1), or a request that must not go in the clear. */
  readonly secure: boolean;
  /** Transports that there is a leg for. */
  readonly transports: readonly Transport[];
}

/** Is this transport TLS, or over it? */
export function isSecure(transport: Transport): boolean {
  return transport === "tls" || transport === "wss";
}

/** The services of a domain that can be used, in the order it prefers them (RFC 3263 §4.1; RFC 3403 §4.1 order, preference). */
export function usableServices(records: readonly NaptrRecord[], { secure, transports }: Usable): Service[] {
  return records
    .toSorted((a, b) => a.order - b.order || a.preference - b.preference || byText(a.service, b.service))
    .flatMap(({ flags, service, regexp, replacement }) => {
      const transport = SERVICES.get(service.toUpperCase());
      const isUsable =
        transport !== undefined && transports.includes(transport) && (!secure || isSecure(transport));
      // §4.1: an empty regular expression, and a replacement that names SRV records
      if (!isUsable || flags.toLowerCase() !== "s" || regexp !== "" || replacement === "") return [];
      return [{ transport, srvName: replacement }];
    });
}

/** Name of the SRV records of a domain for a transport (RFC 3263 §4.2; `_ws` by analogy). */
export function srvName(transport: Transport, domain: string): string {
  switch (transport) {
    case "udp":
      return `_sip._udp.${domain}`;
    case "tcp":
      return `_sip._tcp.${domain}`;
    case "tls":
      return `_sips._tcp.${domain}`;
    case "ws":
      return `_sip._ws.${domain}`;
    case "wss":
      return `_sips._ws.${domain}`;
  }
}

/**
 * SRV records in the order to try them (RFC 2782): by priority, and within one at random, each first as often as its weight
 * says.
 * @param unit a number in [0, 1), drawn once a record; `undefined` for the same order each time, as a stateless proxy needs
 * it (RFC 3263 §4.4): heavier ones first, then by name and port
 */
export function orderSrv(records: readonly SrvRecord[], unit: (() => number) | undefined): SrvRecord[] {
  const sorted = records.toSorted(
    (a, b) => a.priority - b.priority || b.weight - a.weight || byText(a.name, b.name) || a.port - b.port,
  );
  if (unit === undefined) return sorted;
  const ordered: SrvRecord[] = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to]!.priority === sorted[from]!.priority) to++;
    // RFC 2782: those of weight 0 stand first
    const left = sorted.slice(from, to).reverse();
    while (left.length > 0) ordered.push(...left.splice(drawn(left, unit()), 1));
    from = to;
  }
  return ordered;
}

/** Index of the record that a number in [0, 1) falls on, by weight; where none has any, by number. */
function drawn(records: readonly SrvRecord[], unit: number): number {
  const whole = records.reduce((sum, { weight }) => sum + weight, 0);
  if (whole === 0) return Math.floor(unit * records.length);
  // RFC 2782: an integer from 0 to the whole, both included, so that a weight of 0 has its small chance
  const number = Math.floor(unit * (whole + 1));
  let sum = 0;
  return records.findIndex(({ weight }) => (sum += weight) >= number);
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
