import { aorOf } from "../location/aor.js";
import type { SipRequest } from "../message/message.js";
import type { NameAddr } from "../message/name-addr.js";
import type { SipUri } from "../message/uri.js";
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
  /** Token of the flow that leads to it; `uri:host:port` where no more is known than the next hop on the way. */
  readonly flow: string;
  /** Host of the proxy it is reached through, as its Path or the operator names that; `""` without one. */
  readonly edge: string;
}

const LOCAL = 1;
const NAT = 2;
const CALLER = 4;
const FLAGS = "abcdefgh";
/** Every user part of ours begins so. */
const MARK = "rr-";
/** Between flow and edge: neither holds it. */
const EDGE = "!";
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
    const text = MARK + flags + toUserPart(side.edge === "" ? side.flow : side.flow + EDGE + side.edge);
    return text + this.#mac(text, dialog);
  }

  /** @returns "forged" for what looks like ours and was not signed for this dialog, `undefined` for any other user part */
  read(user: string, dialog: string): Side | "forged" | undefined {
    if (!isMarked(user)) return undefined;
    const end = user.length - MAC_DIGITS;
    const flags = FLAGS.indexOf(user.charAt(MARK.length));
    if (end <= MARK.length || flags < 0) return "forged";
    const text = user.slice(0, end);
    if (this.#mac(text, dialog) !== user.slice(end)) return "forged";
    const way = fromUserPart(text.slice(MARK.length + 1));
    const role = (flags & CALLER) === 0 ? "callee" : "caller";
    const at = way.indexOf(EDGE);
    const flow = at < 0 ? way : way.slice(0, at);
    const edge = at < 0 ? "" : way.slice(at + EDGE.length);
    return { role, local: (flags & LOCAL) !== 0, nat: (flags & NAT) !== 0, flow, edge };
  }

  #mac(text: string, dialog: string): string {
    return sipHash(this.#key, `${text} ${dialog}`);
  }
}

/** Does a user part look like one of ours? */
export function isMarked(user: string): boolean {
  return user.startsWith(MARK);
}

/**
 * What all requests of a dialog have in common (RFC 3261 §12): its Call-ID, the tag of its caller, and the URIs of both
 * (§12.2.1.1: From and To keep them), which stand in From and To when the caller sends and the other way round when the
 * callee does. So nobody can send under another name along a route that was given to it.
 * @returns the key of the dialog when the sender is its caller, and when it is its callee
 */
export function dialogKeys(request: SipRequest): { asCaller: string; asCallee: string } {
  const { callId, fromTag, toTag } = request;
  const [from, to] = [partyOf(request.from), partyOf(request.to)];
  return {
    asCaller: `${callId}\n${fromTag ?? ""}\n${from}\n${to}`,
    asCallee: `${callId}\n${toTag ?? ""}\n${to}\n${from}`,
  };
}

/** The address-of-record in From or To, so that parameters and spelling do not count; a URI of another scheme as it stands. */
function partyOf(address: NameAddr | undefined): string {
  if (address === undefined) return "";
  return address.sipUri === undefined ? address.uri : aorOf(address.sipUri);
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

/** What a side remembers that is reached through another proxy: the host and port of its next hop. */
export function uriFlow(uri: SipUri): string {
  return `uri:${uri.host}:${uri.port ?? ""}`;
}
