import { isIpv4, isIpv6, unmapped } from "../message/host.js";
import type { SipRequest } from "../message/message.js";
import { hasParam, param } from "../message/params.js";
import { ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Flow } from "../port/leg.js";
import type { Identity } from "../port/receiver.js";
import type { Destination } from "./destination.js";
import { type Hop, hostOf, transportOf } from "./hop.js";
import type { Outgoing } from "./outgoing.js";
import type { Routing } from "./route.js";
import type { Self } from "./self.js";
import { type Side, udpPeer, uriFlow } from "./side.js";

/** What is to be done with a request. */
export type Verdict =
  /** It goes to one place that its route or Request-URI names. */
  | { readonly kind: "there"; readonly destination: Destination }
  /** Its Request-URI is one of our users, or, within a dialog, a GRUU of one: there it may still go where the route leads. */
  | { readonly kind: "location"; readonly uri: SipUri; readonly otherwise?: Destination | undefined }
  /** It is for this server itself, not for its proxy. */
  | { readonly kind: "self" };

/** What a decision is made with. */
export interface Grounds {
  readonly request: SipRequest;
  readonly from: Flow;
  readonly identity: Identity | undefined;
  readonly self: Self;
  readonly outgoing: Outgoing;
  /** Is a caller who proves nothing taken at its word that it is one of our users? */
  isOpen(): boolean;
  /** Can a Request-URI be a GRUU of ours? */
  readonly hasGruus: boolean;
}

const RELAYING_DENIED = reject(403, "Relaying Denied");

/**
 * Decides where a request may go (RFC 3261 §16.5): in-dialog requests to the side that our own Record-Route remembers,
 * requests for our domains to the location service, and anything else only for those who proved who they are. So nobody
 * is relayed for a stranger, whether by Request-URI, Route or maddr, before a dialog or within one.
 */
export function decide(routing: Routing, grounds: Grounds): Result<Verdict> {
  const { uri, sipUri, nextRoute, destination, opened } = routing;
  const { identity, self, outgoing } = grounds;
  if (opened !== undefined) {
    const hop: Hop = opened.flow.isConnection
      ? { kind: "connection", token: opened.flow.token }
      : { kind: "udp", peer: opened.flow };
    return there({ uri, path: NO_PATH, hop, local: true, nat: true });
  }
  if (destination !== undefined) return decideWithin(routing, destination.side, grounds);
  const elsewhere =
    nextRoute !== undefined || param(sipUri.params, "maddr") !== undefined || !self.speaksFor(sipUri);
  if (!elsewhere) return ok(sipUri.user === null ? { kind: "self" } : { kind: "location", uri: sipUri });
  // one half of our Record-Route alone says nothing of who may send where
  return identity === undefined ? RELAYING_DENIED : there(outgoing.destination(uri, nextRoute ?? sipUri));
}

/** Along both halves of our Record-Route: to the other side of the dialog, and no further than the sender may. */
function decideWithin(routing: Routing, side: Side, grounds: Grounds): Result<Verdict> {
  const { uri, sipUri, nextRoute } = routing;
  const { self, outgoing } = grounds;
  if (!leadsAcross(routing)) return RELAYING_DENIED;
  const { local, nat } = side;
  const next = nextRoute ?? sipUri;
  if (nextRoute === undefined && grounds.hasGruus && isOwnGruu(sipUri, self)) {
    // RFC 5627 §6.1: where its instance is now; the flow that it had then may be gone, or outlive its registration
    const hop = signedHop(side);
    const otherwise = hop === undefined ? undefined : { uri, path: NO_PATH, hop, local, nat };
    return ok({ kind: "location", uri: sipUri, otherwise });
  }
  const toNext: Hop = { kind: "uri", uri: next };
  const target = { next, isRoute: nextRoute !== undefined, isAck: grounds.request.method === "ACK" };
  const hop = hopOfSide(side, target, senderOf(routing, grounds), toNext);
  if (hop === undefined) return RELAYING_DENIED;
  if (hop === toNext && !local) return there(outgoing.destination(uri, next));
  return there({ uri, path: NO_PATH, hop, local, nat });
}

const NO_PATH: readonly string[] = [];

function there(destination: Destination): Result<Verdict> {
  return ok({ kind: "there", destination });
}

/**
 * From the side that From names to the other one? A party that puts the name of the other into From has the route of the
 * other, too, and sends from its own flow all the same.
 */
function leadsAcross({ source, destination }: Routing): boolean {
  if (source === undefined || destination === undefined) return false;
  const { role } = source.side;
  return source.sentBy === role && destination.sentBy === role && destination.side.role !== role;
}

function isOwnGruu(uri: SipUri, self: Self): boolean {
  return uri.user !== null && hasParam(uri.params, "gr") && self.speaksFor(uri);
}

/** Does this flow belong to a side of a dialog? */
function cameFrom({ flow }: Side, from: Flow): boolean {
  if (flow === from.token) return true;
  // a NAT may give a phone another port from one request to the next
  return !from.isConnection && udpPeer(flow)?.address === from.address;
}

