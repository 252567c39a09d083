import { isHex, parseDigits, unescapeOnce } from "./grammar.js";
import { NO_PARAMS, type Param, type Params } from "./params.js";

/** A SIP or SIPS URI (RFC 3261 §19.1.1); every part as written but scheme, host and parameter names, which are lower case. */
export interface SipUri {
  readonly scheme: "sip" | "sips";
  /** User part with its escapes, or `null`. */
  readonly user: string | null;
  readonly password: string | null;
  /** Host name, IPv4 address, or IPv6 reference in brackets; lower case. */
  readonly host: string;
  /** Port as written, or `null`: an absent port is not the default port (§19.1.4). */
  readonly port: number | null;
  readonly params: Params;
  /** What follows the `?`, as written, or `null`. */
  readonly headers: string | null;
}

/** Scheme of any URI in lower case, or `undefined` when the text does not start with one. */
export function uriScheme(text: string): string | undefined {
  const colon = text.indexOf(":");
  if (colon < 1) return undefined;
  for (let i = 0; i < colon; i++) {
    const code = text.charCodeAt(i) | 0x20;
    const isAlpha = code >= 0x61 && code <= 0x7a;
    const other = text.charCodeAt(i);
    if (
      !isAlpha &&
      (i === 0 || !((other >= 0x30 && other <= 0x39) || other === 0x2b || other === 0x2d || other === 0x2e))
    )
      return undefined;
  }
  return text.slice(0, colon).toLowerCase();
}

/** Marks that may stand in a user part unescaped (§25.1 mark and user-unreserved), with `%` for escapes. */
const USER = uriChars("-_.!~*'()&=+$,;?/%");
const PASSWORD = uriChars("-_.!~*'()&=+$,%");
/** paramchar: param-unreserved, unreserved and escapes. Real phones also send quotes in none of them. */
const PARAM = uriChars("-_.!~*'()[]/:&+$%");
const HEADER = uriChars("-_.!~*'()[]/?:+$%=&");

function uriChars(marks: string): Uint8Array {
  const allowed = new Uint8Array(256);
  for (const c of `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789${marks}`)
    allowed[c.charCodeAt(0)] = 1;
  return allowed;
}

/**
 * Only these characters, and each `%` starts a whole escape. Octets above 0x7f are no URI characters, but a user
 * part in raw UTF-8 is common in the field and unambiguous, so they pass where `utf8` says so.
 */
function onlyChars(text: string, allowed: Uint8Array, utf8: boolean): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) {
      if (!utf8 || code > 0xff) return false;
    } else if (allowed[code] === 0) return false;
    else if (code === 0x25 && !(isHex(text.charCodeAt(i + 1)) && isHex(text.charCodeAt(i + 2)))) return false;
  }
  return true;
}

/**
 * Parses a SIP or SIPS URI (§19.1.1, §25.1).
 * @returns `undefined` for another scheme, white space, a bad host, port or escape, or an empty parameter
 */
export function parseSipUri(text: string): SipUri | undefined {
  const colon = text.indexOf(":");
  if (colon !== 3 && colon !== 4) return undefined;
  const scheme = text.slice(0, colon).toLowerCase();
  if (scheme !== "sip" && scheme !== "sips") return undefined;

  // §25.1: `?`, `;` and `/` are legal inside a user part, so the last `@` before any header part ends it
  const at = endOfUserinfo(text, colon + 1);
  let user: string | null = null;
  let password: string | null = null;
  let hostStart = colon + 1;
  if (at >= 0) {
    const userinfo = text.slice(colon + 1, at);
    const split = userinfo.indexOf(":");
    user = split < 0 ? userinfo : userinfo.slice(0, split);
    password = split < 0 ? null : userinfo.slice(split + 1);
    if (user.length === 0 || !onlyChars(user, USER, true)) return undefined;
    if (password !== null && !onlyChars(password, PASSWORD, true)) return undefined;
    hostStart = at + 1;
  }

  const question = text.indexOf("?", hostStart);
  const beforeHeaders = question < 0 ? text.length : question;
  let semicolon = text.indexOf(";", hostStart);
  if (semicolon < 0 || semicolon > beforeHeaders) semicolon = beforeHeaders;
  const hostport = parseHostPort(text.slice(hostStart, semicolon));
  if (hostport === undefined) return undefined;
  const params = parseUriParams(text, semicolon, beforeHeaders);
  if (params === undefined) return undefined;
  const headers = question < 0 ? null : text.slice(question + 1);
  if (headers !== null && !onlyChars(headers, HEADER, false)) return undefined;
  return { scheme, user, password, host: hostport.host, port: hostport.port, params, headers };
}

