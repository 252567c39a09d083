/** ASCII upper case to lower case; every other octet to itself. */
const lower = new Uint8Array(256);
for (let code = 0; code < 256; code++) lower[code] = code >= 0x41 && code <= 0x5a ? code + 0x20 : code;

/**
 * Known names, found in place in any case: no copy, no hash, one string object for each name, so that two of them are
 * compared by identity. A slot holds the names of one length and first letter.
 */
export class NameTable {
  readonly #slots: (readonly Entry[] | undefined)[] = [];

  /** @param names written form to canonical name; the written form is ASCII, in any case */
  constructor(names: Iterable<readonly [written: string, canonical: string]>) {
    for (const [written, canonical] of names) {
      const slot = slotOf(written, 0, written.length);
      this.#slots[slot] = [...(this.#slots[slot] ?? []), { written: written.toLowerCase(), canonical }];
    }
    for (let slot = 0; slot < this.#slots.length; slot++) this.#slots[slot] ??= undefined;
  }

  /** The canonical name that stands at `from` up to `end`, or `undefined` for none that is known. */
  find(text: string, from: number, end: number): string | undefined {
    const entries = this.#slots[slotOf(text, from, end)];
    if (entries === undefined) return undefined;
    for (const { written, canonical } of entries) {
      if (isAt(text, from, end, written)) return canonical;
    }
    return undefined;
  }
}

interface Entry {
  readonly written: string;
  readonly canonical: string;
}

/** Longest name that gets a slot of its own length. */
const LONGEST = 31;

function slotOf(text: string, from: number, end: number): number {
  return (Math.min(end - from, LONGEST) << 5) | (text.charCodeAt(from) & 31);
}

function isAt(text: string, from: number, end: number, written: string): boolean {
  if (end - from !== written.length) return false;
  for (let i = 0; i < written.length; i++) {
    if (lower[text.charCodeAt(from + i)] !== written.charCodeAt(i)) return false;
  }
  return true;
}
