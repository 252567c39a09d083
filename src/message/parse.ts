import { type ScannedFields, scanFields } from "./fields.js";
import { isToken, parseDigits } from "./grammar.js";
import { Headers } from "./headers.js";
import { DEFAULT_LIMITS, type MessageLimits } from "./limits.js";
import { type SipMessage, SipRequest, SipResponse } from "./message.js";
import { holdsDelimiters } from "./uri.js";

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
  const fields = scanFields(text, startEnd + 2, limits);
  const headers = new Headers(fields);
  const body = fields.bodyStart < 0 ? undefined : cutBody(text, fields.bodyStart, headers);
  const startLine = text.slice(0, startEnd);
  return startLine.startsWith("SIP/")
    ? parseResponse(startLine, fields, headers, body)
    : parseRequest(startLine, fields, headers, body, limits);
}

function fail(status: number, reason: string, request: SipRequest | undefined): ParseFailure {
  return { ok: false, status, reason, request };
}

/**
 * The body by Content-Length, or to the end of the text without one.
 * @returns `undefined` when the length is malformed, says too much, or is there twice with two values (RFC 4475 §3.3.9)
 */
function cutBody(text: string, bodyStart: number, headers: Headers): string | undefined {
  const first = headers.indexOf("content-length");
  if (first < 0) return text.slice(bodyStart);
  const length = parseDigits(headers.valueAt(first));
  if (length === undefined || bodyStart + length > text.length) return undefined;
  for (
    let i = headers.indexOf("content-length", first + 1);
    i >= 0;
    i = headers.indexOf("content-length", i + 1)
  ) {
    if (parseDigits(headers.valueAt(i)) !== length) return undefined;
  }
  return length === 0 ? "" : text.slice(bodyStart, bodyStart + length);
}

/** A response that is not sound is discarded (§18.3, RFC 4475 §3.1.2.19), so it matters little what is wrong with it. */
function parseResponse(
  line: string,
  { text, problem }: ScannedFields,
  headers: Headers,
  body: string | undefined,
): ParseResult {
  // "SIP/2.0 200 OK"; the blank behind the code is wanted, yet its absence hurts nobody (RFC 4475 §3.1.1.13)
  const status = line.startsWith("SIP/2.0 ") ? parseDigits(line.slice(8, 11)) : undefined;
  const isWellFormed =
    status !== undefined && status >= 100 && status <= 699 && (line.length === 11 || line[11] === " ");
  if (!isWellFormed || problem !== undefined || body === undefined) {
    return fail(400, problem?.reason ?? "Malformed Response", undefined);
  }
  return { ok: true, message: new SipResponse(text, status, line.slice(12), headers, body) };
}

function parseRequest(
  line: string,
  { text, problem }: ScannedFields,
  headers: Headers,
  body: string | undefined,
  limits: MessageLimits,
): ParseResult {
  const methodEnd = line.indexOf(" ");
  const uriEnd = line.lastIndexOf(" ");
  const method = line.slice(0, Math.max(methodEnd, 0));
  if (!isToken(method)) return fail(400, "Malformed Request-Line", undefined);
  const uri = methodEnd === uriEnd ? "" : line.slice(methodEnd + 1, uriEnd);
  const request = new SipRequest(text, method, uri, headers, body ?? "");
  if (!line.endsWith(" SIP/2.0")) {
    const version = line.slice(uriEnd + 1).toUpperCase();
    // §7.1: the version is compared without case; another one is answered with 505 (RFC 4475 §3.1.2.16)
    if (version !== "SIP/2.0") return failVersion(line, version, request);
  }
  if (line.length > limits.fieldOctets) return fail(414, "Request-URI Too Long", request);
  if (uri.length === 0 || holdsDelimiters(uri)) return fail(400, "Malformed Request-URI", request);
  if (problem !== undefined) return fail(problem.status, problem.reason, request);
  if (body === undefined) return fail(400, "Bad Content-Length", request);
  return { ok: true, message: request };
}

function failVersion(line: string, version: string, request: SipRequest): ParseFailure {
  if (/^SIP\/\d+\.\d+$/.test(version)) return fail(505, "Version Not Supported", request);
  // a broken Request-Line that still means SIP can be answered (RFC 4475 §3.1.2.8 to 10)
  const isSip = line.toUpperCase().includes("SIP/");
  return fail(400, "Malformed Request-Line", isSip ? request : undefined);
}
