import { unfold } from "./grammar.js";
import type { HeaderField } from "./result.js";

/**
 * One header field line with its CRLF (RFC 3261 §7.3). What callers put in may come from a peer or a store: a CR or an LF
 * in it becomes a space here, so that no value can begin another field or end the header part.
 */
export function writeField(name: string, value: string): string {
  return `${onOneLine(`${name}: ${value}`)}\r\n`;
}

/** The lines of some header fields; `""` for none. */
export function writeFields(fields: readonly HeaderField[] | undefined): string {
  let out = "";
  if (fields !== undefined) for (const { name, value } of fields) out += writeField(name, value);
  return out;
}

/** A text without line breaks, for a start line or a header field. */
export function onOneLine(text: string): string {
  return text.includes("\n") || text.includes("\r") ? unfold(text) : text;
}
