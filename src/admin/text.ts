import { utf8Octets } from "../auth/digest.js";
import { aorOf } from "../location/aor.js";
import { parseSipUri } from "../message/uri.js";

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true });
const ONLY_ASCII = /^[\x20-\x7e]*$/;

/** Text of the wire (latin1, an octet a character) as people read it: UTF-8 where it is that. */
export function shown(wire: string): string {
  if (ONLY_ASCII.test(wire)) return wire;
  try {
    return STRICT_UTF8.decode(Buffer.from(wire, "latin1"));
  } catch {
    return wire;
  }
}

/** C0, DEL, C1 and the marks that turn the direction of text. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** Text with its controls written out (`\u001b`): what a phone says must not steer a terminal or deceive its reader. */
export function printable(text: string): string {
  return text.replace(CONTROLS, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** JSON of a value that is safe to print: controls stand in it as escapes alone. */
export function printableJson(value: unknown, indent = 0): string {
  const json = JSON.stringify(value, null, indent);
  return indent === 0 ? printable(json) : json.split("\n").map(printable).join("\n");
}

/**
 * The key of an address-of-record as people write it: `alice@example.com`, `sip:alice@example.com`, `example.com`.
 * @returns `undefined` when it is none
 */
export function typedAor(text: string): string | undefined {
  const wire = utf8Octets(text.trim());
  const uri = parseSipUri(/^sips?:/i.test(wire) ? wire : `sip:${wire}`);
  return uri === undefined || uri.password !== null || uri.headers !== null ? undefined : aorOf(uri);
}
