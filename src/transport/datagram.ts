/** What fits a datagram over IPv4: 65,535 less the headers of IP and UDP. Over IPv6 a little more would. */
export const DATAGRAM_OCTETS = 65_507;

const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

/**
 * What a datagram on a SIP port can be. `keep-alive` holds nothing (an empty one, or CRLFs and blanks, which many phones send
 * to keep a NAT open) and is met with silence; `stun` goes to `stunResponse`; everything else is for the SIP parser.
 */
export type DatagramKind = "message" | "keep-alive" | "stun";

/** Sorts a datagram by its first octets: that of a STUN Binding message is 0 or 1, and never so in SIP (RFC 5626 §8). */
export function datagramKind(octets: Uint8Array, start: number, end: number): DatagramKind {
  if (start < end && octets[start]! <= 1) return "stun";
  for (let i = start; i < end; i++) {
    const octet = octets[i]!;
    if (octet !== CR && octet !== LF && octet !== SPACE && octet !== 0) return "message";
  }
  return "keep-alive";
}

/** The SIP message of a datagram as latin1 text; CRLFs before its start line are no part of it (RFC 3261 §7.5). */
export function messageText(octets: Buffer, start: number, end: number): string {
  while (start < end && (octets[start] === CR || octets[start] === LF)) start++;
  return octets.toString("latin1", start, end);
}
