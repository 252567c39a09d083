import { indexOutside } from "./grammar.js";
import type { SipRequest } from "./message.js";
import type { HeaderField } from "./result.js";
import { salvageVia, stampVia, type Via } from "./via.js";
import { onOneLine, writeFields } from "./write.js";

/** Where a request came from: the source address without brackets, and port. */
export interface Source {
  readonly address: string;
  readonly port: number;
}

/** Parts of a response that are not copied from the request. */
export interface ResponseParts {
  readonly status: number;
  /** Reason phrase; the standard one for the status when not given. */
  readonly reason?: string;
  /** Tag for To when the request has none; responses above 100 must carry one (§8.2.6.2). */
  readonly toTag: string;
  readonly headers?: readonly HeaderField[];
  /** Header fields already written, each with its CRLF, behind `headers`: for answers that are made many times a second. */
  readonly lines?: string;
  readonly body?: string;
}

/**
 * A response to a request as text (RFC 3261 §8.2.6): Via with received and rport, From, To, Call-ID and CSeq from the
 * request, Timestamp in a 100, then the given header fields and Content-Length.
 */
export function respond(request: SipRequest, source: Source, parts: ResponseParts): string {
  const { status, body = "" } = parts;
  const reason = parts.reason === undefined ? reasonPhrase(status) : onOneLine(parts.reason);
  let out = `SIP/2.0 ${status} ${reason}\r\n${viaLines(request, source)}`;
  out += copied(request, "from", "From: ");
  out += toLine(request, parts);
  out += copied(request, "call-id", "Call-ID: ");
  out += copied(request, "cseq", "CSeq: ");
  if (status === 100) out += copied(request, "timestamp", "Timestamp: ");
  out += writeFields(parts.headers);
  if (parts.lines !== undefined) out += parts.lines;
  return `${out}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** The first field of a name as the request has it; `""` when it has none. Values come on one line. */
function copied(request: SipRequest, name: string, label: string): string {
  const value = request.headers.get(name);
  return value === undefined ? "" : `${label}${value}\r\n`;
}

function toLine(request: SipRequest, { status, toTag }: ResponseParts): string {
  const to = request.headers.get("to");
  if (to === undefined) return "";
  // a tag in a To that cannot be read is looked for all the same, so that none gets two
  const hasTag = request.to === undefined ? /;\s*tag\s*=/i.test(to) : request.toTag !== undefined;
  return status === 100 || hasTag ? `To: ${to}\r\n` : `To: ${to};tag=${toTag}\r\n`;
}

/** Every Via of the request in order, the topmost stamped with where it came from (§18.2.1). */
function viaLines(request: SipRequest, source: Source): string {
  const { headers, via } = request;
  const first = headers.indexOf("via");
  let out = "";
  for (let i = first; i >= 0; i = headers.indexOf("via", i + 1)) {
    const value = headers.valueAt(i);
    out +=
      i === first && via !== undefined
        ? `Via: ${stampVia(via, source.address, source.port)}${behindFirst(value)}\r\n`
        : `Via: ${value}\r\n`;
  }
  return out;
}

/**
 * The Via by which an answer to a request finds its way: the topmost, or what can be made out of a malformed one.
 * @returns `undefined` when there is no telling
 */
export function answerVia(request: SipRequest): Via | undefined {
  if (request.via !== undefined) return request.via;
  const line = request.headers.get("via");
  if (line === undefined) return undefined;
  const comma = indexOutside(line, 0x2c, 0);
  return salvageVia(comma < 0 ? line : line.slice(0, comma));
}

/** What shares the line with the first element of a list, from its comma. */
function behindFirst(value: string): string {
  if (!value.includes(",")) return "";
  const comma = indexOutside(value, 0x2c, 0);
  return comma < 0 ? "" : value.slice(comma);
}

const PHRASES: Readonly<Record<number, string>> = {
  100: "Trying",
  180: "Ringing",
  181: "Call Is Being Forwarded",
  182: "Queued",
  183: "Session Progress",
  200: "OK",
  202: "Accepted",
  204: "No Notification",
  300: "Multiple Choices",
  301: "Moved Permanently",
  302: "Moved Temporarily",
  305: "Use Proxy",
  380: "Alternative Service",
  400: "Bad Request",
  401: "Unauthorized",
  402: "Payment Required",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  410: "Gone",
  412: "Conditional Request Failed",
  413: "Request Entity Too Large",
  414: "Request-URI Too Long",
  415: "Unsupported Media Type",
  416: "Unsupported URI Scheme",
  420: "Bad Extension",
  421: "Extension Required",
  422: "Session Interval Too Small",
  423: "Interval Too Brief",
  428: "Use Identity Header",
  429: "Provide Referrer Identity",
  430: "Flow Failed",
  439: "First Hop Lacks Outbound Support",
  440: "Max-Breadth Exceeded",
  480: "Temporarily Unavailable",
  481: "Call/Transaction Does Not Exist",
  482: "Loop Detected",
  483: "Too Many Hops",
  484: "Address Incomplete",
  485: "Ambiguous",
  486: "Busy Here",
  487: "Request Terminated",
  488: "Not Acceptable Here",
  489: "Bad Event",
  491: "Request Pending",
  493: "Undecipherable",
  494: "Security Agreement Required",
  500: "Server Internal Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Server Time-out",
  505: "Version Not Supported",
  513: "Message Too Large",
  555: "Push Notification Service Not Supported",
  600: "Busy Everywhere",
  603: "Decline",
  604: "Does Not Exist Anywhere",
  606: "Not Acceptable",
};

/** The reason phrase that RFC 3261 §21 and its extensions give a status. */
export function reasonPhrase(status: number): string {
  return PHRASES[status] ?? (status < 200 ? "Trying" : status < 300 ? "OK" : "Error");
}
