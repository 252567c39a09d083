import { codeAt, equalIgnoringCase, isHex, unescapeOnce } from "./grammar.js";
import { parseHostPort } from "./host.js";
import { MAX_PARAMS } from "./limits.js";
import { NO_PARAMS, type Param, type Params, paramNameAt, writeParams } from "./params.js";

/** A SIP or SIPS URI (RFC 3261 §19.1.1); every part as written but scheme, host and parameter names. */
export interface SipUri {
  readonly scheme: "sip" | "sips";
  /** User part with its escapes, or `null`. */
  readonly user: string | null;
  readonly password: string | null;
  /** Host name in lower case, IPv4 address, or IPv6 reference in brackets; see `canonicalHost`. */
  readonly host: string;
  /** Port as written, or `null`: an absent port is not the default port (§19.1.4). */
  readonly port: number | null;
  /** Names in lower case. */
  readonly params: Params;
  /** What follows the `?`, as written, or `null`. */
  readonly headers: string | null;
}

/** Scheme of any URI in lower case, or `undefined` when the text does not start with one (RFC 3986 §3.1). */
export function uriScheme(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) return undefined;
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i);
    const lower = code | 0x20;
    if (lower >= 0x61 && lower <= 0x7a) continue;
    const mayFollow = (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (i === 0 || !mayFollow) return undefined;
  }
  return text.slice(0, colon).toLowerCase();
}

/** Is this text a URI by its looks: a scheme and something without white space, controls, quotes or brackets behind it? */
export function isAbsoluteUri(text: string): boolean {
  const scheme = uriScheme(text);
  if (scheme === undefined || scheme.length + 1 >= text.length) return false;
  return !holdsDelimiters(text);
}

/** Does a text hold white space, controls, quotes or angle brackets, which no URI does? */
export function holdsDelimiters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return true;
  }
  return false;
}

/**
 * What may stand in a user part (§25.1 unreserved, escaped, user-unreserved). Octets above 0x7f and `#` are no URI
 * characters, but users in raw UTF-8 and feature codes like `*21#` are common in the field, and unambiguous.
 */
const USER = uriChars("-_.!~*'()&=+$,;?/%#");
for (let code = 0x80; code <= 0xff; code++) USER[code] = 1;

/** May this octet stand in a user part as it is? The others, `%` among them, stand there as escapes alone. */
export function isUserCode(code: number): boolean {
  return code !== 0x25 && USER[code] === 1;
}

const PASSWORD = uriChars("-_.!~*'()&=+$,%");
const PARAM_NAME = uriChars("-_.!~*'()[]/:&+$%");
/** paramchar, and the `=` that ends what phones encode in base64. */
const PARAM_VALUE = uriChars("-_.!~*'()[]/:&+$%=");
const HEADERS = uriChars("-_.!~*'()[]/?:+$%=&");

/** Letters, digits and these marks; `%` starts an escape. */
function uriChars(marks: string): Uint8Array {
  const allowed = new Uint8Array(256);
  for (const c of `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789${marks}`) {
    allowed[c.charCodeAt(0)] = 1;
  }
  return allowed;
}

/** Index behind the allowed characters at `from`, at most `end`; a `%` that starts no whole escape is not allowed. */
function endOf(text: string, from: number, end: number, allowed: Uint8Array): number {
  for (; from < end; from++) {
    const code = text.charCodeAt(from);
    if (allowed[code] !== 1) return from;
    if (code !== 0x25) continue;
    if (from + 2 >= end || !isHex(text.charCodeAt(from + 1)) || !isHex(text.charCodeAt(from + 2)))
      return from;
  }
  return end;
}

/**
 * Parses a SIP or SIPS URI (§19.1.1, §25.1).
 * @returns `undefined` for another scheme, white space, a bad host, port or escape, or an empty part
 */
export function parseSipUri(text: string): SipUri | undefined {
  const scheme = sipScheme(text);
  if (scheme === undefined) return undefined;
  let user: string | null = null;
  let password: string | null = null;
  let hostStart = scheme.length + 1;
  // §25.1: `?`, `;` and `/` are legal inside a user part, and a raw `@` nowhere, so the first one ends the userinfo
  const at = text.indexOf("@", hostStart);
  if (at >= 0) {
    const colon = text.indexOf(":", hostStart);
    const userEnd = colon >= 0 && colon < at ? colon : at;
    if (userEnd === hostStart || endOf(text, hostStart, userEnd, USER) < userEnd) return undefined;
    user = text.slice(hostStart, userEnd);
    if (userEnd < at) {
      // an empty password is legal: it is written, and it differs from none
      if (endOf(text, userEnd + 1, at, PASSWORD) < at) return undefined;
      password = text.slice(userEnd + 1, at);
    }
    hostStart = at + 1;
  }
  const question = text.indexOf("?", hostStart);
  const paramsEnd = question < 0 ? text.length : question;
  const semicolon = text.indexOf(";", hostStart);
  const hostEnd = semicolon < 0 || semicolon > paramsEnd ? paramsEnd : semicolon;
  const hostPort = parseHostPort(text.slice(hostStart, hostEnd));
  if (hostPort === undefined) return undefined;
  const params = parseUriParams(text, hostEnd, paramsEnd);
  if (params === undefined) return undefined;
  // §25.1: a question mark has at least one header behind it
  if (question === text.length - 1) return undefined;
  if (question >= 0 && endOf(text, question + 1, text.length, HEADERS) < text.length) return undefined;
  const headers = question < 0 ? null : text.slice(question + 1);
  return { scheme, user, password, host: hostPort.host, port: hostPort.port, params, headers };
}

