/** Character classes of RFC 3261 §25.1, and the scanners that every parser here is built from. */

const TOKEN = 1;
const LWS = 2;
const DIGIT = 4;
const HEX = 8;
const VALUE = 16;

/** What each octet may be part of. */
const classes = new Uint8Array(256);
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~") {
  classes[c.charCodeAt(0)]! |= TOKEN;
}
for (const c of "0123456789") classes[c.charCodeAt(0)]! |= DIGIT;
for (const c of "0123456789abcdefABCDEF") classes[c.charCodeAt(0)]! |= HEX;
for (const c of " \t\r\n") classes[c.charCodeAt(0)]! |= LWS;
for (let code = 0x21; code <= 0xff; code++) {
  if (!'",;<>\x7f'.includes(String.fromCharCode(code))) classes[code]! |= VALUE;
}

function is(code: number, wanted: number): boolean {
  return code <= 0xff && (classes[code]! & wanted) !== 0;
}

/**
 * Character code at an index below `end`, and 0 from there on, as NUL stands nowhere outside a quoted-string. To ask a
 * string itself for what is behind its end costs an engine more than all the rest of a scan.
 */
export function codeAt(text: string, index: number, end: number): number {
  return index < end ? text.charCodeAt(index) : 0;
}

/** Index behind the token characters at `from` (§25.1 token), at most `end`. */
export function endOfToken(text: string, from: number, end: number): number {
  while (from < end && isTokenCode(text.charCodeAt(from))) from++;
  return from;
}

/** First index at or after `from` that is no blank, at most `end`. */
export function skipBlanks(text: string, from: number, end: number): number {
  while (from < end && isBlank(text.charCodeAt(from))) from++;
  return from;
}

/** Is every character of a non-empty text a token character (§25.1 token)? */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) if (!is(text.charCodeAt(i), TOKEN)) return false;
  return true;
}

/** Is this character code a token character (§25.1 token)? */
export function isTokenCode(code: number): boolean {
  return is(code, TOKEN);
}

/** Are two texts the same but for the case of ASCII letters? Octets above 0x7f have no case here. */
export function equalIgnoringCase(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if (lowerAscii(a.charCodeAt(i)) !== lowerAscii(b.charCodeAt(i))) return false;
  }
  return true;
}

function lowerAscii(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

/** Is this character code SP, HTAB, CR or LF? */
export function isSpace(code: number): boolean {
  return is(code, LWS);
}

/** May this octet stand in an unquoted parameter value: a token, a host, or the URI characters that real ones hold? */
export function isValueCode(code: number): boolean {
  return is(code, VALUE);
}

/** Is this character code a blank: SP or HTAB? */
export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Is this character code a decimal digit? */
export function isDigit(code: number): boolean {
  return is(code, DIGIT);
}

/** Is this character code a hexadecimal digit? */
export function isHex(code: number): boolean {
  return is(code, HEX);
}

/** First index at or after `from` that is not white space, at most `end`. */
export function skipSpace(text: string, from: number, end: number): number {
  while (from < end && isSpace(text.charCodeAt(from))) from++;
  return from;
}

/** Without white space at either end. */
export function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

/**
 * A whole number of decimal digits (1*DIGIT), or `undefined` for anything else.
 * Values beyond 2^53-1 come back as `Infinity`, so that a caller compares and never wraps round.
 */
export function parseDigits(text: string): number | undefined {
  if (text.length === 0) return undefined;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value;
}

/** End (index behind the closing quote) of the quoted-string that opens at `from`, or -1 when it never closes. */
export function endOfQuoted(text: string, from: number, end: number): number {
  for (
    let quote = text.indexOf('"', from + 1);
    quote >= 0 && quote < end;
    quote = text.indexOf('"', quote + 1)
  ) {
    // a backslash escapes what follows it, so an odd run of them escapes the quote
    let run = quote;
    while (run > from + 1 && text.charCodeAt(run - 1) === 0x5c) run--;
    if ((quote - run) % 2 === 0) return quote + 1;
  }
  return -1;
}

/** Content of a quoted-string with its escapes undone; a text without quotes comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== 0x22 || text.charCodeAt(text.length - 1) !== 0x22)
    return text;
  if (!text.includes("\\")) return text.slice(1, -1);
  let out = "";
  for (let i = 1; i < text.length - 1; i++) {
    if (text.charCodeAt(i) === 0x5c && i < text.length - 2) i++;
    out += text[i];
  }
  return out;
}

/** A quoted-string that holds this text (§25.1): quotes and backslashes escaped. */
export function quote(text: string): string {
  let out = '"';
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22 || code === 0x5c) out += "\\";
    out += text[i];
  }
  return `${out}"`;
}

/**
 * Splits at a separator outside quoted strings and angle brackets (§7.3.1 for commas).
 * @returns the trimmed parts; `undefined` when a quote or a bracket never closes, or there are more than `most`
 */
export function splitOutside(text: string, separator: number, most: number): string[] | undefined {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfQuoted(text, i, text.length) - 1;
      if (i < 0) return undefined;
    } else if (code === 0x3c) {
      i = text.indexOf(">", i);
      if (i < 0) return undefined;
    } else if (code === separator) {
      parts.push(trim(text.slice(start, i)));
      if (parts.length > most) return undefined;
      start = i + 1;
    }
  }
  parts.push(trim(text.slice(start)));
  return parts.length > most ? undefined : parts;
}

/** Header value on one line: a run of white space with a line break in it, as in a fold (§7.3.1), becomes a single space. */
export function unfold(text: string): string {
  let at = nextBreak(text, 0);
  if (at < 0) return text;
  let out = "";
  let start = 0;
  for (; at >= 0; at = nextBreak(text, start)) {
    let end = at;
    while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
    out += `${text.slice(start, end)} `;
    start = skipSpace(text, at, text.length);
  }
  return out + text.slice(start);
}

/** Index of the first CR or LF at or after `from`, or -1. */
function nextBreak(text: string, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x0d || code === 0x0a) return i;
  }
  return -1;
}

/** Index of a separator outside quoted strings and angle brackets at or after `from`; -1 for none. */
export function indexOutside(text: string, separator: number, from: number): number {
  for (let i = from; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === separator) return i;
    if (code === 0x22) i = endOfQuoted(text, i, text.length) - 1;
    else if (code === 0x3c) i = text.indexOf(">", i);
    if (i < 0) return -1;
  }
  return -1;
}

/**
 * `%HH` undone once (§19.1.2), as octets; `undefined` when an escape is cut short or not hexadecimal.
 * Never applied twice: `%25%34%31` is the text `%41`.
 */
export function unescapeOnce(text: string): string | undefined {
  let at = text.indexOf("%");
  if (at < 0) return text;
  let out = "";
  let start = 0;
  while (at >= 0) {
    if (at + 2 >= text.length || !isHex(text.charCodeAt(at + 1)) || !isHex(text.charCodeAt(at + 2)))
      return undefined;
    out += text.slice(start, at) + String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 3), 16));
    start = at + 3;
    at = text.indexOf("%", start);
  }
  return out + text.slice(start);
}
