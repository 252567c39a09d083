import type { SipRequest } from "./message.js";
import type { HeaderField } from "./result.js";
import { stampVia } from "./via.js";

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
  const { headers } = request;
  let out = `SIP/2.0 ${parts.status} ${parts.reason ?? reasonPhrase(parts.status)}\r\n`;
  out += viaLines(request, source);
  const from = headers.get("from");
  if (from !== undefined) out += `From: ${from}\r\n`;
  const to = headers.get("to");
  if (to !== undefined) {
    const tag =
      parts.status === 100 || request.to === undefined || request.toTag !== undefined
        ? ""
        : `;tag=${parts.toTag}`;
    out += `To: ${to}${tag}\r\n`;
  }
  const callId = headers.get("call-id");
  if (callId !== undefined) out += `Call-ID: ${callId}\r\n`;
  const cseq = headers.get("cseq");
  if (cseq !== undefined) out += `CSeq: ${cseq}\r\n`;
  if (parts.status === 100) {
    const timestamp = headers.get("timestamp");
    if (timestamp !== undefined) out += `Timestamp: ${timestamp}\r\n`;
  }
  if (parts.headers !== undefined)
    for (const { name, value } of parts.headers) out += `${name}: ${value}\r\n`;
  if (parts.lines !== undefined) out += parts.lines;
  const body = parts.body ?? "";
  return `${out}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Every Via of the request in order, the topmost stamped with where it came from (§18.2.1). */
function viaLines(request: SipRequest, source: Source): string {
  const { headers, via } = request;
  let out = "";
  let first = true;
  for (let i = headers.indexOf("via"); i >= 0; i = headers.indexOf("via", i + 1)) {
    let value = headers.valueAt(i);
    if (first && via !== undefined) {
      // the topmost value may share its line with others
      const rest = value.slice(via.sentText.length + via.paramText.length);
      value = stampVia(via, source.address, source.port) + rest;
    }
    first = false;
    out += `Via: ${value}\r\n`;
  }
  return out;
}

const PHRASES: Readonly<Record<number, string>> = {
  100: "Trying",
  180: "Ringing",
  181: "Call Is Being Forwarded",
  183: "Session Progress",
  200: "OK",
  202: "Accepted",
  300: "Multiple Choices",
  302: "Moved Temporarily",
  305: "Use Proxy",
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  407: "Proxy Authentication Required",
  408: "Request Timeout",
  410: "Gone",
  413: "Request Entity Too Large",
  414: "Request-URI Too Long",
  416: "Unsupported URI Scheme",
  420: "Bad Extension",
  421: "Extension Required",
  423: "Interval Too Brief",
  430: "Flow Failed",
  439: "First Hop Lacks Outbound Support",
  440: "Max-Breadth Exceeded",
  480: "Temporarily Unavailable",
  481: "Call/Transaction Does Not Exist",
  482: "Loop Detected",
  483: "Too Many Hops",
  484: "Address Incomplete",
  486: "Busy Here",
  487: "Request Terminated",
  500: "Server Internal Error",
  501: "Not Implemented",
  502: "Bad Gateway",
  503: "Service Unavailable",
  504: "Server Time-out",
  505: "Version Not Supported",
  513: "Message Too Large",
  600: "Busy Everywhere",
  603: "Decline",
  604: "Does Not Exist Anywhere",
};

/** The reason phrase that RFC 3261 §21 and its extensions give a status. */
export function reasonPhrase(status: number): string {
  return PHRASES[status] ?? (status < 200 ? "Trying" : status < 300 ? "OK" : "Error");
}
