import type { Bindings } from "../location/binding.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import { type MaybePromise, ok, type Rejection, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Identity, ReceiveContext, Receiver } from "../port/receiver.js";
import { callerSide, makesDialog } from "./caller.js";
import type { Destination } from "./destination.js";
import { resolveLiterals } from "./hop.js";
import { Locator } from "./locator.js";
import { checkOptions, domainsOf, type ProxyOptions } from "./options.js";
import { Copier, type Plan } from "./plan.js";
import { decide } from "./policy.js";
import { type ContextServices, type Group, ResponseContext } from "./response-context.js";
import { preprocess, type RouteReader, type Routing } from "./route.js";
import { Self } from "./self.js";
import { Sender } from "./sender.js";
import { Sides } from "./side.js";
import { sipHashKey } from "./siphash.js";
import { targetGroups } from "./targets.js";
import { type Validated, validate } from "./validate.js";

const DEFAULT_TIMER_C_SEC = 185;

/** RFC 5630 §5.3: only sip contacts for a request that asked for sips. */
const SIPS_NOT_ALLOWED = reject(480, "Temporarily Unavailable", [
  { name: "Warning", value: '380 - "SIPS Not Allowed"' },
]);
const NO_WAY = reject(480, "Temporarily Unavailable");

/** What a proxy did since it was made. */
export interface ProxyCounts {
  /** Requests that were forwarded and have no final answer yet. */
  readonly pending: number;
  /** Requests that were forwarded to at least one target, ACKs not counted. */
  readonly forwarded: number;
  /** Requests that were answered here instead. */
  readonly refused: number;
}

/** Where a request came from. */
interface Origin {
  readonly leg: Leg;
  readonly from: Flow;
  readonly identity: Identity | undefined;
}

/**
 * A transaction-stateful proxy (RFC 3261 §16 with RFC 4320, 5393, 6026). Takes every request but REGISTER, CANCEL that
 * matches nothing, and what is for the server itself: these it passes on.
 */
export class StatefulProxy implements Receiver {
  readonly #options: ProxyOptions;
  readonly #self: Self;
  readonly #sender: Sender;
  readonly #copier: Copier;
  readonly #locator: Locator;
  readonly #reader: RouteReader;
  readonly #services: ContextServices;
  #pending = 0;
  #forwarded = 0;
  #refused = 0;

