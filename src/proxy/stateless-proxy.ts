import type { SipMessage, SipRequest, SipResponse } from "../message/message.js";
import { param } from "../message/params.js";
import type { MaybePromise, Result } from "../message/result.js";
import { parseVia, type Via } from "../message/via.js";
import type { Flow, Leg } from "../port/leg.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import type { Way } from "../transaction/client.js";
import { isInDialog, judge, type Origin, type ProxyCore, proxyCore, refuse, targetsOf } from "./core.js";
import type { Destination } from "./destination.js";
import { withoutTopVia } from "./forward.js";
import { checkOptions, type ProxyOptions } from "./options.js";
import type { Plan } from "./plan.js";
import type { Group } from "./response-context.js";
import { udpPeer } from "./side.js";

/** Via parameter in which a request carries the flow that it came over, signed. */
const FLOW = "flow";

/**
 * A stateless proxy (RFC 3261 §16.11), after Net::SIP::StatelessProxy: forwards each message to one place and forgets it.
 * The way back of the responses travels, signed, in its Via, so that nobody can have responses sent through it that
 * belong to no request.
 */
export class StatelessProxy implements Receiver {
  readonly #core: ProxyCore;

  /** @throws TypeError for an unknown option, a missing dispatcher or store, or a bad secret */
  constructor(options: ProxyOptions) {
    checkOptions(options);
    this.#core = proxyCore(options, "stateless");
  }

  /**
   * Is this a request within a dialog that was made through here? It is when it follows our own Record-Route: see the
   * `inDialog` of an authoriser, which asks such requests for no credentials.
   */
  isInDialog(request: SipRequest, leg: Leg, from: Flow): boolean {
    return isInDialog(this.#core, request, leg, from);
  }

  /** @returns the status of a response that was passed on; 100 for a request that was; the status of a refusal */
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext = {},
  ): MaybePromise<number | undefined> {
    if (packet.kind === "response") return this.#response(packet, leg);
    if (packet.method === "REGISTER") return undefined;
    return this.#request(packet, { leg, from, identity: context.identity });
  }

  #request(request: SipRequest, origin: Origin): MaybePromise<number | undefined> {
    const core = this.#core;
    const judged = judge(core, request, origin);
    if (!judged.ok) return refuse(core, request, origin, judged);
    const { plan, verdict } = judged.value;
    switch (verdict.kind) {
      case "self":
        return undefined;
      case "there":
        return this.#forward(plan, verdict.destination);
      case "location": {
        const found = core.locator.find(verdict.uri, origin.identity);
        if (found instanceof Promise)
          return found.then((late) =>
            this.#found(plan, origin, targetsOf(core, plan, verdict, late, origin.identity)),
          );
        return this.#found(plan, origin, targetsOf(core, plan, verdict, found, origin.identity));
      }
    }
  }

  /** §16.11: one target, the same each time: the first of the highest q. */
  #found(plan: Plan, origin: Origin, targets: Result<readonly Group[]>): MaybePromise<number> {
    if (!targets.ok) return refuse(this.#core, plan.request, origin, targets);
    return this.#forward(plan, targets.value[0]![0]![0]!);
  }

  #forward(plan: Plan, destination: Destination): MaybePromise<number> {
    const { sender, copier, sides } = this.#core;
    const { request, from } = plan;
    const flow = sides.write(
      { role: "caller", local: false, nat: false, flow: from.token, edge: "" },
      request.callId,
    );
    const branch = `${sender.statelessBranch(request)}${plan.mark};${FLOW}=${flow}`;
    const sent = sender.sendOnce(destination.hop, plan.leg, (way) =>
      copier.write(plan, destination, way, branch, plan.maxBreadth),
    );
    return sent instanceof Promise ? sent.then(() => 100) : 100;
  }

  /** §16.11: a response with our Via on top goes to where the next Via points; any other is not for us. */
  #response(response: SipResponse, near: Leg): number | undefined {
    const { via } = response;
    const flow = via === undefined ? undefined : param(via.params, FLOW);
    if (flow === undefined) return undefined;
    const side = this.#core.sides.read(flow, response.callId);
    if (side === undefined || side === "forged") return undefined;
    const text = withoutTopVia(response);
    const next = nextVia(response);
    if (text === undefined || next === undefined) return undefined;
    const way = this.#wayBack(side.flow, near);
    if (way === undefined) return undefined;
    way.leg.respond(text, next, way.flow);
    return response.status;
  }

  #wayBack(token: string, near: Leg): Way | undefined {
    const peer = udpPeer(token);
    if (peer === undefined) return this.#core.sender.dispatcher.findFlow(token);
    const leg = this.#core.self.legFor("udp", peer.address, near);
    const flow = leg?.connect(peer);
    return leg === undefined || flow === undefined || flow instanceof Promise ? undefined : { leg, flow };
  }
}

/** The Via below the topmost one. */
function nextVia(response: SipResponse): Via | undefined {
  const text = response.headers.list("via")?.[1];
  return text === undefined ? undefined : parseVia(text);
}
