import { addressOctets } from "../transport/address.js";

/** A network as its octets and how many of their bits count (RFC 4632 §3.1, RFC 4291 §2.3). */
interface Network {
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** Octets in front of an IPv4 address that came as an IPv6 one (RFC 4291 §2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff] as const;

/** A list of networks that addresses are held against. */
export interface Networks {
  readonly isEmpty: boolean;
  /** @param octets of an address as {@link sourceOctets} gives them */
  has(octets: Uint8Array): boolean;
}

/**
 * Reads networks in CIDR notation: `192.0.2.0/24`, `2001:db8::/32`, or one address.
 * @throws TypeError naming what is none
 */
export function parseNetworks(list: readonly string[]): Networks {
  const networks = list.map(parseNetwork);
  return {
    isEmpty: networks.length === 0,
    has: (octets) => networks.some((network) => contains(network, octets)),
  };
}

function parseNetwork(text: string): Network {
  const slash = text.indexOf("/");
  const octets = sourceOctets(slash < 0 ? text : text.slice(0, slash));
  if (octets === undefined) throw new TypeError(`Guard: ${text} is no network`);
  const most = octets.length * 8;
  const length = slash < 0 ? String(most) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(length) || Number(length) > most) throw new TypeError(`Guard: ${text} is no network`);
  const network = { octets, bits: Number(length) };
  // bits behind the prefix are a slip of the hand: 10.0.0.1/8 may have been meant as one address
  if (!isPrefix(network)) throw new TypeError(`Guard: ${text} has bits set behind its prefix`);
  return network;
}

function contains({ octets, bits }: Network, address: Uint8Array): boolean {
  if (address.length !== octets.length) return false;
  const whole = bits >> 3;
  for (let i = 0; i < whole; i++) if (address[i] !== octets[i]) return false;
  const rest = bits & 7;
  return rest === 0 || (address[whole]! ^ octets[whole]!) >> (8 - rest) === 0;
}

function isPrefix({ octets, bits }: Network): boolean {
  for (let bit = bits; bit < octets.length * 8; bit++)
    if ((octets[bit >> 3]! & (0x80 >> (bit & 7))) !== 0) return false;
  return true;
}

/** Octets of an address: 4 for IPv4, also when it came as an IPv6 one; 16 for IPv6; `undefined` for what is none. */
export function sourceOctets(address: string): Uint8Array | undefined {
  const octets = addressOctets(address);
  if (octets === undefined || octets.length === 4) return octets;
  return MAPPED.every((octet, i) => octets[i] === octet) ? octets.slice(12) : octets;
}

/**
 * What an address is counted as: an IPv4 address by itself, an IPv6 one by its /64, since whoever has one address of that has
 * them all (RFC 4291 §2.5.1, RFC 6177 §2).
 */
export function sourceKey(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join(".");
  let key = "";
  for (let i = 0; i < 8; i += 2) key += `${((octets[i]! << 8) | octets[i + 1]!).toString(16)}:`;
  return `${key}:/64`;
}
