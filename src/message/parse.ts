import { isToken, parseDigits, trim } from "./grammar.js";
import { canonicalName } from "./header-names.js";
import { Headers } from "./headers.js";
import { DEFAULT_LIMITS, type MessageLimits } from "./limits.js";
import { type SipMessage, SipRequest, SipResponse } from "./message.js";

/** A text that is no SIP message, or one that may not be acted on. */
export interface ParseFailure {
  readonly ok: false;
  /** SIP status to answer with when the text was a request that can be answered. */
  readonly status: number;
  readonly reason: string;
  /** The request as far as it could be read, for addressing the answer; `undefined` when it cannot be answered. */
  readonly request: SipRequest | undefined;
}

export type ParseResult = { readonly ok: true; readonly message: SipMessage } | ParseFailure;

/**
 * Parses one whole message (RFC 3261 §7) given as latin1 text: start line, header fields, body. One pass over the lines;
 * header values are only looked into when asked for. Octets behind Content-Length are ignored (§18.3, datagrams).
 */
export function parseMessage(text: string, limits: MessageLimits = DEFAULT_LIMITS): ParseResult {
  if (text.length > limits.messageOctets) return fail(513, "Message Too Large", undefined);
  const startEnd = text.indexOf("\r\n");
  if (startEnd < 0) return fail(400, "No CRLF After Start Line", undefined);

  const names: string[] = [];
  const spans: number[] = [];
  let problem: string | undefined;
  let tooLarge = false;
  let at = startEnd + 2;
  let bodyStart = -1;
  while (at < text.length) {
    let end = text.indexOf("\r\n", at);
    if (end === at) {
      bodyStart = at + 2;
      break;
    }
    if (end < 0) {
      problem ??= "Header Field Without CRLF";
      end = text.length;
    }
    // §7.3.1: a line that starts with white space goes on with the one before
    while (end + 2 < text.length && isFold(text.charCodeAt(end + 2))) {
      const next = text.indexOf("\r\n", end + 2);
      if (next < 0) break;
      end = next;
    }
    const colon = text.indexOf(":", at);
    const name = colon < 0 || colon > end ? "" : text.slice(at, endOfName(text, at, colon));
    if (!isToken(name)) problem ??= "Malformed Header Field";
    else if (names.length >= limits.fields || end - at > limits.fieldOctets) tooLarge = true;
    else {
      names.push(canonicalName(name));
      spans.push(at, colon + 1, end);
    }
    at = end + 2;
    if (at > limits.headerOctets) {
      tooLarge = true;
      break;
    }
  }
  if (bodyStart < 0) problem ??= "Headers Without End";

  const headers = new Headers(text, names, spans);
  const body = bodyStart < 0 ? "" : cutBody(text, bodyStart, headers);
  const startLine = text.slice(0, startEnd);
  if (startLine.startsWith("SIP/"))
    return parseStatusLine(text, startLine, headers, body, tooLarge ? "Too Large" : problem);
  return parseRequestLine(text, startLine, headers, body, problem, tooLarge);
}

function fail(status: number, reason: string, request: SipRequest | undefined): ParseFailure {
  return { ok: false, status, reason, request };
}

function isFold(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** §7.3.1 lets blanks stand between a name and its colon. */
function endOfName(text: string, from: number, colon: number): number {
  let end = colon;
  while (end > from && isFold(text.charCodeAt(end - 1))) end--;
  return end;
}

/** The body by Content-Length, or to the end of the text without one; `undefined` when it is malformed or says too much. */
function cutBody(text: string, bodyStart: number, headers: Headers): string | undefined {
  const stated = headers.get("content-length");
  if (stated === undefined) return text.slice(bodyStart);
  const length = parseDigits(stated);
  if (length === undefined || bodyStart + length > text.length) return undefined;
  return length === 0 ? "" : text.slice(bodyStart, bodyStart + length);
}

function parseStatusLine(
  text: string,
  line: string,
  headers: Headers,
  body: string | undefined,
  problem: string | undefined,
): ParseResult {
  // "SIP/2.0 200 OK"; the blank behind the code is wanted, yet its absence hurts nobody
  const status = line.startsWith("SIP/2.0 ") ? parseDigits(line.slice(8, 11)) : undefined;
  const wellFormed =
    status !== undefined && status >= 100 && status <= 699 && (line.length === 11 || line[11] === " ");
  if (!wellFormed || body === undefined || problem !== undefined) {
    return fail(400, problem ?? "Malformed Response", undefined);
  }
  return { ok: true, message: new SipResponse(text, status, line.slice(12), headers, body) };
}

function parseRequestLine(
  text: string,
  line: string,
  headers: Headers,
  body: string | undefined,
  problem: string | undefined,
  tooLarge: boolean,
): ParseResult {
  const first = line.indexOf(" ");
  const last = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(first, 0));
  const version = line.slice(last + 1);
  if (!isToken(method) || !/^SIP\/\d{1,5}\.\d{1,5}$/i.test(trim(version))) {
    // a broken Request-Line that still names its peer can be answered (RFC 4475 §3.1.2.8 to 10)
    const answerable = isToken(method) && line.includes("SIP/") && headers.has("via");
    const request = answerable ? new SipRequest(text, method, "", headers, body ?? "") : undefined;
    return fail(400, "Malformed Request-Line", request);
  }
  const uri = first === last ? "" : line.slice(first + 1, last);
  const request = new SipRequest(text, method, uri, headers, body ?? "");
  if (version.toUpperCase() !== "SIP/2.0") return fail(505, "Version Not Supported", request);
  if (!isRequestUri(uri)) return fail(400, "Malformed Request-URI", request);
  if (tooLarge) return fail(513, "Message Too Large", request);
  if (problem !== undefined) return fail(400, problem, request);
  if (body === undefined) return fail(400, "Bad Content-Length", request);
  return { ok: true, message: request };
}

/** §25.1 Request-URI: no white space, brackets or quotes; what scheme it is, is not the parser's matter. */
function isRequestUri(uri: string): boolean {
  if (uri.length === 0) return false;
  for (let i = 0; i < uri.length; i++) {
    const code = uri.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return false;
  }
  return true;
}
