import type { Bindings } from "../location/binding.js";
import type { SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import { ok, type Rejection, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Identity } from "../port/receiver.js";
import { shareOut } from "./breadth.js";
import { callerSide, makesDialog } from "./caller.js";
import { resolveLiterals } from "./hop.js";
import { Locator } from "./locator.js";
import { domainsOf, type ProxyOptions } from "./options.js";
import { Outgoing } from "./outgoing.js";
import { Copier, type Plan } from "./plan.js";
import { decide, type Grounds, isWithinDialog, type Verdict } from "./policy.js";
import type { Group } from "./response-context.js";
import { preprocess, type RouteReader, type Routing } from "./route.js";
import { Self } from "./self.js";
import { Sender, statelessTag } from "./sender.js";
import { Sides } from "./side.js";
import { type SipHashKey, sipHashKey } from "./siphash.js";
import { targetGroups } from "./targets.js";
import { isLooping, validate } from "./validate.js";

/** What every kind of proxy here works with. */
export interface ProxyCore {
  readonly options: ProxyOptions;
  readonly key: SipHashKey;
  readonly self: Self;
  readonly sender: Sender;
  readonly sides: Sides;
  readonly copier: Copier;
  readonly locator: Locator;
  readonly reader: RouteReader;
  readonly outgoing: Outgoing;
  /** See `Grounds`. */
  readonly isOpen: () => boolean;
  readonly lastRead: LastRead;
}

/** The route of the request that `isInDialog` was asked about last: mostly it is judged next, and need not be read again. */
interface LastRead {
  request: SipRequest | undefined;
  routing: Result<Routing> | undefined;
}

/** Where a request came from, and who proved to have sent it. */
export interface Origin {
  readonly leg: Leg;
  readonly from: Flow;
  readonly identity: Identity | undefined;
}

/** RFC 5630 §5.3: only sip contacts for a request that asked for sips. */
const SIPS_NOT_ALLOWED = reject(480, "Temporarily Unavailable", [
  { name: "Warning", value: '380 - "SIPS Not Allowed"' },
]);
const NO_WAY = reject(480, "Temporarily Unavailable");

/**
 * Composes the parts of a proxy from its options.
 * @param kind a stateless proxy sends each copy of a request to the same server (RFC 3263 §4.4)
 */
export function proxyCore(options: ProxyOptions, kind: "stateful" | "stateless"): ProxyCore {
  const { dispatcher } = options;
  const { clock, entropy, legs } = dispatcher;
  const key = sipHashKey(options.secret ?? entropy.hex(16));
  const self = new Self({
    legs,
    domains: domainsOf(options),
    hosts: options.hosts ?? [],
    advertised: options.advertised,
  });
  const sides = new Sides(key);
  return {
    options,
    key,
    self,
    sides,
    sender: new Sender({
      dispatcher,
      self,
      resolve: options.resolve ?? resolveLiterals,
      markFailed: options.markFailed,
      stable: kind === "stateless",
      key,
    }),
    copier: new Copier(self, sides),
    locator: new Locator({ ...options, clock, entropy, self }),
    reader: { self, sides, openRoute: options.openRoute },
    outgoing: new Outgoing(options),
    isOpen: () => options.mayAssertIdentity?.(undefined) !== false,
    lastRead: { request: undefined, routing: undefined },
  };
}

/** What a request asks for, once it is known to be in order. */
export interface Judged {
  readonly plan: Plan;
  readonly verdict: Verdict;
}

/** Validates a request, reads its route and decides where it may go (RFC 3261 §16.3 to §16.5). */
export function judge(core: ProxyCore, request: SipRequest, origin: Origin): Result<Judged> {
  const { leg, from, identity } = origin;
  const { options, sender, self, reader } = core;
  const valid = validate(request, options.proxyExtensions ?? NO_EXTENSIONS, self);
  if (!valid.ok) return valid;
  const routing =
    takeLastRead(core, request) ?? preprocess(request, valid.value.uri, { leg, flow: from }, reader);
  if (!routing.ok) return routing;
  const verdict = decide(routing.value, groundsOf(core, request, from, identity));
  if (!verdict.ok) return verdict;
  const { uri, routes, changed, destination, opened } = routing.value;
  // RFC 5393 §4.1: what goes along the route of a dialog goes to one place, and its Max-Forwards is bound enough
  const user = verdict.value.kind === "location" ? verdict.value.uri : undefined;
  const isRouted = user === undefined && (destination !== undefined || opened !== undefined);
  const mark = isRouted ? "" : sender.loopMark(request, leg, user);
  if (!isRouted && isLooping(request, mark)) return LOOP;
  const stays = options.recordRoute !== false && makesDialog(request);
  if (verdict.value.kind !== "self" && !canBeAnswered(request, stays)) return TOO_LARGE;
  const plan: Plan = {
    request,
    leg,
    from,
    uri,
    routes,
    routesChanged: changed,
    maxForwards: valid.value.maxForwards,
    maxBreadth: valid.value.maxBreadth,
    mark,
    caller: stays ? callerSide(request, from, identity) : null,
    consumedRealm:
      identity !== undefined && request.headers.has("proxy-authorization") ? identity.realm : null,
    dropsAsserted: options.mayAssertIdentity?.(identity) === false,
  };
  return ok({ plan, verdict: verdict.value });
}

/** See `isWithinDialog`: such a request was let through when its dialog began, and needs no credentials of its own. */
export function isInDialog(core: ProxyCore, request: SipRequest, leg: Leg, from: Flow): boolean {
  // most requests are in none, and need not be read for it
  if (request.toTag === undefined || !request.headers.has("route")) return false;
  const uri = request.sipUri;
  if (uri === undefined) return false;
  const { reader } = core;
  const routing = preprocess(request, uri, { leg, flow: from }, reader);
  core.lastRead.request = request;
  core.lastRead.routing = routing;
  return routing.ok && isWithinDialog(request, routing.value, groundsOf(core, request, from, undefined));
}

function groundsOf(
  { self, outgoing, isOpen, options }: ProxyCore,
  request: SipRequest,
  from: Flow,
  identity: Identity | undefined,
): Grounds {
  return { request, from, identity, self, outgoing, isOpen, hasGruus: options.resolveGruu !== undefined };
}

function takeLastRead({ lastRead }: ProxyCore, request: SipRequest): Result<Routing> | undefined {
  if (lastRead.request !== request) return undefined;
  const { routing } = lastRead;
  lastRead.request = undefined;
  lastRead.routing = undefined;
  return routing;
}

/**
 * Will the responses to a copy, which hold its Via and Record-Route values, stay within our own limit of such values, with ours
 * among them? An ACK has none.
 */
function canBeAnswered({ method, headers }: SipRequest, staysInPath: boolean): boolean {
  if (method === "ACK") return true;
  return (
    headers.hasRoomFor("via", 1) && (!staysInPath || headers.hasRoomFor("record-route", OWN_RECORD_ROUTES))
  );
}

/** One for each side; see `Copier`. */
const OWN_RECORD_ROUTES = 2;
/** §21.5.7: it is the length of the header that is beyond us, as with a longer one, and not a body (413, §21.4.11). */
const TOO_LARGE = reject(513, "Too Many Elements In Header Field");
const LOOP = reject(482, "Loop Detected");
const NO_EXTENSIONS: readonly string[] = [];

/** Who is meant by a Request-URI of ours. */
export type Meant = Extract<Verdict, { kind: "location" }>;

/** The target set of a Request-URI of ours, from what the location service found (§16.5). */
export function targetsOf(
  core: ProxyCore,
  plan: Plan,
  { uri, otherwise }: Meant,
  found: Result<Bindings>,
  identity: Identity | undefined,
): Result<readonly Group[]> {
  const targets = located(core, plan, uri, found, identity);
  return targets.ok || otherwise === undefined ? targets : ok([[[otherwise]]]);
}

function located(
  core: ProxyCore,
  plan: Plan,
  uri: SipUri,
  found: Result<Bindings>,
  identity: Identity | undefined,
): Result<readonly Group[]> {
  const { self, options, outgoing } = core;
  if (!found.ok) {
    // who speaks for every domain finds users of other servers too, but only for those who may call them
    const abroad = self.everyDomain && !self.isServer(uri.host, uri.port);
    if (found.status !== 404 || !abroad || identity === undefined) return found;
    return ok([[[outgoing.destination(plan.uri, uri)]]]);
  }
  const secure = uri.scheme === "sips";
  const groups = targetGroups(found.value, {
    nowMs: options.dispatcher.clock.nowMs(),
    isFlowAlive: (token) => options.dispatcher.findFlow(token)?.flow.alive === true,
    self,
    far: options.farContacts ?? "source",
    barSelf: options.barSelf ?? false,
    secure,
  });
  if (groups.length > 0) return ok(options.barSelf ? groups : shareOut(groups, plan.maxBreadth, self));
  return secure ? SIPS_NOT_ALLOWED : NO_WAY;
}

/** Answers without state: the sender repeats its request until it hears us, and an ACK finds nothing to match (§8.2.7). Returns the status, 0 for none. */
export function refuse(core: ProxyCore, request: SipRequest, origin: Origin, rejection: Rejection): number {
  const { via } = request;
  if (request.method === "ACK" || via === undefined) return 0;
  const toTag = statelessTag(core.key, request);
  origin.leg.respond(respond(request, origin.from, { ...rejection, toTag }), via, origin.from);
  return rejection.status;
}
