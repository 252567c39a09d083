import type { SipRequest } from "../message/message.js";
import { parseNameAddr } from "../message/name-addr.js";
import { hasParam } from "../message/params.js";
import type { Flow } from "../port/leg.js";
import type { Identity } from "../port/receiver.js";
import { type Side, uriFlow } from "./side.js";

/** Methods that make no dialog, or stay in one: Record-Route would be of no use in them. Unknown ones get it (§16.6 step 4). */
const WITHOUT_RECORD_ROUTE: ReadonlySet<string> = new Set(
  "ACK BYE CANCEL INFO MESSAGE OPTIONS PRACK PUBLISH REGISTER UPDATE".split(" "),
);

/** May this request make a dialog (RFC 3261 §16.6 step 4)? A NOTIFY may although it has a To tag (RFC 6665 §4.4.1). */
export function makesDialog(request: SipRequest): boolean {
  if (WITHOUT_RECORD_ROUTE.has(request.method)) return false;
  return request.method === "NOTIFY" || request.toTag === undefined;
}

/**
 * The side that a dialog-making request comes from, as later requests towards it will find it: a phone that speaks to us
 * itself by the flow it uses, one behind another proxy by that proxy's Record-Route or its own Contact.
 */
export function callerSide(request: SipRequest, from: Flow, identity: Identity | undefined): Side {
  const local = identity !== undefined;
  const contact = request.headers.get("contact") ?? "";
  const first = request.headers.get("record-route");
  if (first !== undefined || !isFirstHop(request)) {
    const next = parseNameAddr(request.headers.list("record-route")?.[0] ?? contact)?.sipUri;
    return { role: "caller", local, nat: false, flow: next === undefined ? "" : uriFlow(next), edge: "" };
  }
  const nat = from.isConnection || asksForFlow(contact) || !namesAddress(contact, from);
  return { role: "caller", local, nat, flow: from.token, edge: "" };
}

/** RFC 5626 §4.3, §5.3: a Contact with `ob` asks for later requests of the dialog over the flow of this one. */
function asksForFlow(contact: string): boolean {
  if (!contact.includes(";ob")) return false;
  const uri = parseNameAddr(contact)?.sipUri;
  return uri !== undefined && hasParam(uri.params, "ob");
}

/** One Via: no other proxy between. */
function isFirstHop({ headers }: SipRequest): boolean {
  return headers.count("via") === 1 && headers.list("via")?.length === 1;
}

/** Does a Contact hold the very address and port that its request came from? */
function namesAddress(contact: string, { address, port }: Flow): boolean {
  const host = address.includes(":") ? `[${address}]` : address;
  if (contact.includes(`${host}:${port}`)) return true;
  if (port !== 5060 || !contact.includes(host)) return false;
  const uri = parseNameAddr(contact)?.sipUri;
  return uri !== undefined && uri.host === host && uri.port === null;
}
