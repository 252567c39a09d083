import { codeAt } from "./grammar.js";

/** ASCII upper case to lower case; every other octet to itself. */
const lower = new Uint8Array(256);
for (let code = 0; code < 256; code++) lower[code] = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;

/** Longest name that gets a slot of its own length. */
const LONGEST = 31;

interface Entry {
  /** The written form in lower case, one octet each. */
  readonly octets: Uint8Array;
  readonly canonical: string;
}

/**
 * Known names, found in place in any case: no copy, no hash, one string object for each name, so that two of them are
 * compared by identity. A slot holds the names of one length and first letter.
 */
export class NameTable {
  readonly #slots: (readonly Entry[])[] = Array.from({ length: (LONGEST + 1) * 32 }, () => []);

  /** @param names written form, ASCII in any case, and canonical name */
  constructor(names: Iterable<readonly [written: string, canonical: string]>) {
    for (const [written, canonical] of names) {
      const octets = Uint8Array.from(written.toLowerCase(), (c) => c.charCodeAt(0));
      const slot = slotOf(written, 0, written.length);
      this.#slots[slot] = [...this.#slots[slot]!, { octets, canonical }];
    }
  }

  /** The canonical name that stands at `from` up to `end`, or `undefined` for none that is known. */
  find(text: string, from: number, end: number): string | undefined {
    const entries = this.#slots[slotOf(text, from, end)]!;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      if (isAt(text, from, end, entry.octets)) return entry.canonical;
    }
    return undefined;
  }
}

function slotOf(text: string, from: number, end: number): number {
  return (Math.min(end - from, LONGEST) << 5) | (codeAt(text, from, end) & 31);
}

function isAt(text: string, from: number, end: number, octets: Uint8Array): boolean {
  if (end - from !== octets.length) return false;
  for (let i = 0; i < octets.length; i++) {
    if (lower[text.charCodeAt(from + i)] !== octets[i]) return false;
  }
  return true;
}
