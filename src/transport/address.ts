import { lookup } from "node:dns/promises";
import { isIP, isIPv4 } from "node:net";
import { bareHost } from "../message/via.js";

/** An address to bind, and its family. */
export interface BindAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/**
 * The address that a leg binds: an IP address (an IPv6 one with or without brackets) as it is, a host name by the system's resolver.
 * @throws the system's error when the name does not resolve
 */
export async function bindAddress(host: string): Promise<BindAddress> {
  const address = bareHost(host);
  const family = isIP(address);
  if (family !== 0) return { address, family: family === 6 ? 6 : 4 };
  const found = await lookup(host);
  return { address: found.address, family: found.family === 6 ? 6 : 4 };
}

/** The 4 or 16 octets of an IP address in network order; `undefined` when the text is none. A zone (`%eth0`) is left out. */
export function addressOctets(text: string): Uint8Array | undefined {
  const zone = text.indexOf("%");
  const address = zone < 0 ? text : text.slice(0, zone);
  const family = isIP(address);
  if (family === 0) return undefined;
  if (family === 4) return Uint8Array.from(address.split("."), Number);
  const gap = address.indexOf("::");
  const head = groups(gap < 0 ? address : address.slice(0, gap));
  const tail = gap < 0 ? [] : groups(address.slice(gap + 2));
  const octets = new Uint8Array(16);
  octets.set(head, 0);
  octets.set(tail, 16 - tail.length);
  return octets;
}

function groups(text: string): number[] {
  if (text.length === 0) return [];
  return text.split(":").flatMap((group) => {
    if (isIPv4(group)) return group.split(".").map(Number);
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}
