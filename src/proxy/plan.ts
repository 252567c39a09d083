import type { SipRequest } from "../message/message.js";
import { parseNameAddr } from "../message/name-addr.js";
import { hasParam } from "../message/params.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Way } from "../transaction/client.js";
import type { Destination } from "./destination.js";
import { forwardText } from "./forward.js";
import { hostOf } from "./hop.js";
import type { Self } from "./self.js";
import { dialogKeys, type Side, type Sides, uriFlow } from "./side.js";

/** What all copies of one request have in common (RFC 3261 §16.6). */
export interface Plan {
  readonly request: SipRequest;
  readonly leg: Leg;
  readonly from: Flow;
  /** Request-URI after §16.4. */
  readonly uri: string;
  /** Route values that are left after §16.4. */
  readonly routes: readonly string[];
  /** Do they differ from what came in? */
  readonly routesChanged: boolean;
  /** For the copies, already counted down. */
  readonly maxForwards: number;
  /** Incoming Max-Breadth (RFC 5393 §5.3.2). */
  readonly maxBreadth: number;
  /** Loop mark for its branches. */
  readonly mark: string;
  /** The side that the request comes from, when we stay in the path of the dialog; `null` without Record-Route. */
  readonly caller: Side | null;
  /** See `Copy.consumedRealm`. */
  readonly consumedRealm: string | null;
  /** See `Copy.dropsAsserted`. */
  readonly dropsAsserted: boolean;
}

/** Writes the copies of requests. */
export class Copier {
  readonly #self: Self;
  readonly #sides: Sides;

  constructor(self: Self, sides: Sides) {
    this.#self = self;
    this.#sides = sides;
  }

  /** The text of the copy that goes this way to this destination (§16.6 steps 1 to 9). */
  write(plan: Plan, destination: Destination, way: Way, branch: string, maxBreadth: number): string {
    const { request } = plan;
    const rport = way.leg.transport === "udp" ? ";rport" : "";
    let { uri } = destination;
    let routes: readonly string[] | null = null;
    if (plan.routesChanged || destination.path.length > 0) {
      routes = destination.path.length > 0 ? [...destination.path, ...plan.routes] : plan.routes;
    }
    const all = routes ?? plan.routes;
    if (all.length > 0) {
      const strict = strictTarget(all[0]!);
      if (strict !== undefined) {
        // §16.6 step 6: a strict router wants its own URI as Request-URI, and the real one as the last Route
        routes = [...all.slice(1), `<${uri}>`];
        uri = strict;
      }
    }
    return forwardText(request, plan.from, {
      uri,
      via: `${this.#self.via(way.leg, way.flow)};branch=${branch}${rport}`,
      recordRoutes:
        plan.caller === null ? NO_ROUTES : this.#recordRoutes(plan, plan.caller, destination, way),
      routes,
      maxForwards: plan.maxForwards,
      maxBreadth,
      consumedRealm: plan.consumedRealm,
      dropsAsserted: plan.dropsAsserted,
    });
  }

  /**
   * One Record-Route URI for each side (§16.6 step 4, §16.7 step 8 without its rewriting): the callee reaches us by the
   * first and the caller by the second, and the last one on a Route says to which side a request goes.
   */
  #recordRoutes(plan: Plan, caller: Side, destination: Destination, way: Way): readonly string[] {
    const { uri } = plan.request;
    const dialog = dialogKeys(plan.request).asCaller;
    const scheme = uri.charCodeAt(3) === 0x3a ? "sip" : "sips";
    const { hop } = destination;
    const isByUri = hop.kind === "uri";
    const callee: Side = {
      role: "callee",
      local: destination.local,
      nat: destination.nat,
      // a connection of ours to it may be another one next time
      flow: isByUri && way.flow.isConnection ? uriFlow(hop.uri) : way.flow.token,
      edge: isByUri && destination.path.length > 0 ? hostOf(hop.uri) : "",
    };
    return [
      `<${this.#self.routeUri(way.leg, way.flow, this.#sides.write(callee, dialog), scheme)}>`,
      `<${this.#self.routeUri(plan.leg, plan.from, this.#sides.write(caller, dialog), scheme)}>`,
    ];
  }
}

const NO_ROUTES: readonly string[] = [];

/** The URI of a Route value without `lr` (§16.6 step 6), else `undefined`. */
function strictTarget(route: string): string | undefined {
  if (route.includes(";lr>") || route.includes(";lr;")) return undefined;
  const address = parseNameAddr(route);
  if (address?.sipUri === undefined || hasParam(address.sipUri.params, "lr")) return undefined;
  return address.uri;
}