/**
 * Is this a request within a dialog that was made through here, from one of its sides to the other: with a To tag, along
 * both of our Record-Route URIs, signed for this dialog and its parties, from the flow that the first remembers of its
 * sender, and to where it may go without credentials? A side behind another proxy has no flow that could be told apart.
 */
export function isWithinDialog(request: SipRequest, routing: Routing, grounds: Grounds): boolean {
  const { source, destination } = routing;
  if (request.toTag === undefined || source === undefined || destination === undefined) return false;
  const { flow } = source.side;
  const isKnown = flow === "" || flow.startsWith("uri:") || cameFrom(source.side, grounds.from);
  if (!isKnown) return false;
  const verdict = decide(routing, { ...grounds, identity: undefined });
  if (!verdict.ok) return false;
  // a GRUU need not be that of the other side
  return verdict.value.kind === "there" || flow === grounds.from.token;
}

/** What is known of the sender of a request that goes to a side of its dialog. */
interface Sender {
  /** Is it one of our own users, by credentials or by the very flow of its side? */
  readonly trusted: boolean;
  /** Did the request come over the very flow of its side? */
  readonly isSource: boolean;
  /** Was the side that it sends for known when the dialog began, whichever way this request came? */
  readonly known: boolean;
  /** Does it, on that flow, call itself one of ours, where nobody is asked for proof? */
  readonly claims: boolean;
}

function senderOf({ source }: Routing, { request, from, identity, self, isOpen }: Grounds): Sender {
  const isSource = source?.side.flow === from.token;
  const known = source?.side.local === true;
  const trusted = identity !== undefined || (isSource && known);
  const uri = request.from?.sipUri;
  return {
    trusted,
    isSource,
    known,
    claims: isSource && isOpen() && uri !== undefined && self.speaksFor(uri),
  };
}

/** The next hop that a request names. */
interface Target {
  readonly next: SipUri;
  /** Is it a further Route, rather than the Request-URI? */
  readonly isRoute: boolean;
  /** An ACK cannot be sent again with credentials (§22.1). */
  readonly isAck: boolean;
}

/**
 * The way to a side of a dialog: its connection; its UDP address, unless its Contact has moved and somebody we trust says
 * so (§12.2.1.1, a target refresh); or by URI, where that is all we know of it. To another port of the same address may follow
 * who calls itself one of ours, where that is enough. A stranger reaches the very flow or address and nothing else; what
 * names another host is not for that side, and is denied rather than delivered to it. A stranger can have us remember any
 * URI for its own side, so that only the other side may use it.
 */
function hopOfSide(side: Side, target: Target, sender: Sender, toNext: Hop): Hop | undefined {
  const { flow } = side;
  const { next, isRoute, isAck } = target;
  const { trusted, isSource, known, claims } = sender;
  const signed = signedHop(side);
  if (signed === undefined) {
    if (trusted) return toNext;
    return (side.local || isSource) && flow === uriFlow(next) ? toNext : undefined;
  }
  // a user of ours behind an edge proxy may have called one behind a proxy that goes by a name
  if (!known && !trusted && isRoute && !isItsProxy(side, next)) return undefined;
  if (signed.kind === "connection") return signed;
  const { peer } = signed;
  const host = unmapped(hostOf(next));
  const moved = host !== unmapped(peer.address) || (next.port ?? 5060) !== peer.port;
  const isUdp = transportOf(next) === "udp";
  if (side.nat || (!moved && isUdp)) return signed;
  if (trusted) return toNext;
  if (isRoute) return signed;
  if (claims) {
    const port = next.port ?? 5060;
    const isNear = isUdp && host === unmapped(peer.address) && port >= FIRST_USER_PORT;
    return isNear ? { kind: "udp", peer: { ...peer, port } } : signed;
  }
  // a name may be that side's own; it is not looked up
  if (host === unmapped(peer.address) || !isAddress(host)) return signed;
  return known && isAck ? signed : undefined;
}

/** The flow or address that a side was signed with; `undefined` where no more than a URI is known of it. */
function signedHop({ flow }: Side): Exclude<Hop, { kind: "uri" }> | undefined {
  if (flow === "" || flow.startsWith("uri:")) return undefined;
  const peer = udpPeer(flow);
  return peer === undefined ? { kind: "connection", token: flow } : { kind: "udp", peer };
}

/** Is this Route value that of the proxy which a side is reached through, or of the side itself where it is one? */
function isItsProxy({ flow, edge }: Side, route: SipUri): boolean {
  const host = hostOf(route);
  const peer = udpPeer(flow);
  if (edge !== "") return host === edge || host === peer?.address;
  return host === peer?.address && (route.port ?? 5060) === peer.port && transportOf(route) === "udp";
}

function isAddress(host: string): boolean {
  return isIpv4(host) || isIpv6(host);
}

/** Ports below it are those of other services (RFC 6335 §6). */
const FIRST_USER_PORT = 1024;
