import { type SipRequest, SipResponse } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";

/** Lines as a message: joined by CRLF, with the empty line and no body. */
export function lines(...all: readonly string[]): string {
  return `${all.join("\r\n")}\r\n\r\n`;
}

/** Parses what must be a request. */
export function requestOf(text: string): SipRequest {
  const parsed = parseMessage(text);
  if (!parsed.ok) throw new Error(`no request: ${parsed.reason}`);
  if (parsed.message.kind !== "request") throw new Error("a response");
  return parsed.message;
}

/** Parses what must be a response. */
export function responseOf(text: string): SipResponse {
  const parsed = parseMessage(text);
  if (!parsed.ok) throw new Error(`no response: ${parsed.reason}`);
  if (!(parsed.message instanceof SipResponse)) throw new Error("a request");
  return parsed.message;
}
