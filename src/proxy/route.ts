import type { SipRequest } from "../message/message.js";
import { type NameAddr, parseNameAddr } from "../message/name-addr.js";
import { hasParam, type Params, param } from "../message/params.js";
import { ok, type Rejection, type Result, reject } from "../message/result.js";
import { parseSipUri, type SipUri, writeSipUri } from "../message/uri.js";
import { defaultPort, type Leg } from "../port/leg.js";
import type { Way } from "../transaction/client.js";
import { transportOf } from "./hop.js";
import type { Self } from "./self.js";
import { dialogKeys, isMarked, type Side, type Sides } from "./side.js";

/** One of our own Record-Route URIs that a request came back with. */
export interface OwnRoute {
  readonly uri: SipUri;
  readonly side: Side;
  /** Which party of the dialog sent the request, by From and To. */
  readonly sentBy: Side["role"];
}

/** Where a request wants to go, once our own part of its route is taken off (RFC 3261 §16.4). */
export interface Routing {
  /** Request-URI as text and parsed. */
  readonly uri: string;
  readonly sipUri: SipUri;
  /** Route values that are left. */
  readonly routes: readonly string[];
  /** The first of them, or `undefined`. */
  readonly nextRoute: SipUri | undefined;
  /** Are Route or Request-URI other than they came in? */
  readonly changed: boolean;
  /** The side of our Record-Route that it came from, and the one it goes to. */
  readonly source: OwnRoute | undefined;
  readonly destination: OwnRoute | undefined;
  /** The flow that a token of an extension leads to. */
  readonly opened: Way | undefined;
}

/** What the route is read with. */
export interface RouteReader {
  readonly self: Self;
  readonly sides: Sides;
  /** See `ProxyHooks.openRoute`. */
  readonly openRoute: OpenRoute | undefined;
}

/**
 * Reads the flow token that an extension put into a Path or Record-Route URI of ours (RFC 5626 §5.3).
 * @returns the way to send on; 403 or 430; `undefined` for a URI without such a token
 */
export type OpenRoute = (
  uri: SipUri,
  request: SipRequest,
) => (Way & { readonly ok: true }) | Rejection | undefined;

/**
 * Route information preprocessing (§16.4): undoes what a strict router did, strips a maddr that means us, and takes our
 * own values off the top of Route.
 * @returns 400 for a malformed Route, 403 for one that looks like ours and is not (RFC 5626 §5.3.1)
 */
export function preprocess(request: SipRequest, uri: SipUri, way: Way, reader: RouteReader): Result<Routing> {
  const { leg, flow: from } = way;
  if (!request.headers.has("route") && uri.params.length === 0) {
    return ok({
      uri: request.uri,
      sipUri: uri,
      routes: NO_ROUTES,
      nextRoute: undefined,
      changed: false,
      source: undefined,
      destination: undefined,
      opened: undefined,
    });
  }
  const routes = request.headers.list("route");
  if (routes === undefined) return reject(400, "Malformed Route");
  let target: Target = { text: request.uri, uri };
  const own: OwnRoute[] = [];
  let end = routes.length;
  if (hasParam(uri.params, "lr") && end > 0) {
    const found = ownRoute(uri, request, reader);
    if (found === "forged") return FORGED;
    if (found !== undefined) {
      const last = parseTarget(routes[--end]!);
      if (last === undefined) return reject(400, "Malformed Route");
      own.push(found);
      target = last;
    }
  }
  const stripped = stripMaddr(target, leg, reader.self);
  let start = 0;
  let nextRoute: SipUri | undefined;
  let opened: Way | undefined;
  for (; start < end; start++) {
    const route = parseNameAddr(routes[start]!);
    if (route === undefined) return reject(400, "Malformed Route");
    const taken = takeOwn(route, request, reader);
    if (taken === "forged") return FORGED;
    if (taken === undefined) {
      nextRoute = route.sipUri;
      if (nextRoute === undefined) return reject(416, "Unsupported URI Scheme");
      break;
    }
    if (taken !== "plain") own.push(taken);
    else if (route.sipUri?.user != null && reader.openRoute !== undefined) {
      const way = reader.openRoute(route.sipUri, request);
      if (way?.ok === false) return way;
      // RFC 5626 §5.3: a token of the flow that the request came over marks an outgoing request
      if (way !== undefined && way.flow.token !== from.token) opened = way;
    }
  }
  return ok({
    uri: stripped.text,
    sipUri: stripped.uri,
    routes: routes.slice(start, end),
    nextRoute,
    changed: start > 0 || end < routes.length || stripped.text !== request.uri,
    source: own[0],
    destination: own.length > 1 ? own[own.length - 1] : undefined,
    opened,
  });
}

const NO_ROUTES: readonly string[] = [];
const FORGED = reject(403, "Forged Route");

interface Target {
  readonly text: string;
  readonly uri: SipUri;
}

function parseTarget(route: string): Target | undefined {
  const address: NameAddr | undefined = parseNameAddr(route);
  return address?.sipUri === undefined ? undefined : { text: address.uri, uri: address.sipUri };
}

function ownRoute(uri: SipUri, request: SipRequest, reader: RouteReader): OwnRoute | "forged" | undefined {
  if (uri.user === null || !isMarked(uri.user)) return undefined;
  const { asCaller, asCallee } = dialogKeys(request);
  const ofCaller = reader.sides.read(uri.user, asCaller);
  if (ofCaller === undefined) return undefined;
  if (ofCaller !== "forged") return { uri, side: ofCaller, sentBy: "caller" };
  const side = reader.sides.read(uri.user, asCallee);
  if (side !== undefined && side !== "forged") return { uri, side, sentBy: "callee" };
  // another element of our make has its own key, and its values are its own matter
  return reader.self.isServer(uri.host, uri.port) ? "forged" : undefined;
}

/** "plain" for a value that names us and remembers nothing: a preloaded route (§16.12). */
function takeOwn(
  route: NameAddr,
  request: SipRequest,
  reader: RouteReader,
): OwnRoute | "plain" | "forged" | undefined {
  const uri = route.sipUri;
  if (uri === undefined) return undefined;
  const own = ownRoute(uri, request, reader);
  if (own !== undefined) return own;
  return reader.self.isServer(uri.host, uri.port) ? "plain" : undefined;
}

/** §16.4: a maddr that means us, asked for on the port and transport it says, goes, with a port or transport that is no default. */
function stripMaddr(target: Target, leg: Leg, self: Self): Target {
  const { uri } = target;
  const maddr = param(uri.params, "maddr");
  if (maddr === undefined) return target;
  const host = maddr.toLowerCase();
  const transport = transportOf(uri);
  const port = uri.port ?? (transport === undefined ? null : defaultPort(transport));
  if (transport !== leg.transport || port !== leg.local.port || !self.isServer(host, port)) return target;
  const params: Params = uri.params.filter(({ name }) => name !== "maddr" && name !== "transport");
  const plain: SipUri = { ...uri, port: null, params };
  const text = writeSipUri(plain);
  return { text, uri: parseSipUri(text) ?? plain };
}
