import type { SipMessage } from "./message.js";
import type { HeaderField } from "./result.js";

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
  const { headers } = message;
  let out =
    message.kind === "request"
      ? `${message.method} ${difference.uri ?? message.uri} SIP/2.0\r\n`
      : `SIP/2.0 ${message.status} ${message.reason}\r\n`;
  if (difference.prepend !== undefined)
    for (const { name, value } of difference.prepend) out += `${name}: ${value}\r\n`;
  for (let i = 0; i < headers.length; i++) {
    const name = headers.nameAt(i);
    if (name === "content-length" || difference.remove?.includes(name)) continue;
    out += `${headers.lineAt(i)}\r\n`;
  }
  if (difference.append !== undefined)
    for (const { name, value } of difference.append) out += `${name}: ${value}\r\n`;
  return `${out}Content-Length: ${message.body.length}\r\n\r\n${message.body}`;
}
