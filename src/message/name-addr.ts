import { endOfQuoted, isToken, trim, unquote } from "./grammar.js";
import { type Params, parseParams } from "./params.js";
import { isAbsoluteUri, parseSipUri, type SipUri } from "./uri.js";

/** A name-addr or addr-spec with the header parameters behind it (RFC 3261 §20.10, §25.1): From, To, Contact, Route, Path, … */
export interface NameAddr {
  /** Display name with quotes and escapes undone, or `null`. */
  readonly displayName: string | null;
  /** The URI as written between the brackets. */
  readonly uri: string;
  /** The same parsed, or `undefined` when it is of another scheme or no valid SIP URI. */
  readonly sipUri: SipUri | undefined;
  /** Header parameters. */
  readonly params: Params;
  /** The header parameters as written, from the first semicolon; `""` without any. */
  readonly paramText: string;
}

/**
 * Parses one element of From, To, Contact, Route, Record-Route or Path.
 * Without brackets everything behind the first `;` is a header parameter, and a `?` or a comma is an error (§20.10).
 * @returns `undefined` when malformed
 */
export function parseNameAddr(text: string): NameAddr | undefined {
  const open = openingBracket(text);
  if (open === -1) return undefined;
  if (open === -2) return parseAddrSpec(text);
  const close = text.indexOf(">", open);
  if (close < 0) return undefined;
  const displayName = parseDisplayName(trim(text.slice(0, open)));
  if (displayName === undefined) return undefined;
  return assemble(displayName, text.slice(open + 1, close), trim(text.slice(close + 1)));
}

/** Index of the `<`, outside a quoted display name: -1 for a quote that never closes, -2 when there is no bracket. */
function openingBracket(text: string): number {
  let from = 0;
  if (text.charCodeAt(0) === 0x22) {
    from = endOfQuoted(text, 0, text.length);
    if (from < 0) return -1;
  }
  const open = text.indexOf("<", from);
  if (open >= 0) {
    // a bracket inside a quoted header parameter of an addr-spec is no name-addr
    const quoteAt = text.indexOf('"', from);
    return quoteAt >= 0 && quoteAt < open
      ? text.indexOf("=", from) < quoteAt && text.indexOf("=", from) >= 0
        ? -2
        : -1
      : open;
  }
  return from > 0 ? -1 : -2;
}

function parseAddrSpec(text: string): NameAddr | undefined {
  const semicolon = text.indexOf(";");
  const uri = trim(semicolon < 0 ? text : text.slice(0, semicolon));
  // §20.10: a URI with a comma, a question mark or a semicolon must stand in brackets
  if (uri.includes("?") || uri.includes(",")) return undefined;
  return assemble(null, uri, semicolon < 0 ? "" : text.slice(semicolon));
}

function assemble(displayName: string | null, uri: string, paramText: string): NameAddr | undefined {
  if (!isAbsoluteUri(uri)) return undefined;
  const sipUri = parseSipUri(uri);
  if (sipUri === undefined && /^sips?:/i.test(uri)) return undefined;
  const params = parseParams(paramText);
  if (params === undefined) return undefined;
  return { displayName, uri, sipUri, params, paramText };
}

/** `null` for none, `undefined` for a malformed one: tokens and blanks (§25.1), or one quoted-string. */
function parseDisplayName(text: string): string | null | undefined {
  if (text.length === 0) return null;
  if (text.charCodeAt(0) === 0x22)
    return endOfQuoted(text, 0, text.length) === text.length ? unquote(text) : undefined;
  for (const word of text.split(/[ \t]/)) {
    // octets above 0x7f are no token characters, but UTF-8 in an unquoted display name is common and harmless
    if (word.length > 0 && !isToken(word.replace(/[\x80-\xff]/g, "x"))) return undefined;
  }
  return text;
}
