import { indexOutside, isSpace, isToken, skipSpace, splitOutside, trim, unfold } from "./grammar.js";

const COMMA = 0x2c;

/** Where the header field lines of a text are. */
export interface FieldSpans {
  /** The whole message. */
  readonly text: string;
  /** Canonical names, one a line. */
  readonly names: readonly string[];
  /** Start of the line, start of the value and end of the value, three numbers a line. */
  readonly spans: readonly number[];
  /** May there be line breaks within values? */
  readonly hasBreaks: boolean;
  /** Most elements of one list header, see `MessageLimits`. */
  readonly mostElements: number;
}

/** Headers whose value is a list of option tags (RFC 3261 §20.29, §20.32, §20.37, §20.40). */
export type OptionTagHeader = "require" | "proxy-require" | "supported" | "unsupported";

/**
 * The header fields of one message (RFC 3261 §7.3), found in one pass and read when asked for.
 * Names are canonical (`"via"`, `"call-id"`); values are latin1 text, so every octet of the wire is kept.
 */
export class Headers {
  readonly #fields: FieldSpans;

  constructor(fields: FieldSpans) {
    this.#fields = fields;
  }

  /** How many header field lines there are. */
  get length(): number {
    return this.#fields.names.length;
  }

  /** Canonical name of the field at a position. */
  nameAt(index: number): string {
    return this.#fields.names[index]!;
  }

  /** Value of the field at a position, trimmed and on one line. */
  valueAt(index: number): string {
    const { text, spans, hasBreaks } = this.#fields;
    let end = spans[index * 3 + 2]!;
    const start = skipSpace(text, spans[index * 3 + 1]!, end);
    while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
    const value = text.slice(start, end);
    return hasBreaks ? unfold(value) : value;
  }

  /** The field at a position as it came, name and folds included, without its last CRLF. */
  lineAt(index: number): string {
    const { text, spans } = this.#fields;
    return text.slice(spans[index * 3]!, spans[index * 3 + 2]!);
  }

  /** Where the line of the field at a position begins in the text of the message. */
  startAt(index: number): number {
    return this.#fields.spans[index * 3]!;
  }

  /** Where the line of the field at a position ends, before its last CRLF. */
  endAt(index: number): number {
    return this.#fields.spans[index * 3 + 2]!;
  }

  /** Position of the first field of this canonical name at or after `from`, or -1. */
  indexOf(name: string, from = 0): number {
    return this.#fields.names.indexOf(name, from);
  }

  /** Is there a field of this canonical name? */
  has(name: string): boolean {
    return this.indexOf(name) >= 0;
  }

  /** Value of the first field of this canonical name. */
  get(name: string): string | undefined {
    const index = this.indexOf(name);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Values of every field line of this name, in order. */
  all(name: string): string[] {
    const values: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) values.push(this.valueAt(i));
    return values;
  }

  /** How many field lines of this name there are. */
  count(name: string): number {
    let count = 0;
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) count++;
    return count;
  }

  /**
   * The elements of a comma-separated header over all its lines (§7.3.1), in order; `[]` when it is absent or empty.
   * @returns `undefined` when a quote or bracket never closes, an element of several is empty, or there are more than `most`
   */
  list(name: string, most: number = this.#fields.mostElements): string[] | undefined {
    const elements: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) {
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

  /** Do so many more elements of a comma-separated header fit within the limit that the message was read with (`MessageLimits`)? */
  hasRoomFor(name: string, more: number): boolean {
    let left = this.#fields.mostElements - more;
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) {
      left--;
      const value = this.valueAt(i);
      if (!value.includes(",")) continue;
      for (let at = indexOutside(value, COMMA, 0); at >= 0; at = indexOutside(value, COMMA, at + 1)) left--;
    }
    return left >= 0;
  }

  /**
   * The option tags of Require, Proxy-Require, Supported or Unsupported, lower case (§20.32, §20.37). What is no token is
   * left out: `checkRequest` refuses it where it must be honoured, and elsewhere it announces nothing.
   */
  optionTags(name: OptionTagHeader): string[] {
    const { mostElements } = this.#fields;
    const tags: string[] = [];
    for (let i = this.indexOf(name); i >= 0; i = this.indexOf(name, i + 1)) {
      for (const part of this.valueAt(i).split(",", mostElements)) {
        const tag = trim(part);
        if (isToken(tag) && tags.length < mostElements) tags.push(tag.toLowerCase());
      }
    }
    return tags;
  }
}