/** Index of the `@` that ends the userinfo, or -1: a raw `@` may stand in no part, so the only one does. */
function endOfUserinfo(text: string, from: number): number {
  return text.indexOf("@", from);
}

function parseUriParams(text: string, from: number, end: number): Params | undefined {
  if (from === end) return NO_PARAMS;
  const params: Param[] = [];
  let start = from + 1;
  for (;;) {
    let stop = text.indexOf(";", start);
    if (stop < 0 || stop > end) stop = end;
    const equals = text.indexOf("=", start);
    const hasValue = equals >= 0 && equals < stop;
    const name = text.slice(start, hasValue ? equals : stop);
    const value = hasValue ? text.slice(equals + 1, stop) : null;
    if (name.length === 0 || !onlyChars(name, PARAM, false)) return undefined;
    if (value !== null && (value.length === 0 || !onlyChars(value, PARAM, false))) return undefined;
    params.push({ name: name.toLowerCase(), value });
    if (stop === end) return params;
    start = stop + 1;
  }
}

/** Host and port of a `hostport` or `sent-by` (§25.1); the host comes back in lower case. */
export function parseHostPort(
  text: string,
): { readonly host: string; readonly port: number | null } | undefined {
  let host = text;
  let port: number | null = null;
  if (text.charCodeAt(0) === 0x5b) {
    const close = text.indexOf("]");
    if (close < 0) return undefined;
    host = text.slice(0, close + 1);
    if (close + 1 < text.length) {
      if (text.charCodeAt(close + 1) !== 0x3a) return undefined;
      port = parsePort(text.slice(close + 2));
    }
  } else {
    const colon = text.indexOf(":");
    if (colon >= 0) {
      host = text.slice(0, colon);
      port = parsePort(text.slice(colon + 1));
    }
  }
  if (Number.isNaN(port) || !isHost(host)) return undefined;
  return { host: host.toLowerCase(), port };
}

/** 1 to 65535, or NaN. */
function parsePort(text: string): number {
  const port = text.length <= 5 ? parseDigits(text) : undefined;
  return port !== undefined && port >= 1 && port <= 65_535 ? port : Number.NaN;
}

/** A host name, an IPv4 address, or an IPv6 reference in brackets (§25.1 host, RFC 5954 §4.1). */
export function isHost(host: string): boolean {
  if (host.charCodeAt(0) === 0x5b)
    return host.charCodeAt(host.length - 1) === 0x5d && isIpv6(host.slice(1, -1));
  if (host.length === 0 || host.length > 253) return false;
  let label = 0;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code === 0x2e) {
      if (label === 0) return false;
      label = 0;
      continue;
    }
    const lower = code | 0x20;
    // underscores are no host characters by the letter, but real names in private networks have them
    const fits =
      (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f;
    if (!fits || ++label > 63) return false;
  }
  return true;
}

/** An IPv4 address in dotted decimal (§25.1 IPv4address). */
export function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => part.length <= 3 && (parseDigits(part) ?? 256) <= 255);
}