/** `sip` or `sips`, in any case, with its colon. */
function sipScheme(text: string): "sip" | "sips" | undefined {
  if (text.length < 5) return undefined;
  const isSip =
    (text.charCodeAt(0) | 0x20) === 0x73 &&
    (text.charCodeAt(1) | 0x20) === 0x69 &&
    (text.charCodeAt(2) | 0x20) === 0x70;
  if (!isSip) return undefined;
  if (text.charCodeAt(3) === 0x3a) return "sip";
  return (text.charCodeAt(3) | 0x20) === 0x73 && text.charCodeAt(4) === 0x3a ? "sips" : undefined;
}

function parseUriParams(text: string, from: number, end: number): Params | undefined {
  if (from === end) return NO_PARAMS;
  const params: Param[] = [];
  for (let at = from; at < end; ) {
    if (text.charCodeAt(at) !== 0x3b || params.length === MAX_PARAMS) return undefined;
    const nameStart = at + 1;
    at = endOf(text, nameStart, end, PARAM_NAME);
    if (at === nameStart) return undefined;
    const name = paramNameAt(text, nameStart, at);
    if (codeAt(text, at, end) !== 0x3d) {
      params.push({ name, value: null });
      continue;
    }
    const valueStart = at + 1;
    at = endOf(text, valueStart, end, PARAM_VALUE);
    if (at === valueStart) return undefined;
    params.push({ name, value: text.slice(valueStart, at) });
  }
  return params;
}

/** The canonical text of a SIP URI's parts. */
export function writeSipUri(uri: SipUri): string {
  const userinfo = uri.user === null ? "" : `${uri.user}${uri.password === null ? "" : `:${uri.password}`}@`;
  const port = uri.port === null ? "" : `:${uri.port}`;
  const headers = uri.headers === null ? "" : `?${uri.headers}`;
  return `${uri.scheme}:${userinfo}${uri.host}${port}${writeParams(uri.params)}${headers}`;
}

/** Parameters that make two URIs differ when only one has them (§19.1.4). */
const NEVER_IGNORED: ReadonlySet<string> = new Set(["user", "ttl", "method", "maddr", "transport"]);

/**
 * Are two SIP URIs equal by RFC 3261 §19.1.4? Scheme, user, password, host, port, the parameters that both have,
 * those that must be in both, and all header components. Reflexive and symmetric; by the RFC's own words not transitive.
 */
export function equalSipUris(a: SipUri, b: SipUri): boolean {
  return (
    a.scheme === b.scheme &&
    a.host === b.host &&
    a.port === b.port &&
    equalEscaped(a.user, b.user) &&
    equalEscaped(a.password, b.password) &&
    eachMatches(a.params, b.params) &&
    eachMatches(b.params, a.params) &&
    equalHeaders(a.headers, b.headers)
  );
}

/** Case-sensitive; a character and its `%HH` escape are the same unless the character is reserved (§19.1.4). */
function equalEscaped(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return normaliseEscapes(a) === normaliseEscapes(b);
}

/** RFC 2396 §2.2; and what would read as another escape or end the text it stands in. */
const STAYS_ESCAPED = ";/?:@&=+$,%";

/**
 * One spelling for texts that §19.1.4 holds equal: escapes undone, but for those of reserved characters, `%`, blanks and
 * controls, which come in upper-case hexadecimal.
 */
export function normaliseEscapes(text: string): string {
  let at = text.indexOf("%");
  if (at < 0) return text;
  let out = "";
  let start = 0;
  for (; at >= 0; at = text.indexOf("%", start)) {
    const escaped = text.slice(at, at + 3);
    const char = unescapeOnce(escaped);
    const stays = char === undefined || STAYS_ESCAPED.includes(char) || char <= " " || char === "\x7f";
    out += text.slice(start, at) + (stays ? escaped.toUpperCase() : char);
    start = at + 3;
  }
  return out + text.slice(start);
}

/** A name that a URI has twice, against §19.1.1, counts once: its first value. */
function eachMatches(a: Params, b: Params): boolean {
  for (let i = 0; i < a.length; i++) {
    const { name, value } = a[i]!;
    if (firstOf(a, name) !== i) continue;
    const other = b[firstOf(b, name)];
    if (other === undefined) {
      if (NEVER_IGNORED.has(name)) return false;
    } else if (!equalParamValues(value, other.value)) return false;
  }
  return true;
}

function firstOf(params: Params, name: string): number {
  for (let i = 0; i < params.length; i++) if (params[i]!.name === name) return i;
  return -1;
}

/** Without regard to case (§19.1.4); a parameter without a value differs from one with any, none being empty. */
function equalParamValues(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return equalIgnoringCase(normaliseEscapes(a), normaliseEscapes(b));
}

/** Header components are never ignored; their order does not matter, names are compared without case (§19.1.4). */
function equalHeaders(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  const left = sortedHeaders(a);
  const right = sortedHeaders(b);
  return left.length === right.length && left.every((header, i) => header === right[i]);
}

function sortedHeaders(text: string): string[] {
  return text
    .split("&")
    .map((header) => {
      const equals = header.indexOf("=");
      if (equals < 0) return normaliseEscapes(header).toLowerCase();
      return `${normaliseEscapes(header.slice(0, equals)).toLowerCase()}=${normaliseEscapes(header.slice(equals + 1))}`;
    })
    .sort();
}
