/** Slots of the cache: peers that are heard again and again keep their text, the others cost one of it each. */
const SLOTS = 1024;

/**
 * Texts of IPv4 addresses given as 32-bit numbers. A peer heard again gets the very same string, which costs nothing to
 * make and is quick to look up by. Bounded: one text per slot, the newest wins.
 */
export class Ipv4Texts {
  readonly #words = new Uint32Array(SLOTS);
  readonly #texts: string[] = new Array<string>(SLOTS).fill("0.0.0.0");

  text(word: number): string {
    const slot = (word ^ (word >>> 10) ^ (word >>> 20)) & (SLOTS - 1);
    if (this.#words[slot] !== word) {
      this.#words[slot] = word;
      this.#texts[slot] = `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
    }
    return this.#texts[slot]!;
  }
}

/** The 32-bit number of a dotted IPv4 address that is known to be one. */
export function ipv4Word(text: string): number {
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
