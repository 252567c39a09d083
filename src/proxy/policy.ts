import type { SipRequest } from "../message/message.js";
import { param } from "../message/params.js";
import { ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { Flow } from "../port/leg.js";
import type { Identity } from "../port/receiver.js";
import type { Destination } from "./destination.js";
import { type Hop, hostOf, transportOf } from "./hop.js";
import type { Outgoing } from "./outgoing.js";
import type { Routing } from "./route.js";
import type { Self } from "./self.js";
import { type Side, udpPeer } from "./side.js";

/** What is to be done with a request. */
export type Verdict =
  /** It goes to one place that its route or Request-URI names. */
  | { readonly kind: "there"; readonly destination: Destination }
  /** Its Request-URI is one of our users. */
  | { readonly kind: "location"; readonly uri: SipUri }
  /** It is for this server itself, not for its proxy. */
  | { readonly kind: "self" };

/** What a decision is made with. */
export interface Grounds {
  readonly from: Flow;
  readonly identity: Identity | undefined;
  readonly self: Self;
  readonly outgoing: Outgoing;
}

const RELAYING_DENIED = reject(403, "Relaying Denied");

/**
 * Decides where a request may go (RFC 3261 §16.5): in-dialog requests to the side that our own Record-Route remembers,
 * requests for our domains to the location service, and anything else only for those who proved who they are. So nobody
 * is relayed for a stranger, whether by Request-URI, Route or maddr.
 */
export function decide(routing: Routing, { from, identity, self, outgoing }: Grounds): Result<Verdict> {
  const { uri, sipUri, nextRoute, destination, opened } = routing;
  const next = nextRoute ?? sipUri;
  const toNext: Hop = { kind: "uri", uri: next };
  // one half of our Record-Route alone says nothing of who may send where
  const source = destination === undefined ? undefined : routing.source?.side;
  const isSource = source?.flow === from.token;
  const trusted = identity !== undefined || (isSource && source?.local === true);
  if (opened !== undefined) {
    const hop: Hop = opened.flow.isConnection
      ? { kind: "connection", token: opened.flow.token }
      : { kind: "udp", peer: opened.flow };
    return there({ uri, path: NO_PATH, hop, local: true, nat: true });
  }
  if (destination !== undefined) {
    if (source?.role === destination.side.role) return RELAYING_DENIED;
    const hop = hopOfSide(destination.side, next, { trusted, isSource }, toNext);
    if (hop === undefined) return RELAYING_DENIED;
    const { local, nat } = destination.side;
    if (hop === toNext && !local) return there(outgoing.destination(uri, next));
    return there({ uri, path: NO_PATH, hop, local, nat });
  }
  const elsewhere =
    nextRoute !== undefined || param(sipUri.params, "maddr") !== undefined || !self.speaksFor(sipUri);
  if (!elsewhere) return ok(sipUri.user === null ? { kind: "self" } : { kind: "location", uri: sipUri });
  if (!trusted) return RELAYING_DENIED;
  return there(outgoing.destination(uri, next));
}

const NO_PATH: readonly string[] = [];

function there(destination: Destination): Result<Verdict> {
  return ok({ kind: "there", destination });
}

/** Does this flow belong to a side of a dialog? */
function cameFrom({ flow }: Side, from: Flow): boolean {
  if (flow === from.token) return true;
  // a NAT may give a phone another port from one request to the next
  return !from.isConnection && udpPeer(flow)?.address === from.address;
}

/**
 * Is this a request within a dialog that was made through here, from one of its sides to the other: with a To tag, along
 * both of our Record-Route URIs, signed for this dialog, from the flow that the first remembers of its sender, and to where
 * it may go whoever sends it? A side behind another proxy has no flow that could be told apart.
 */
export function isWithinDialog(request: SipRequest, routing: Routing, grounds: Grounds): boolean {
  const { source, destination } = routing;
  if (request.toTag === undefined || source === undefined || destination === undefined) return false;
  const { flow } = source.side;
  const isKnown = flow === "" || flow.startsWith("uri:") || cameFrom(source.side, grounds.from);
  return isKnown && decide(routing, { ...grounds, identity: undefined }).ok;
}

/** What is known of the sender of a request that goes to a side of its dialog. */
interface Sender {
  /** Is it one of our own users, by credentials or by the very flow of its side? */
  readonly trusted: boolean;
  /** Did the request come over the very flow of a side of the dialog? */
  readonly isSource: boolean;
}

/**
 * The way to a side of a dialog: its connection; its UDP address, unless its Contact has moved and somebody we trust says
 * so (§12.2.1.1, a target refresh); or by URI, where that is all we know of it. To another port of the same address the other
 * side may follow, whoever it is. A stranger can have us remember any URI for its own side, so that only the
 * other side may use it.
 */
function hopOfSide(side: Side, next: SipUri, { trusted, isSource }: Sender, toNext: Hop): Hop | undefined {
  const { flow } = side;
  if (trusted && (flow === "" || flow.startsWith("uri:"))) return toNext;
  if (flow.startsWith("uri:")) return (side.local || isSource) && flow === uriFlow(next) ? toNext : undefined;
  if (flow === "") return undefined;
  const peer = udpPeer(flow);
  if (peer === undefined) return { kind: "connection", token: flow };
  const moved = bareHost(next.host) !== peer.address || (next.port ?? 5060) !== peer.port;
  const isUdp = transportOf(next) === "udp";
  if (side.nat || (!moved && isUdp)) return { kind: "udp", peer };
  if (trusted) return toNext;
  const port = next.port ?? 5060;
  const isNear = isSource && isUdp && hostOf(next) === peer.address && port >= FIRST_USER_PORT;
  return { kind: "udp", peer: isNear ? { ...peer, port } : peer };
}

/** Ports below it are those of other services (RFC 6335 §6). */
const FIRST_USER_PORT = 1024;

/** What a side remembers that is reached through another proxy: the host and port of its next hop. */
export function uriFlow(uri: SipUri): string {
  return `uri:${uri.host}:${uri.port ?? ""}`;
}
