import { parseMessage } from "../../src/message/parse.js";
import { respond } from "../../src/message/respond.js";
import type { Flow, Leg, SendResult } from "../../src/port/leg.js";

/** An OPTIONS as a peer sends it; the top Via is `via`. */
export function options(via: string, callId = "c1", body = ""): string {
  return [
    "OPTIONS sip:example.com SIP/2.0",
    `Via: SIP/2.0/${via};branch=z9hG4bKnashds8`,
    "Max-Forwards: 70",
    "From: <sip:alice@example.com>;tag=1",
    "To: <sip:example.com>",
    `Call-ID: ${callId}`,
    "CSeq: 1 OPTIONS",
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");
}

/** Answers a request through the leg it came over, as the dispatcher does; nothing when it names no way back. */
export function answer(text: string, flow: Flow, leg: Leg, status = 200): SendResult | undefined {
  const parsed = parseMessage(text);
  const request = parsed.ok ? parsed.message : parsed.request;
  if (request?.kind !== "request" || request.via === undefined) return undefined;
  return leg.respond(respond(request, flow, { status, toTag: "t" }), request.via, flow);
}
