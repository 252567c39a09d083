import { splitOutside, trim, unfold } from "./grammar.js";
import { DEFAULT_LIMITS } from "./limits.js";

const COMMA = 0x2c;

/**
 * The header fields of one message (RFC 3261 §7.3), found in one pass and read when asked for.
 * Names are canonical (`"via"`, `"call-id"`); values are latin1 text, so every octet of the wire is kept.
 */
export class Headers {
  readonly #text: string;
  readonly #names: readonly string[];
  /** Start of the line, start of the value and end of the value, three numbers a field. */
  readonly #spans: readonly number[];

  constructor(text: string, names: readonly string[], spans: readonly number[]) {
    this.#text = text;
    this.#names = names;
    this.#spans = spans;
  }

  /** How many header field lines there are. */
  get length(): number {
    return this.#names.length;
  }

  /** Canonical name of the field at a position. */
  nameAt(index: number): string {
    return this.#names[index]!;
  }

  /** Value of the field at a position, unfolded and trimmed. */
  valueAt(index: number): string {
    return unfold(trim(this.#text.slice(this.#spans[index * 3 + 1]!, this.#spans[index * 3 + 2]!)));
  }

  /** The field at a position as it came, name and folds included, without its last CRLF. */
  lineAt(index: number): string {
    return this.#text.slice(this.#spans[index * 3]!, this.#spans[index * 3 + 2]!);
  }

  /** Position of the first field of this canonical name at or after `from`, or -1. */
  indexOf(name: string, from = 0): number {
    return this.#names.indexOf(name, from);
  }

  /** Is there a field of this canonical name? */
  has(name: string): boolean {
    return this.#names.indexOf(name) >= 0;
  }

  /** Value of the first field of this canonical name. */
  get(name: string): string | undefined {
    const index = this.#names.indexOf(name);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Values of every field line of this name, in order. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let i = this.#names.indexOf(name); i >= 0; i = this.#names.indexOf(name, i + 1))
      values.push(this.valueAt(i));
    return values;
  }

  /** How many field lines of this name there are. */
  count(name: string): number {
    let count = 0;
    for (let i = this.#names.indexOf(name); i >= 0; i = this.#names.indexOf(name, i + 1)) count++;
    return count;
  }

  /**
   * The elements of a comma-separated header over all its lines (§7.3.1), in order; `[]` when it is absent.
   * @returns `undefined` when a quote or bracket never closes, an element is empty, or there are more than `most`
   */
  list(name: string, most: number = DEFAULT_LIMITS.elements): string[] | undefined {
    const elements: string[] = [];
    for (let i = this.#names.indexOf(name); i >= 0; i = this.#names.indexOf(name, i + 1)) {
      const value = this.valueAt(i);
      if (value.includes(",")) {
        const parts = splitOutside(value, COMMA, most);
        if (parts === undefined) return undefined;
        for (const part of parts) {
          if (part.length === 0) return undefined;
          elements.push(part);
        }
      } else if (value.length > 0) {
        elements.push(value);
      }
      if (elements.length > most) return undefined;
    }
    return elements;
  }

  /** The option tags of Require, Proxy-Require, Supported or Unsupported, lower case (§20.32, §20.37). */
  optionTags(name: "require" | "proxy-require" | "supported" | "unsupported"): string[] {
    if (!this.has(name)) return [];
    return (this.list(name) ?? []).map((tag) => tag.toLowerCase());
  }
}
