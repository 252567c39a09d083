import type { Binding } from "../location/binding.js";
import { writeQ } from "../message/contact.js";
import type { SipRequest } from "../message/message.js";
import { MAGIC_COOKIE } from "../message/via.js";
import type { Entropy } from "../port/entropy.js";

/**
 * One Contact line of the 200 (RFC 3261 §10.3 step 8): the URI, the seconds that remain, its preference and parameters.
 * @param extra parameters that extensions add
 */
export function contactLine(binding: Binding, nowMs: number, extra: string): string {
  const expires = Math.ceil((binding.expiresAtMs - nowMs) / 1000);
  const q = binding.qMilli === 1000 ? "" : `;q=${writeQ(binding.qMilli)}`;
  return `Contact: <${binding.uri}>;expires=${expires}${q}${binding.params}${extra}\r\n`;
}

/** What a tag is written in (§25.1 token): five bits a character. */
const DIGITS = Uint8Array.from("abcdefghijklmnopqrstuvwxyz234567", (char) => char.charCodeAt(0));

/**
 * Makes To tags (§19.3) that are the same for a request and its retransmission, whose answer is to be the same (§17.2.2),
 * although nothing is kept of either: a hash of what names the transaction, salted anew by every registrar.
 */
export function tagWriter(entropy: Entropy): (request: SipRequest) => string {
  const saltA = Number.parseInt(entropy.hex(4), 16) | 0;
  const saltB = Number.parseInt(entropy.hex(4), 16) | 0;
  return ({ callId, via, cseq }) => {
    // §8.1.1.7: the branch names the transaction; that of RFC 2543 does not
    const branch = via?.paramText ?? "";
    const text = branch.includes(MAGIC_COOKIE) ? branch : callId + branch;
    let a = saltA ^ (cseq?.sequence ?? 0);
    let b = saltB;
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b + code, 0x85ebca6b);
    }
    return writeTag(a, b ^ (a >>> 15));
  };
}

/** 64 bits in 13 characters. */
function writeTag(a: number, b: number): string {
  return String.fromCharCode(
    digit(a),
    digit(a >>> 5),
    digit(a >>> 10),
    digit(a >>> 15),
    digit(a >>> 20),
    digit(a >>> 25),
    digit((a >>> 30) | (b << 2)),
    digit(b >>> 3),
    digit(b >>> 8),
    digit(b >>> 13),
    digit(b >>> 18),
    digit(b >>> 23),
    digit(b >>> 28),
  );
}

function digit(bits: number): number {
  return DIGITS[bits & 31]!;
}
