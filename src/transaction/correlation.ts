import type { SipMessage, SipResponse } from "../message/message.js";

/**
 * What a response repeats of its request (RFC 3261 §8.2.6.2), as one number of 32 bits: Call-ID, tag of From and sequence
 * number. A number and not the text, which would keep the whole request in memory while a call rings.
 */
export function correlationOf({ callId, fromTag, cseq }: SipMessage): number {
  return hash(`${callId} ${fromTag ?? ""} ${cseq?.sequence ?? ""}`);
}

/**
 * Can a response be one to the request that was sent? It has every mandatory field (§8.2.6.2), and repeats what it must.
 * Via and method of CSeq are what its transaction was found by (§17.1.3).
 * @param correlation of the request; `undefined` when nobody said
 */
export function isSound(response: SipResponse, correlation: number | undefined): boolean {
  if (response.callId === "" || response.from === undefined || response.to === undefined) return false;
  return correlation === undefined || correlationOf(response) === correlation;
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x0100_0193);
  return value;
}
