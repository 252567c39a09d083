import { networkInterfaces } from "node:os";
import { addressOctets } from "./address.js";
import { EntryWord } from "./native.js";

/** Slots of the cache: peers that are heard again and again keep their text, the others cost one of it each. */
const SLOTS = 1024;
/** Address words and scope. */
const KEY_WORDS = 5;

/**
 * Addresses between the entries of the addon and text. A peer heard again gets the very same string, which costs nothing
 * to make and is quick to look up by. Bounded: one text per slot, the newest wins.
 */
export class WireAddresses {
  readonly #isIpv6: boolean;
  readonly #keys = new Uint32Array(SLOTS * KEY_WORDS);
  readonly #texts: string[];

  constructor(family: 4 | 6) {
    this.#isIpv6 = family === 6;
    this.#texts = new Array<string>(SLOTS).fill(this.#isIpv6 ? "::" : "0.0.0.0");
  }

  /** The address of the entry whose first word is at `entry`; an IPv6 one as RFC 5952 writes it, with its zone when link-local. */
  read(entries: Uint32Array, entry: number): string {
    const at = entry + EntryWord.address;
    const a = entries[at]!;
    if (!this.#isIpv6) return this.#text(a, 0, 0, 0, 0);
    return this.#text(
      a,
      entries[at + 1]!,
      entries[at + 2]!,
      entries[at + 3]!,
      entries[entry + EntryWord.scope]!,
    );
  }

  #text(a: number, b: number, c: number, d: number, scope: number): string {
    const mixed = a ^ b ^ c ^ d;
    const slot = (mixed ^ (mixed >>> 10) ^ (mixed >>> 20)) & (SLOTS - 1);
    const keys = this.#keys;
    const at = slot * KEY_WORDS;
    const isKnown =
      keys[at] === a &&
      keys[at + 1] === b &&
      keys[at + 2] === c &&
      keys[at + 3] === d &&
      keys[at + 4] === scope;
    if (!isKnown) {
      keys[at] = a;
      keys[at + 1] = b;
      keys[at + 2] = c;
      keys[at + 3] = d;
      keys[at + 4] = scope;
      this.#texts[slot] = this.#isIpv6 ? ipv6Text([a, b, c, d], scope) : ipv4Text(a);
    }
    return this.#texts[slot]!;
  }

  /** Writes an address into an entry; `false` when it is none of this family. */
  write(entries: Uint32Array, entry: number, address: string): boolean {
    const at = entry + EntryWord.address;
    if (address.includes(":") !== this.#isIpv6) return false;
    if (!this.#isIpv6) {
      entries[at] = ipv4Word(address);
      return true;
    }
    const octets = addressOctets(address);
    if (octets === undefined) return false;
    for (let i = 0; i < 4; i++) {
      const [p, q, r, s] = octets.subarray(i * 4);
      entries[at + i] = (p! << 24) | (q! << 16) | (r! << 8) | s!;
    }
    const zone = address.indexOf("%");
    entries[entry + EntryWord.scope] = zone < 0 ? 0 : zoneIndex(address.slice(zone + 1));
    return true;
  }
}

function ipv4Text(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** The 32-bit number of a dotted IPv4 address that is known to be one. */
function ipv4Word(text: string): number {
  let word = 0;
  let octet = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      word = (word << 8) | octet;
      octet = 0;
    } else octet = octet * 10 + (code & 15);
  }
  return ((word << 8) | octet) >>> 0;
}

/** RFC 5952 §4: no leading zeros, the longest run of two or more zero groups as `::`, the first of equal ones. */
function ipv6Text(words: readonly number[], scope: number): string {
  const groups = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  let from = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let end = i;
    while (groups[end] === 0) end++;
    if (end - i > length) {
      from = i;
      length = end - i;
    }
  }
  const hex = (some: readonly number[]) => some.map((group) => group.toString(16)).join(":");
  const text =
    length < 2 ? hex(groups) : `${hex(groups.slice(0, from))}::${hex(groups.slice(from + length))}`;
  const isLinkLocal = words[0]! >>> 22 === 0xfe80 >>> 6;
  const zone = isLinkLocal ? zoneName(scope) : undefined;
  return zone === undefined ? text : `${text}%${zone}`;
}

function zoneName(index: number): string | undefined {
  return zones().find(([, scope]) => scope === index)?.[0];
}

function zoneIndex(name: string): number {
  return zones().find(([zone]) => zone === name)?.[1] ?? 0;
}

/** Interfaces with a link-local address, and their numbers. */
function zones(): [string, number][] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).flatMap((each): [string, number][] =>
      each.family === "IPv6" && each.scopeid > 0 ? [[name, each.scopeid]] : [],
    ),
  );
}
