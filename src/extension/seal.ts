import type { Hasher } from "../auth/source.js";
import { fromBase64Url, octetsOfHex, toBase64Url } from "./base64url.js";

const NONCE_OCTETS = 12;
/** 80 bits, as the examples of RFC 5626 §5.2 and RFC 5627 §A.2 have it. */
const MAC_OCTETS = 10;
const BLOCK_OCTETS = 32;
/** Texts are padded to a multiple of this, so that their length tells next to nothing. */
const PAD_OCTETS = 64;
const PAD = "\0";

/** Turns texts into tokens that tell nothing and cannot be made or changed by others, and back. Tokens are base64url. */
export interface Sealer {
  /**
   * @param text latin1 without NUL
   * @param nonce 12 octets in hexadecimal, never used before under this key
   */
  seal(text: string, nonce: string): string;
  /** The text; `undefined` for a token that was not sealed with this key. */
  open(token: string): string | undefined;
}

/**
 * Encrypts with HMAC-SHA-256 in counter mode, then authenticates with another HMAC of the same key, told apart by their
 * first octets. There is no block cipher in the inner rooms, and none is needed.
 * @param purpose keeps tokens for one purpose from being taken for those of another
 */
export function createSealer(hasher: Hasher, key: string, purpose: string): Sealer {
  const crypt = (nonce: string, text: string): string => {
    let out = "";
    for (let at = 0; at < text.length; at += BLOCK_OCTETS) {
      const stream = octetsOfHex(hasher.hmac(key, `crypt ${purpose} ${at} ${nonce}`));
      const end = Math.min(at + BLOCK_OCTETS, text.length);
      for (let i = at; i < end; i++)
        out += String.fromCharCode(text.charCodeAt(i) ^ stream.charCodeAt(i - at));
    }
    return out;
  };
  const mac = (sealed: string): string =>
    octetsOfHex(hasher.hmac(key, `mac ${purpose} ${sealed}`).slice(0, MAC_OCTETS * 2));
  return {
    seal(text, nonce) {
      const octets = octetsOfHex(nonce);
      const padded = text.padEnd(Math.ceil((text.length + 1) / PAD_OCTETS) * PAD_OCTETS, PAD);
      const sealed = octets + crypt(octets, padded);
      return toBase64Url(sealed + mac(sealed));
    },
    open(token) {
      const octets = fromBase64Url(token);
      if (octets === undefined || octets.length <= NONCE_OCTETS + MAC_OCTETS) return undefined;
      const sealed = octets.slice(0, -MAC_OCTETS);
      if (!hasher.equal(mac(sealed), octets.slice(-MAC_OCTETS))) return undefined;
      const padded = crypt(sealed.slice(0, NONCE_OCTETS), sealed.slice(NONCE_OCTETS));
      const end = padded.indexOf(PAD);
      return end < 0 ? padded : padded.slice(0, end);
    },
  };
}
