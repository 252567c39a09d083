import type { SipRequest } from "../message/message.js";
import { branchOf, MAGIC_COOKIE, type Via } from "../message/via.js";

/**
 * What tells server transactions apart (RFC 3261 §17.2.3). `tagged` is set for a request of an RFC 2543 element, whose
 * branch says nothing: there the ACK names the To tag of the response, which the key of its INVITE cannot hold.
 */
export interface ServerKey {
  readonly key: string;
  /** Without the To tag: the key of an RFC 2543 INVITE that had none. */
  readonly untagged: string | null;
}

/**
 * A text that outlives the message it was made of, in one piece of its own. An engine keeps what was put together as its
 * parts, and each part as a place in the whole message, which would stay as long; to look at a character joins them.
 */
export function inOnePiece(text: string): string {
  // no key and no branch begins with NUL, which the engine cannot know
  return text.charCodeAt(0) === 0 ? "" : text;
}

/**
 * The key of the server transaction that a request makes or belongs to.
 * @param method the method of that transaction: INVITE for an ACK or a CANCEL
 */
export function serverKey(request: SipRequest, via: Via, method: string): ServerKey {
  const branch = branchOf(via);
  // RFC 4475 §3.2.1: the cookie alone names nothing
  if (branch?.startsWith(MAGIC_COOKIE) && branch.length > MAGIC_COOKIE.length) {
    return { key: `${branch} ${via.host}:${via.port ?? ""} ${method}`, untagged: null };
  }
  // §17.2.3 for RFC 2543: Request-URI, tags, Call-ID, CSeq number, top Via and method
  const sequence = request.cseq?.sequence ?? "";
  const rest = `${request.uri} ${request.fromTag ?? ""} ${request.callId} ${sequence} ${via.sentText}${via.paramText} ${method}`;
  return { key: `${request.toTag ?? ""} ${rest}`, untagged: ` ${rest}` };
}
