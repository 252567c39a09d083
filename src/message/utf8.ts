/**
 * Between the latin1 texts inside, one character an octet, and the text that people read and type. Messages carry UTF-8
 * (RFC 3261 §7, §25.1 TEXT-UTF8) from end to end untouched; only what is shown or comes from a person goes through here.
 */

/** What octets in UTF-8 say. Octets that are no UTF-8 are shown one by one, as latin1. */
export function decodeUtf8(octets: string): string {
  if (isAscii(octets)) return octets;
  let escaped = "";
  for (let i = 0; i < octets.length; i++) {
    escaped += `%${(octets.charCodeAt(i) & 0xff).toString(16).padStart(2, "0")}`;
  }
  try {
    return decodeURIComponent(escaped);
  } catch {
    return octets;
  }
}

/** The octets of a text in UTF-8; half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): string {
  if (isAscii(text)) return text;
  let octets = "";
  for (const char of text) {
    const point = char.codePointAt(0)!;
    octets += octetsOf(point >= 0xd800 && point <= 0xdfff ? 0xfffd : point);
  }
  return octets;
}

function octetsOf(point: number): string {
  if (point < 0x80) return String.fromCharCode(point);
  const last = 0x80 | (point & 0x3f);
  if (point < 0x800) return String.fromCharCode(0xc0 | (point >> 6), last);
  const third = 0x80 | ((point >> 6) & 0x3f);
  if (point < 0x10000) return String.fromCharCode(0xe0 | (point >> 12), third, last);
  return String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), third, last);
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return false;
  return true;
}
