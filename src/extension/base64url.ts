/** Base64 with the alphabet that needs no escapes in a URI's user part, without padding (RFC 4648 §5), of octets as latin1 text. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < ALPHABET.length; i++) VALUES[ALPHABET.charCodeAt(i)] = i;

/** @param octets latin1 text, one character an octet */
export function toBase64Url(octets: string): string {
  let out = "";
  for (let i = 0; i < octets.length; i += 3) {
    const left = octets.length - i;
    const a = octets.charCodeAt(i);
    const b = left > 1 ? octets.charCodeAt(i + 1) : 0;
    const c = left > 2 ? octets.charCodeAt(i + 2) : 0;
    out += ALPHABET[a >> 2]! + ALPHABET[((a & 3) << 4) | (b >> 4)]!;
    if (left > 1) out += ALPHABET[((b & 15) << 2) | (c >> 6)]!;
    if (left > 2) out += ALPHABET[c & 63]!;
  }
  return out;
}

/** The octets as latin1 text; `undefined` for what `toBase64Url` does not write. */
export function fromBase64Url(text: string): string | undefined {
  let out = "";
  let bits = 0;
  let held = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? -1;
    if (value < 0) return undefined;
    held = ((held << 6) | value) & 0x3fff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += String.fromCharCode((held >> bits) & 0xff);
    }
  }
  // one text for each octet string: what is left over is less than a character, and zero
  return bits < 6 && (held & ((1 << bits) - 1)) === 0 ? out : undefined;
}

/** Hexadecimal digits as octets in latin1 text. */
export function octetsOfHex(hex: string): string {
  let out = "";
  for (let i = 0; i + 1 < hex.length; i += 2)
    out += String.fromCharCode(Number.parseInt(hex.slice(i, i + 2), 16));
  return out;
}
