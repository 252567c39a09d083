import type { Headers } from "../../src/message/headers.js";
import type { SipRequest, SipResponse } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";

/** The header field lines of a sound REGISTER; a test puts its own in their place by name. */
const FIELDS: Readonly<Record<string, string>> = {
  Via: "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1",
  "Max-Forwards": "70",
  From: "<sip:alice@example.com>;tag=f1",
  To: "<sip:alice@example.com>",
  "Call-ID": "c1@192.0.2.1",
  CSeq: "1 REGISTER",
};

/** What a test's request has instead of the sound one's; a field that is `null` is left out, a list is one line each. */
export interface RequestTraits {
  readonly line?: string;
  readonly fields?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly body?: string;
}

/** The text of a request that is sound but for its traits. */
export function requestText({
  line = "REGISTER sip:example.com SIP/2.0",
  fields = {},
  body = "",
}: RequestTraits = {}): string {
  const all = { ...FIELDS, "Content-Length": String(body.length), ...fields };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}`),
  );
  return [line, ...lines, "", body].join("\r\n");
}

/** The parsed request; a text that is none fails the test. */
export function request(traits: RequestTraits | string = {}): SipRequest {
  const text = typeof traits === "string" ? traits : requestText(traits);
  const parsed = parseMessage(text);
  if (!parsed.ok) throw new Error(`${parsed.status} ${parsed.reason}`);
  if (parsed.message.kind !== "request") throw new Error("a response");
  return parsed.message;
}

/** The parsed response; a text that is none fails the test. */
export function response(text: string): SipResponse {
  const parsed = parseMessage(text);
  if (!parsed.ok) throw new Error(`${parsed.status} ${parsed.reason}`);
  if (parsed.message.kind !== "response") throw new Error("a request");
  return parsed.message;
}

/** The header fields of these lines. */
export function headers(...lines: readonly string[]): Headers {
  return request(`OPTIONS sip:a SIP/2.0\r\n${lines.map((line) => `${line}\r\n`).join("")}\r\n`).headers;
}
