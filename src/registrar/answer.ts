import type { Binding } from "../location/binding.js";
import type { SipRequest } from "../message/message.js";
import type { Entropy } from "../port/entropy.js";

/**
 * One Contact line of the 200 (RFC 3261 §10.3 step 8): the URI, the seconds that remain, its preference and parameters.
 * @param extra what extensions add
 */
export function contactLine(binding: Binding, nowMs: number, extra: string): string {
  const expires = Math.ceil((binding.expiresAtMs - nowMs) / 1000);
  const q = binding.qMilli === 1000 ? "" : `;q=${binding.qMilli / 1000}`;
  return `Contact: <${binding.uri}>;expires=${expires}${q}${binding.params}${extra}\r\n`;
}

/** Writes the Date line (§20.17), formatted once a second. */
export function dateWriter(): (nowMs: number) => string {
  let second = -1;
  let line = "";
  return (nowMs) => {
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      line = `Date: ${new Date(now * 1000).toUTCString()}\r\n`;
    }
    return line;
  };
}

/**
 * Makes To tags (§19.3) that are the same for a request and its retransmission (§17.2.2 has the answer sent again) although
 * nothing is kept of either: a hash of what names the transaction, salted anew by every registrar.
 */
export function tagWriter(entropy: Entropy): (request: SipRequest) => string {
  const saltA = Number.parseInt(entropy.hex(4), 16) | 0;
  const saltB = Number.parseInt(entropy.hex(4), 16) | 0;
  return (request) => {
    const { callId, via, cseq } = request;
    let a = saltA ^ (cseq?.sequence ?? 0);
    let b = saltB;
    for (let i = 0; i < callId.length; i++) {
      const code = callId.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b + code, 0x85ebca6b);
    }
    const branch = via?.paramText ?? "";
    for (let i = 0; i < branch.length; i++) {
      const code = branch.charCodeAt(i);
      a = Math.imul(a ^ code, 0x01000193);
      b = Math.imul(b + code, 0x85ebca6b);
    }
    b ^= a >>> 15;
    return (a >>> 0).toString(36) + (b >>> 0).toString(36);
  };
}
