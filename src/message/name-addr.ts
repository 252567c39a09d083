import { codeAt, endOfQuoted, isBlank, isTokenCode, trim, unquote } from "./grammar.js";
import { type Params, parseParams } from "./params.js";
import { isAbsoluteUri, parseSipUri, type SipUri, uriScheme } from "./uri.js";

/** A name-addr or addr-spec with the header parameters behind it (RFC 3261 §20.10, §25.1): From, To, Contact, Route, Path, … */
export interface NameAddr {
  /** Display name with quotes and escapes undone, or `null`. */
  readonly displayName: string | null;
  /** The URI as written between the brackets. */
  readonly uri: string;
  /** The same parsed, or `undefined` when it is of another scheme. */
  readonly sipUri: SipUri | undefined;
  /** Header parameters. */
  readonly params: Params;
  /** The header parameters as written, from the first semicolon; `""` without any. */
  readonly paramText: string;
}

/**
 * Parses one element of From, To, Contact, Route, Record-Route or Path.
 * Without brackets everything behind the first `;` is a header parameter, and a `?` or a comma is an error (§20.10).
 * @param mayBeEmpty a parameter whose value may be missing, as in `parseParams`
 * @returns `undefined` when malformed, a SIP or SIPS URI in it included
 */
export function parseNameAddr(text: string, mayBeEmpty?: string): NameAddr | undefined {
  const open = openingBracket(text);
  if (open === undefined) return parseAddrSpec(text, mayBeEmpty);
  const close = text.indexOf(">", open);
  if (close < 0) return undefined;
  const displayName = parseDisplayName(trim(text.slice(0, open)));
  if (displayName === undefined) return undefined;
  return assemble(displayName, text.slice(open + 1, close), trim(text.slice(close + 1)), mayBeEmpty);
}

/** Index of the `<` that ends the display name; `undefined` when the text has none, or only within a quoted parameter. */
function openingBracket(text: string): number | undefined {
  let at = 0;
  // a quote that opens the text is a display name; any other before a bracket is a parameter's
  if (codeAt(text, 0, text.length) === 0x22) at = endOfQuoted(text, 0, text.length);
  if (at < 0) return undefined;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x3c) return at;
    if (code === 0x22) return undefined;
  }
  return undefined;
}

function parseAddrSpec(text: string, mayBeEmpty: string | undefined): NameAddr | undefined {
  const semicolon = text.indexOf(";");
  const uri = trim(semicolon < 0 ? text : text.slice(0, semicolon));
  // §20.10, RFC 8217 §3: a URI with a comma, a question mark or a semicolon must stand in brackets
  if (uri.includes("?") || uri.includes(",")) return undefined;
  return assemble(null, uri, semicolon < 0 ? "" : text.slice(semicolon), mayBeEmpty);
}

function assemble(
  displayName: string | null,
  uri: string,
  paramText: string,
  mayBeEmpty: string | undefined,
): NameAddr | undefined {
  const sipUri = parseSipUri(uri);
  if (sipUri === undefined && !isForeignUri(uri)) return undefined;
  const params = parseParams(paramText, mayBeEmpty);
  return params === undefined ? undefined : { displayName, uri, sipUri, params, paramText };
}

/** A URI of a scheme that is not ours to judge. */
function isForeignUri(uri: string): boolean {
  const scheme = uriScheme(uri);
  return scheme !== "sip" && scheme !== "sips" && isAbsoluteUri(uri);
}

/** `null` for none, `undefined` for a malformed one: tokens and blanks (§25.1), or one quoted-string. */
function parseDisplayName(text: string): string | null | undefined {
  if (text.length === 0) return null;
  if (text.charCodeAt(0) === 0x22) {
    return endOfQuoted(text, 0, text.length) === text.length ? unquote(text) : undefined;
  }
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // octets above 0x7f are no token characters, but UTF-8 in an unquoted display name is common and harmless
    if (!isTokenCode(code) && !isBlank(code) && code < 0x80) return undefined;
  }
  return text;
}