/** An IPv6 address without brackets (RFC 5954 §4.1), an embedded IPv4 address at its end included. */
export function isIpv6(text: string): boolean {
  if (text.length < 2 || text.length > 45) return false;
  const gap = text.indexOf("::");
  if (gap >= 0 && text.indexOf("::", gap + 1) >= 0) return false;
  const head = gap < 0 ? text : text.slice(0, gap);
  const tail = gap < 0 ? "" : text.slice(gap + 2);
  const headGroups = countGroups(head, gap < 0);
  const tailGroups = countGroups(tail, true);
  if (headGroups < 0 || tailGroups < 0) return false;
  return gap < 0 ? headGroups === 8 : headGroups + tailGroups <= 7;
}

/** How many 16-bit groups a colon-separated text holds; -1 when one is malformed. */
function countGroups(text: string, mayEndInIpv4: boolean): number {
  if (text.length === 0) return 0;
  const groups = text.split(":");
  let count = 0;
  for (let i = 0; i < groups.length; i++) {
    const group = groups[i]!;
    if (mayEndInIpv4 && i === groups.length - 1 && group.includes(".")) {
      if (!isIpv4(group)) return -1;
      count += 2;
      continue;
    }
    if (group.length === 0 || group.length > 4) return -1;
    for (let j = 0; j < group.length; j++) if (!isHex(group.charCodeAt(j))) return -1;
    count++;
  }
  return count;
}

/** The canonical text of a SIP URI's parts. */
export function writeSipUri(uri: SipUri): string {
  const userinfo = uri.user === null ? "" : `${uri.user}${uri.password === null ? "" : `:${uri.password}`}@`;
  let params = "";
  for (const { name, value } of uri.params) params += value === null ? `;${name}` : `;${name}=${value}`;
  const port = uri.port === null ? "" : `:${uri.port}`;
  return `${uri.scheme}:${userinfo}${uri.host}${port}${params}${uri.headers === null ? "" : `?${uri.headers}`}`;
}

/** Parameters that make two URIs differ when only one has them (§19.1.4; `maddr`, `ttl`, `user`, `method`, `transport`). */
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
    equalParams(a.params, b.params) &&
    equalHeaders(a.headers, b.headers)
  );
}

/** Case-sensitive; a character and its `%HH` escape are the same unless the character is reserved (§19.1.4). */
function equalEscaped(a: string | null, b: string | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return normaliseEscapes(a) === normaliseEscapes(b);
}

const RESERVED = ";/?:@&=+$,";

/** Escapes of unreserved characters undone, the others (reserved characters, controls, `%` itself) in upper-case hexadecimal. */
export function normaliseEscapes(text: string): string {
  let at = text.indexOf("%");
  if (at < 0) return text;
  let out = "";
  let start = 0;
  while (at >= 0) {
    const char = unescapeOnce(text.slice(at, at + 3));
    out += text.slice(start, at);
    if (char === undefined) out += text.slice(at, at + 3);
    else if (RESERVED.includes(char) || char === "%" || char <= " " || char >= "\x7f")
      out += text.slice(at, at + 3).toUpperCase();
    else out += char;
    start = at + 3;
    at = text.indexOf("%", start);
  }
  return out + text.slice(start);
}

function equalParams(a: Params, b: Params): boolean {
  return eachMatches(a, b) && eachMatches(b, a);
}

function eachMatches(a: Params, b: Params): boolean {
  for (const { name, value } of a) {
    const other = b.find((candidate) => candidate.name === name);
    if (other === undefined) {
      if (NEVER_IGNORED.has(name)) return false;
    } else if (
      normaliseEscapes(value ?? "").toLowerCase() !== normaliseEscapes(other.value ?? "").toLowerCase()
    )
      return false;
  }
  return true;
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

/** Is this text a URI by its looks: a scheme and something without white space, controls, quotes or brackets behind it? */
export function isAbsoluteUri(text: string): boolean {
  const scheme = uriScheme(text);
  if (scheme === undefined || scheme.length + 1 >= text.length) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return false;
  }
  return true;
}
