import {
  endOfQuoted,
  isHex,
  isSpace,
  isToken,
  skipSpace,
  trim,
  unescapeOnce,
  unquote,
} from "../message/grammar.js";
import type { Headers } from "../message/headers.js";
import type { DigestAlgorithm } from "./source.js";

/** Digest credentials of one Authorization or Proxy-Authorization field (RFC 7616 §3.4), quotes undone. */
export interface Credentials {
  /** Octets of the name, from `username` or `username*`; `""` when absent. */
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  /** digest-uri. */
  readonly uri: string;
  /** Lower case; `""` when absent. */
  readonly response: string;
  /** `null` for one that we cannot compute. Absent means MD5 (RFC 7616 §3.3). */
  readonly algorithm: DigestAlgorithm | null;
  /** Is it the `-sess` variant? */
  readonly session: boolean;
  /** `null` when absent (RFC 2069); `"other"` for a value that no RFC knows. */
  readonly qop: "auth" | "auth-int" | "other" | null;
  /** As sent: the response is computed over it. */
  readonly nc: string;
  /** nc as a number, 0 when absent or malformed. */
  readonly ncValue: number;
  readonly cnonce: string;
  /** Is the name hashed (RFC 7616 §3.4.4)? We never ask for that. */
  readonly userhash: boolean;
}

/** Parameters of one field; far more than any RFC defines. */
const MOST_PARAMS = 32;

/**
 * The digest credentials for one realm among the lines of a header (RFC 3261 §7.3.1: one credential a line, never joined;
 * §22.3: those for other realms are not ours to look at). Other schemes are passed over (RFC 4475 §3.3.7).
 * @returns `undefined` when there are none; `"malformed"` when there are none and a digest line could not be read
 */
export function findCredentials(
  headers: Headers,
  name: "authorization" | "proxy-authorization",
  realm: string,
): Credentials | "malformed" | undefined {
  let broken = false;
  for (let i = headers.indexOf(name); i >= 0; i = headers.indexOf(name, i + 1)) {
    const value = headers.valueAt(i);
    if (!isDigest(value)) continue;
    const credentials = parseCredentials(value);
    if (credentials === undefined) broken = true;
    else if (credentials.realm === realm) return credentials;
  }
  return broken ? "malformed" : undefined;
}

/** Is this value of the Digest scheme? Scheme names are compared without case. */
export function isDigest(value: string): boolean {
  return value.length > 6 && isSpace(value.charCodeAt(6)) && value.slice(0, 6).toLowerCase() === "digest";
}

/**
 * Parses one value of the Digest scheme. Bears what real phones send: values that should be quoted and are not and the other
 * way round, blanks round `=`, empty elements, parameters that nobody knows. Absent parameters are left empty: RFC 8760 §2.7
 * lets a client send empty ones before it was challenged.
 * @returns `undefined` when a quote never closes, a name is no token, or a parameter stands twice (RFC 7616 §3.4)
 */
