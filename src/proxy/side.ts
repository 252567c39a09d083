import type { SipRequest } from "../message/message.js";
import { type SipHashKey, sipHash } from "./siphash.js";

/**
 * One side of a dialog, as the user part of our Record-Route URI towards it remembers it (RFC 3261 §16.6 step 4, RFC 5626
 * §5.3): requests through that URI go to this side. Signed together with {@link dialogKeys}, it serves in no other dialog.
 */
export interface Side {
  /** Requests go from the one to the other, never back to where they came from. */
  readonly role: "caller" | "callee";
  /** Is it one of our own users: registered here, or identified when it called? */
  readonly local: boolean;
  /** Is it behind a NAT, so that only its flow reaches it, whatever its Contact says? */
  readonly nat: boolean;
  /** Token of the flow that leads to it. */
  readonly flow: string;
}

const LOCAL = 1;
const NAT = 2;
const CALLER = 4;
const FLAGS = "abcdefgh";
/** Every user part of ours begins so. */
const MARK = "rr-";
const MAC_DIGITS = 16;

/** Writes and reads the user parts of Record-Route URIs. */
export class Sides {
  readonly #key: SipHashKey;

  constructor(key: SipHashKey) {
    this.#key = key;
  }

  /** The user part that stands for a side in one dialog, or the dialogs of one forked request: see {@link dialogKeys}. */
  write(side: Side, dialog: string): string {
    const role = side.role === "caller" ? CALLER : 0;
    const flags = FLAGS[role + (side.local ? LOCAL : 0) + (side.nat ? NAT : 0)]!;
    const text = MARK + flags + toUserPart(side.flow);
    return text + this.#mac(text, dialog);
  }

  /** @returns "forged" for what looks like ours and was not signed for this dialog, `undefined` for any other user part */
  read(user: string, dialog: string): Side | "forged" | undefined {
    if (!user.startsWith(MARK)) return undefined;
    const end = user.length - MAC_DIGITS;
    const flags = FLAGS.indexOf(user.charAt(MARK.length));
    if (end <= MARK.length || flags < 0) return "forged";
    const text = user.slice(0, end);
    if (this.#mac(text, dialog) !== user.slice(end)) return "forged";
    const flow = fromUserPart(text.slice(MARK.length + 1));
    const role = (flags & CALLER) === 0 ? "callee" : "caller";
    return { role, local: (flags & LOCAL) !== 0, nat: (flags & NAT) !== 0, flow };
  }

  #mac(text: string, dialog: string): string {
    return sipHash(this.#key, `${text} ${dialog}`);
  }
}

/**
 * What all requests of a dialog have in common (RFC 3261 §12): its Call-ID and the tag of its caller, which stands in From
 * when the caller sends and in To when the callee does.
 * @returns the key of the dialog when the sender is its caller, and when it is its callee
 */
export function dialogKeys({ callId, fromTag, toTag }: SipRequest): { asCaller: string; asCallee: string } {
  return { asCaller: `${callId} ${fromTag ?? ""}`, asCallee: `${callId} ${toTag ?? ""}` };
}

/**
 * What flow tokens hold and a user part may not (§25.1): colons, the percent sign in the zone of an address, the brackets
 * of an IPv6 host.
 */
function toUserPart(token: string): string {
  const plain = token.replaceAll(":", "+");
  if (!plain.includes("%") && !plain.includes("[")) return plain;
  return plain.replaceAll("%", "~").replaceAll("[", "(").replaceAll("]", ")");
}

function fromUserPart(text: string): string {
  const plain = text.replaceAll("+", ":");
  if (!plain.includes("~") && !plain.includes("(")) return plain;
  return plain.replaceAll("~", "%").replaceAll("(", "[").replaceAll(")", "]");
}

/** Address and port that a UDP flow token names (`udp:address:port`); `undefined` for the token of a connection. */
export function udpPeer(token: string): { readonly address: string; readonly port: number } | undefined {
  if (!token.startsWith("udp:")) return undefined;
  const colon = token.lastIndexOf(":");
  const port = Number(token.slice(colon + 1));
  return colon > 4 && Number.isInteger(port) ? { address: token.slice(4, colon), port } : undefined;
}
