import type { SipMessage } from "./message.js";
import type { HeaderField } from "./result.js";
import { onOneLine, writeFields } from "./write.js";

/** How a copy differs from a message. */
export interface Difference {
  /** Another Request-URI; ignored for a response. */
  readonly uri?: string;
  /** Canonical names whose lines all go. */
  readonly remove?: readonly string[];
  /** Written in front of everything that stays. */
  readonly prepend?: readonly HeaderField[];
  /** Written behind everything that stays. */
  readonly append?: readonly HeaderField[];
}

/**
 * The text of a message with a difference: the start line, then what is put in front, what stays exactly as it came
 * (folds and spelling included), what is put behind, a Content-Length that is true, and the body.
 */
export function edit(message: SipMessage, difference: Difference): string {
  const { headers, body } = message;
  const { remove } = difference;
  const startLine =
    message.kind === "request"
      ? `${message.method} ${difference.uri ?? message.uri} SIP/2.0`
      : `SIP/2.0 ${message.status} ${message.reason}`;
  let out = `${onOneLine(startLine)}\r\n${writeFields(difference.prepend)}`;
  for (let i = 0; i < headers.length; i++) {
    const name = headers.nameAt(i);
    if (name === "content-length" || remove?.includes(name)) continue;
    out += `${headers.lineAt(i)}\r\n`;
  }
  out += writeFields(difference.append);
  return `${out}Content-Length: ${body.length}\r\n\r\n${body}`;
}
