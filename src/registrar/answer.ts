import type { Binding } from "../location/binding.js";
import { writeQ } from "../message/contact.js";
import type { SipRequest } from "../message/message.js";
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

/**
 * Makes To tags (§19.3) that are the same for a request and its retransmission, whose answer is to be the same (§17.2.2),
 * although nothing is kept of either: a hash of what names the transaction, salted anew by every registrar.
 */
export function tagWriter(entropy: Entropy): (request: SipRequest) => string {
  const saltA = Number.parseInt(entropy.hex(4), 16) | 0;
  const saltB = Number.parseInt(entropy.hex(4), 16) | 0;
  return ({ callId, via, cseq }) => {
    let a = saltA ^ (cseq?.sequence ?? 0);
    let b = saltB;
    for (let i = 0; i < callId.length; i++) {
      a = Math.imul(a ^ callId.charCodeAt(i), 0x01000193);
      b = Math.imul(b + callId.charCodeAt(i), 0x85ebca6b);
    }
    const branch = via?.paramText ?? "";
    for (let i = 0; i < branch.length; i++) {
      a = Math.imul(a ^ branch.charCodeAt(i), 0x01000193);
      b = Math.imul(b + branch.charCodeAt(i), 0x85ebca6b);
    }
    b ^= a >>> 15;
    return (a >>> 0).toString(36) + (b >>> 0).toString(36);
  };
}
