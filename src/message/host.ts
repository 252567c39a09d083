import { codeAt, isDigit, isHex, parseDigits } from "./grammar.js";

/** A `hostport` or a `sent-by` (RFC 3261 §25.1). */
export interface HostPort {
  /** As {@link canonicalHost} makes it. */
  readonly host: string;
  /** 1 to 65535, or `null` when absent. */
  readonly port: number | null;
}

/** Host and port of a `hostport` or `sent-by` (§25.1); `undefined` when either is malformed. */
export function parseHostPort(text: string): HostPort | undefined {
  let hostEnd = text.indexOf(":");
  if (codeAt(text, 0, text.length) === 0x5b) {
    const close = text.indexOf("]");
    if (close < 0) return undefined;
    if (close + 1 < text.length && text.charCodeAt(close + 1) !== 0x3a) return undefined;
    hostEnd = close + 1 < text.length ? close + 1 : -1;
  }
  const host = canonicalHost(hostEnd < 0 ? text : text.slice(0, hostEnd));
  if (host === undefined) return undefined;
  if (hostEnd < 0) return { host, port: null };
  const port = parsePort(text.slice(hostEnd + 1));
  return port === undefined ? undefined : { host, port };
}

function parsePort(text: string): number | undefined {
  const port = text.length <= 5 ? parseDigits(text) : undefined;
  return port !== undefined && port >= 1 && port <= 65_535 ? port : undefined;
}

/** A host name, an IPv4 address, or an IPv6 reference in brackets (§25.1 host, RFC 5954 §4.1). */
export function isHost(host: string): boolean {
  return canonicalHost(host) !== undefined;
}

/**
 * The one spelling of a host: a name in lower case, an IPv6 reference in the text form of RFC 5952, so that equal
 * addresses are equal texts (RFC 5954 §4.2). A dot at the end, which names the root, makes no other name of it and goes. A last
 * label of digits alone makes it an IPv4 address or nothing.
 * @returns `undefined` for what is no host
 */
export function canonicalHost(host: string): string | undefined {
  const { length } = host;
  if (length === 0 || length > 253) return undefined;
  if (host.charCodeAt(0) === 0x5b) {
    if (host.charCodeAt(length - 1) !== 0x5d) return undefined;
    const address = canonicalIpv6(host.slice(1, -1));
    return address === undefined ? undefined : `[${address}]`;
  }
  if (isDigit(host.charCodeAt(0)) && isIpv4(host)) return host;
  let labelStart = 0;
  let digitsOnly = true;
  let hasUpper = false;
  let hasRoot = false;
  for (let i = 0; i < length; i++) {
    const code = host.charCodeAt(i);
    if (code === 0x2e) {
      if (i === labelStart) return undefined;
      if (i + 1 === length) {
        hasRoot = true;
        break;
      }
      labelStart = i + 1;
      digitsOnly = true;
      continue;
    }
    if (i - labelStart >= 63) return undefined;
    if (code >= 0x30 && code <= 0x39) continue;
    digitsOnly = false;
    if (code >= 0x61 && code <= 0x7a) continue;
    if (code >= 0x41 && code <= 0x5a) hasUpper = true;
    // underscores are no host characters by the letter, but real names in private networks have them
    else if (code !== 0x2d && code !== 0x5f) return undefined;
  }
  if (digitsOnly) return undefined;
  const name = hasRoot ? host.slice(0, -1) : host;
  return hasUpper ? name.toLowerCase() : name;
}

/** An IPv4 address in dotted decimal (§25.1 IPv4address). */
export function isIpv4(text: string): boolean {
  return ipv4Value(text, 0) >= 0;
}

/** The 32 bits of the IPv4 address that stands from `at` to the end of a text; -1 when none does. */
function ipv4Value(text: string, at: number): number {
  let value = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x2e) {
      if (digits === 0 || ++dots > 3) return -1;
      value = value * 256 + part;
      part = 0;
      digits = 0;
    } else if (code >= 0x30 && code <= 0x39) {
      part = part * 10 + code - 0x30;
      if (++digits > 3 || part > 255) return -1;
    } else return -1;
  }
  return dots === 3 && digits > 0 ? value * 256 + part : -1;
}

/** An IPv6 address without brackets (RFC 5954 §4.1), an embedded IPv4 address at its end included. */
export function isIpv6(text: string): boolean {
  return ipv6Groups(text) !== undefined;
}

/** An IPv6 address without brackets in the text form of RFC 5952; `undefined` when it is none. */
export function canonicalIpv6(text: string): string | undefined {
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  let gap = -1;
  let gapLength = 1;
  for (let i = 0; i < 8; i++) {
    let zeros = 0;
    while (groups[i + zeros] === 0) zeros++;
    // RFC 5952 §4.2: the longest run, the first of equals, never a single group
    if (zeros > gapLength) {
      gap = i;
      gapLength = zeros;
    }
    i += zeros;
  }
  // RFC 5952 §5: an address known to embed an IPv4 one shows it
  if (gap === 0 && gapLength === 5 && groups[5] === 0xffff) {
    const [high, low] = [groups[6]!, groups[7]!];
    return `::ffff:${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  }
  const hex = groups.map((group) => group.toString(16));
  if (gap < 0) return hex.join(":");
  return `${hex.slice(0, gap).join(":")}::${hex.slice(gap + gapLength).join(":")}`;
}

/** The IPv4 address that a bare IPv6 address embeds as an IPv4-mapped one (RFC 4291 §2.5.5.2); any other host as it is. */
export function unmapped(host: string): string {
  if (!host.startsWith("::ffff:")) return host;
  const embedded = host.slice("::ffff:".length);
  return isIpv4(embedded) ? embedded : host;
}

/** The eight 16-bit groups of an IPv6 address, or `undefined`. */
function ipv6Groups(text: string): number[] | undefined {
  // 45 octets is the longest address with an IPv4 one in it, and RFC 5118 §4.10 has one colon more
  if (text.length < 2 || text.length > 46) return undefined;
  const groups: number[] = [];
  let gap = -1;
  let at = 0;
  if (text.startsWith("::")) {
    gap = 0;
    at = afterGap(text, 2);
  }
  while (at < text.length) {
    if (groups.length === 8) return undefined;
    let stop = at;
    while (stop < text.length && isHex(text.charCodeAt(stop))) stop++;
    if (codeAt(text, stop, text.length) === 0x2e) {
      const value = ipv4Value(text, at);
      if (value < 0) return undefined;
      groups.push(Math.floor(value / 65_536), value % 65_536);
      break;
    }
    if (stop === at || stop > at + 4) return undefined;
    groups.push(Number.parseInt(text.slice(at, stop), 16));
    at = stop;
    if (at === text.length) break;
    if (text.charCodeAt(at) !== 0x3a || ++at === text.length) return undefined;
    if (text.charCodeAt(at) !== 0x3a) continue;
    if (gap >= 0) return undefined;
    gap = groups.length;
    at = afterGap(text, at + 1);
  }
  if (gap < 0) return groups.length === 8 ? groups : undefined;
  if (groups.length > 7) return undefined;
  return [...groups.slice(0, gap), ...Array<number>(8 - groups.length).fill(0), ...groups.slice(gap)];
}

/** RFC 5118 §4.10: the grammar of RFC 3261 made `:::` of a gap before an IPv4 address, and that is to be borne. */
function afterGap(text: string, at: number): number {
  return codeAt(text, at, text.length) === 0x3a && ipv4Value(text, at + 1) >= 0 ? at + 1 : at;
}
