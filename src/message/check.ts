import { isToken, parseDigits } from "./grammar.js";
import type { Headers } from "./headers.js";
import type { SipRequest } from "./message.js";
import type { Params } from "./params.js";
import { ok, type Rejection, type Result, reject } from "./result.js";
import { uriScheme } from "./uri.js";
import { branchOf, isVersion2, MAGIC_COOKIE } from "./via.js";

const SOUND = ok(undefined);

/**
 * May a request be acted on at all? Mandatory header fields (RFC 3261 §8.1.1), each once, well formed and not in
 * contradiction; CSeq names the method (§8.1.1.5); a SIP Request-URI is one, without header components (§19.1.1, table 1);
 * what is required can be read (§20.32). Of parameters that are there twice (§7.3.1) those of Via and the tags are refused, and
 * elsewhere the first one counts. Other schemes, unknown methods and Max-Forwards are for those who act on them.
 * @returns 400 with the reason, 505 for a top Via of another version, or 501 for a method that only CSeq gets wrong and nobody here knows (RFC 4475 §3.1.2.18)
 */
export function checkRequest(request: SipRequest, knows: (method: string) => boolean): Result<undefined> {
  const { headers, via, cseq } = request;
  const repeated = repeatedField(headers);
  if (repeated !== undefined) return bad(`More Than One ${repeated}`);
  if (via === undefined) return bad(headers.has("via") ? "Malformed Via" : "Missing Via");
  // §7.1: a peer that says it sent another version than its Request-Line names speaks none that we know
  if (!isVersion2(via)) return reject(505, "Version Not Supported");
  // RFC 4475 §3.2.1: the cookie alone names no transaction
  if (branchOf(via) === MAGIC_COOKIE) return bad("Via Branch Without A Value");
  if (request.from === undefined) return bad(headers.has("from") ? "Malformed From" : "Missing From");
  if (request.to === undefined) return bad(headers.has("to") ? "Malformed To" : "Missing To");
  // §7.3.1: no parameter is there twice; two tags name two dialogs, and other elements may read another one than we do
  if (hasTwoTags(request.from.params)) return bad("More Than One Tag In From");
  if (hasTwoTags(request.to.params)) return bad("More Than One Tag In To");
  if (request.callId.length === 0) return bad("Missing Call-ID");
  if (!isWord(request.callId)) return bad("Malformed Call-ID");
  if (cseq === undefined) return bad(headers.has("cseq") ? "Malformed CSeq" : "Missing CSeq");
  if (!isRequestUri(request)) return bad("Malformed Request-URI");
  if (!canReadTags(headers, "require")) return bad("Malformed Require");
  if (!canReadTags(headers, "proxy-require")) return bad("Malformed Proxy-Require");
  if (cseq.method !== request.method) {
    return knows(request.method) ? bad("CSeq Method Mismatch") : reject(501, "Not Implemented");
  }
  return SOUND;
}

function bad(reason: string): Rejection {
  return reject(400, reason);
}

function hasTwoTags(params: Params): boolean {
  let seen = false;
  for (const { name } of params) {
    if (name !== "tag") continue;
    if (seen) return true;
    seen = true;
  }
  return false;
}

/** Written name of a field that is there twice although it stands once (§20, RFC 4475 §3.3.8). */
function repeatedField(headers: Headers): string | undefined {
  let seen = 0;
  for (let i = 0; i < headers.length; i++) {
    const bit = singleBit(headers.nameAt(i));
    if ((seen & bit) !== 0) return SINGLE[31 - Math.clz32(bit)];
    seen |= bit;
  }
  return undefined;
}

/** Fields that stand once in a request; Content-Length is the parser's, who compares the values. */
const SINGLE = ["To", "From", "Call-ID", "CSeq", "Max-Forwards", "Expires"] as const;

function singleBit(name: string): number {
  switch (name) {
    case "to":
      return 1;
    case "from":
      return 2;
    case "call-id":
      return 4;
    case "cseq":
      return 8;
    case "max-forwards":
      return 16;
    case "expires":
      return 32;
    default:
      return 0;
  }
}

/** No white space and no controls; of the other octets real Call-IDs hold all kinds (§25.1 callid). */
function isWord(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code === 0x7f) return false;
  }
  return true;
}

function isRequestUri(request: SipRequest): boolean {
  const { sipUri } = request;
  // RFC 4475 §3.1.2.11: header components are refused rather than taken off
  if (sipUri !== undefined) return sipUri.headers === null;
  const scheme = uriScheme(request.uri);
  return scheme !== undefined && scheme !== "sip" && scheme !== "sips";
}

function canReadTags(headers: Headers, name: "require" | "proxy-require"): boolean {
  if (!headers.has(name)) return true;
  return headers.list(name)?.every(isToken) ?? false;
}

/** Max-Forwards as a number; `undefined` when absent or not 0 to 255, which is treated as absent (RFC 4475 §3.1.2.4). */
export function maxForwards(request: SipRequest): number | undefined {
  const value = parseDigits(request.headers.get("max-forwards") ?? "");
  return value === undefined || value > 255 ? undefined : value;
}
