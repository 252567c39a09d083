import { isStartLine } from "../message/framing.js";
import { parseDigits, trim } from "../message/grammar.js";
import { canonicalName } from "../message/header-names.js";

/** Why a WebSocket message is not exactly one SIP message. */
export interface FrameFault {
  /** The header part, or what there is of it. */
  readonly text: string;
  readonly status: number;
  readonly reason: string;
}

/** Keep-alive of RFC 5626 §4.4.1, usable over WebSocket too (RFC 7118 §6). */
export function isKeepAlive(text: string): "ping" | "pong" | undefined {
  if (text === "\r\n\r\n") return "ping";
  return text === "\r\n" || text.length === 0 ? "pong" : undefined;
}

/** RFC 3261 §7.5: empty lines before the start line are ignored. They are no more than what fits into a frame. */
export function withoutLeadingLines(text: string): string {
  let at = 0;
  while (text.startsWith("\r\n", at)) at += 2;
  return at === 0 ? text : text.slice(at);
}

/**
 * Does a WebSocket message hold a whole SIP message and nothing else (RFC 7118 §5)? Content-Length may be missing; then the
 * body ends with the frame. Blank lines behind the body are borne.
 * @returns `undefined` when it does
 */
export function frameFault(text: string): FrameFault | undefined {
  const headerEnd = text.indexOf("\r\n\r\n");
  if (headerEnd < 0) return { text, status: 400, reason: "Half A Message In A Frame" };
  const bodyStart = headerEnd + 4;
  // as on a stream: what means no SIP would vanish behind this
  if (!isStartLine(text.slice(0, text.indexOf("\r\n"))))
    return { text: text.slice(0, bodyStart), status: 400, reason: "Malformed Start Line" };
  const length = statedLength(text, headerEnd + 2);
  // one that is no number is the parser's matter: it ends no connection
  if (length === undefined || bodyStart + length === text.length) return undefined;
  const fault = { text: text.slice(0, bodyStart), status: 400 };
  if (bodyStart + length > text.length) return { ...fault, reason: "Half A Message In A Frame" };
  for (let i = bodyStart + length; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code !== 0x0d && code !== 0x0a) return { ...fault, reason: "More Than One Message In A Frame" };
  }
  return undefined;
}

/** The number of the first Content-Length line before `end`, in either form. */
function statedLength(text: string, end: number): number | undefined {
  for (let line = text.indexOf("\r\n") + 2; line < end; line = text.indexOf("\r\n", line) + 2) {
    const initial = text.charCodeAt(line) | 0x20;
    if (initial !== 0x63 && initial !== 0x6c) continue;
    const colon = text.indexOf(":", line);
    const lineEnd = text.indexOf("\r\n", line);
    if (colon < 0 || colon > lineEnd) continue;
    if (canonicalName(trim(text.slice(line, colon))) === "content-length")
      return parseDigits(trim(text.slice(colon + 1, lineEnd)));
  }
  return undefined;
}
