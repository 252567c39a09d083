import { maxForwards } from "../message/check.js";
import type { SipRequest } from "../message/message.js";

/**
 * The ACK to a non-2xx response (RFC 3261 §17.1.1.3): Request-URI, top Via, Route, From, Call-ID and CSeq number of the
 * INVITE, and the To of the response.
 * @param invite the INVITE as it was sent
 * @param to value of To in the response
 */
export function acknowledge(invite: SipRequest, to: string): string {
  return derived(invite, "ACK", to);
}

/**
 * The CANCEL of an INVITE (§9.1): as the ACK, but with the To of the INVITE.
 * @param reason value of its Reason header field (RFC 3326), if any
 */
export function cancellation(invite: SipRequest, reason: string | undefined): string {
  const more = reason === undefined ? "" : `Reason: ${reason}\r\n`;
  return derived(invite, "CANCEL", invite.headers.get("to") ?? "", more);
}

function derived(invite: SipRequest, method: string, to: string, more = ""): string {
  const { headers } = invite;
  let out = `${method} ${invite.uri} SIP/2.0\r\nVia: ${topVia(invite)}\r\n`;
  for (let i = headers.indexOf("route"); i >= 0; i = headers.indexOf("route", i + 1))
    out += `Route: ${headers.valueAt(i)}\r\n`;
  out += `Max-Forwards: ${maxForwards(invite) ?? 70}\r\n`;
  out += `From: ${headers.get("from") ?? ""}\r\nTo: ${to}\r\n`;
  out += `Call-ID: ${invite.callId}\r\nCSeq: ${invite.cseq?.sequence ?? 0} ${method}\r\n`;
  return `${out}${more}Content-Length: 0\r\n\r\n`;
}

function topVia(request: SipRequest): string {
  const { via } = request;
  return via === undefined ? "" : via.sentText + via.paramText;
}