export function parseCredentials(value: string): Credentials | undefined {
  const end = value.length;
  let username: string | undefined;
  let realm: string | undefined;
  let nonce: string | undefined;
  let uri: string | undefined;
  let response: string | undefined;
  let algorithm: string | undefined;
  let cnonce: string | undefined;
  let qop: string | undefined;
  let nc: string | undefined;
  let userhash: string | undefined;
  let count = 0;
  let at = 6;
  for (;;) {
    while (at < end && (isSpace(value.charCodeAt(at)) || value.charCodeAt(at) === 0x2c)) at++;
    if (at >= end) break;
    const equals = value.indexOf("=", at);
    if (equals < 0 || ++count > MOST_PARAMS) return undefined;
    const name = trim(value.slice(at, equals));
    const from = skipSpace(value, equals + 1, end);
    let content: string;
    if (value.charCodeAt(from) === 0x22) {
      at = endOfQuoted(value, from, end);
      if (at < 0) return undefined;
      content = unquote(value.slice(from, at));
      at = skipSpace(value, at, end);
      if (at < end && value.charCodeAt(at) !== 0x2c) return undefined;
    } else {
      at = value.indexOf(",", from);
      if (at < 0) at = end;
      content = trim(value.slice(from, at));
    }
    switch (knownName(name)) {
      case "username":
        if (username !== undefined) return undefined;
        username = content;
        break;
      case "username*": {
        // RFC 7616 §3.4: both forms at once are an error
        const plain = decodeExtended(content);
        if (username !== undefined || plain === undefined) return undefined;
        username = plain;
        break;
      }
      case "realm":
        if (realm !== undefined) return undefined;
        realm = content;
        break;
      case "nonce":
        if (nonce !== undefined) return undefined;
        nonce = content;
        break;
      case "uri":
        if (uri !== undefined) return undefined;
        uri = content;
        break;
      case "response":
        if (response !== undefined) return undefined;
        response = content;
        break;
      case "algorithm":
        if (algorithm !== undefined) return undefined;
        algorithm = content;
        break;
      case "cnonce":
        if (cnonce !== undefined) return undefined;
        cnonce = content;
        break;
      case "qop":
        if (qop !== undefined) return undefined;
        qop = content;
        break;
      case "nc":
        if (nc !== undefined) return undefined;
        nc = content;
        break;
      case "userhash":
        if (userhash !== undefined) return undefined;
        userhash = content;
        break;
      default:
        if (!isToken(name)) return undefined;
    }
  }
  const [hash, session] = readAlgorithm(algorithm);
  return {
    username: username ?? "",
    realm: realm ?? "",
    nonce: nonce ?? "",
    uri: uri ?? "",
    response: (response ?? "").toLowerCase(),
    algorithm: hash,
    session,
    qop: readQop(qop),
    nc: nc ?? "",
    ncValue: readNc(nc ?? ""),
    cnonce: cnonce ?? "",
    userhash: userhash !== undefined && userhash.toLowerCase() === "true",
  };
}

const NAMES: ReadonlySet<string> = new Set(
  "username username* realm nonce uri response algorithm cnonce qop nc userhash".split(" "),
);

/** Names are compared without case; nearly all come in lower case. */
function knownName(name: string): string {
  return NAMES.has(name) ? name : name.toLowerCase();
}

type ReadAlgorithm = readonly [algorithm: DigestAlgorithm | null, session: boolean];

const MD5: ReadAlgorithm = ["MD5", false];
const ALGORITHMS: ReadonlyMap<string, ReadAlgorithm> = new Map([
  ["MD5", MD5],
  ["MD5-SESS", ["MD5", true]],
  ["SHA-256", ["SHA-256", false]],
  ["SHA-256-SESS", ["SHA-256", true]],
  ["SHA-512-256", ["SHA-512-256", false]],
  ["SHA-512-256-SESS", ["SHA-512-256", true]],
]);
const UNKNOWN_ALGORITHM: ReadAlgorithm = [null, false];

function readAlgorithm(text: string | undefined): ReadAlgorithm {
  if (text === undefined) return MD5;
  return ALGORITHMS.get(text) ?? ALGORITHMS.get(text.toUpperCase()) ?? UNKNOWN_ALGORITHM;
}

function readQop(text: string | undefined): Credentials["qop"] {
  if (text === undefined) return null;
  if (text === "auth") return "auth";
  const lower = text.toLowerCase();
  return lower === "auth" || lower === "auth-int" ? lower : "other";
}

/** nc is 8LHEX (RFC 7616 §3.4); fewer digits are borne, since the response is computed over what was sent. */
function readNc(text: string): number {
  if (text.length === 0 || text.length > 8) return 0;
  for (let i = 0; i < text.length; i++) if (!isHex(text.charCodeAt(i))) return 0;
  return Number.parseInt(text, 16);
}

/** `UTF-8'lang'escaped` of RFC 5987 §3.2 as the octets that it stands for. */
function decodeExtended(text: string): string | undefined {
  const first = text.indexOf("'");
  const second = text.indexOf("'", first + 1);
  if (first < 0 || second < 0 || text.slice(0, first).toLowerCase() !== "utf-8") return undefined;
  return unescapeOnce(text.slice(second + 1));
}