  /** @throws TypeError for an unknown option, a missing dispatcher or store, a bad secret or timer C */
  constructor(options: ProxyOptions) {
    checkOptions(options);
    const { dispatcher } = options;
    const { clock, entropy, legs } = dispatcher;
    const key = sipHashKey(options.secret ?? entropy.hex(16));
    const sides = new Sides(key);
    this.#options = options;
    this.#self = new Self({ legs, domains: domainsOf(options), hosts: options.hosts ?? [] });
    this.#sender = new Sender({
      dispatcher,
      self: this.#self,
      resolve: options.resolve ?? resolveLiterals,
      key,
    });
    this.#copier = new Copier(this.#self, sides);
    this.#locator = new Locator({ ...options, clock, entropy, self: this.#self });
    this.#reader = { self: this.#self, sides, openRoute: options.openRoute };
    this.#services = {
      sender: this.#sender,
      copier: this.#copier,
      clock,
      timerCMs: (options.timerCSec ?? DEFAULT_TIMER_C_SEC) * 1000,
      ended: () => {
        this.#pending--;
      },
    };
  }

  counts(): ProxyCounts {
    return { pending: this.#pending, forwarded: this.#forwarded, refused: this.#refused };
  }

  /**
   * @returns 100 for a request that was forwarded, the status of the answer for one that was not, `undefined` for what is
   *   not for a proxy
   */
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext = {},
  ): MaybePromise<number | undefined> {
    // RFC 6026 §8.9: a response that no transaction knows goes nowhere
    if (packet.kind === "response") return undefined;
    if (packet.method === "REGISTER" || packet.method === "CANCEL") return undefined;
    return this.#request(packet, { leg, from, identity: context.identity });
  }

  #request(request: SipRequest, origin: Origin): MaybePromise<number | undefined> {
    const { leg, from, identity } = origin;
    const mark = this.#sender.loopMark(request);
    const valid = validate(request, this.#options.proxyExtensions ?? [], mark);
    if (!valid.ok) return this.#refuse(request, origin, valid);
    const routing = preprocess(request, valid.value.uri, { leg, flow: from }, this.#reader);
    if (!routing.ok) return this.#refuse(request, origin, routing);
    const verdict = decide(routing.value, from, identity, this.#self);
    if (!verdict.ok) return this.#refuse(request, origin, verdict);
    if (verdict.value.kind === "self") return undefined;
    const plan = this.#plan(request, origin, valid.value, routing.value, mark);
    if (verdict.value.kind === "there") {
      const { destination } = verdict.value;
      if (request.method === "ACK") return this.#acknowledge(plan, destination);
      return this.#forward(plan, [[[destination]]]);
    }
    // an ACK to an answer of our own that was sent without state
    if (request.method === "ACK") return undefined;
    return this.#toUser(plan, verdict.value.uri, origin);
  }

  #plan(request: SipRequest, origin: Origin, valid: Validated, routing: Routing, mark: string): Plan {
    const { identity, leg, from } = origin;
    const stays = this.#options.recordRoute !== false && makesDialog(request);
    return {
      request,
      leg,
      from,
      uri: routing.uri,
      routes: routing.routes,
      routesChanged: routing.changed,
      maxForwards: valid.maxForwards,
      maxBreadth: valid.maxBreadth,
      mark,
      caller: stays ? callerSide(request, from, identity) : null,
      consumedRealm:
        identity !== undefined && request.headers.has("proxy-authorization") ? identity.realm : null,
    };
  }

  /** §16.5: the target set comes from the location service. */
  #toUser(plan: Plan, uri: SipUri, origin: Origin): MaybePromise<number> {
    const found = this.#targets(plan, uri, origin);
    if (!(found instanceof Promise)) {
      return found.ok ? this.#forward(plan, found.value) : this.#refuse(plan.request, origin, found);
    }
    // the transaction absorbs what comes again while the store is asked
    const context = this.#open(plan);
    if (typeof context === "number") return context;
    return found.then((late) => {
      if (!late.ok) context.refuse(late);
      else context.start(late.value);
      return late.ok ? 100 : late.status;
    });
  }

  #targets(plan: Plan, uri: SipUri, origin: Origin): MaybePromise<Result<readonly Group[]>> {
    const found = this.#locator.find(uri);
    if (!(found instanceof Promise)) return this.#groups(plan, uri, origin, found);
    return found.then((late) => this.#groups(plan, uri, origin, late));
  }

  #groups(plan: Plan, uri: SipUri, origin: Origin, found: Result<Bindings>): Result<readonly Group[]> {
    if (!found.ok) {
      // who speaks for every domain finds users of other servers too, but only for those who may call them
      const abroad = this.#self.everyDomain && !this.#self.isServer(uri.host, uri.port);
      if (found.status !== 404 || !abroad || origin.identity === undefined) return found;
      return ok([[[elsewhere(plan, uri)]]]);
    }
    const secure = uri.scheme === "sips";
    const groups = targetGroups(found.value, {
      self: this.#self,
      far: this.#options.farContacts ?? "source",
      barSelf: this.#options.barSelf ?? false,
      secure,
    });
    if (groups.length > 0) return ok(groups);
    return secure ? SIPS_NOT_ALLOWED : NO_WAY;
  }

  #forward(plan: Plan, groups: readonly Group[]): number {
    const context = this.#open(plan);
    if (typeof context === "number") return context;
    context.start(groups);
    return 100;
  }

  /** The response context of a request with its server transaction; a status when there can be none. */
  #open(plan: Plan): ResponseContext | number {
    const context = new ResponseContext(this.#services, plan);
    const { request, leg, from } = plan;
    const server = this.#sender.transactions.server(request, leg, from, context);
    if (server === "full") return 503;
    if (server === "exists") {
      this.#sender.transactions.receive(request, leg, from);
      return 100;
    }
    context.attach(server);
    this.#pending++;
    this.#forwarded++;
    return context;
  }

  /** §16.6: an ACK to a 2xx goes on without a transaction; when it cannot, nobody is told (§17). */
  #acknowledge(plan: Plan, destination: Destination): MaybePromise<number> {
    const branch = this.#sender.statelessBranch(plan.request);
    const sent = this.#sender.sendOnce(destination.hop, plan.leg, (way) =>
      this.#copier.write(plan, destination, way, branch, plan.maxBreadth),
    );
    return sent instanceof Promise ? sent.then(() => 100) : 100;
  }

  /** Answers without state: the sender repeats its request until it hears us, and an ACK finds nothing to match (§8.2.7). */
  #refuse(request: SipRequest, origin: Origin, rejection: Rejection): number {
    this.#refused++;
    const { via } = request;
    if (request.method === "ACK" || via === undefined) return rejection.status;
    const toTag = this.#sender.statelessTag(request);
    origin.leg.respond(respond(request, origin.from, { ...rejection, toTag }), via, origin.from);
    return rejection.status;
  }
}

function elsewhere(plan: Plan, uri: SipUri): Destination {
  return { uri: plan.uri, path: [], hop: { kind: "uri", uri }, local: false, nat: false };
}
