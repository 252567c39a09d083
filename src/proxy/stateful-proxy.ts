import type { Binding } from "../location/binding.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { chain, type MaybePromise, type Result } from "../message/result.js";
import type { Flow, Leg } from "../port/leg.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import {
  isInDialog,
  judge,
  type Meant,
  type Origin,
  type ProxyCore,
  proxyCore,
  refuse,
  targetsOf,
} from "./core.js";
import { Deliverer, type Delivery, type Draft } from "./deliver.js";
import type { Destination } from "./destination.js";
import { checkOptions, type ProxyOptions } from "./options.js";
import type { Plan } from "./plan.js";
import { type ContextServices, type Group, ResponseContext } from "./response-context.js";
import { statelessTag } from "./sender.js";

const DEFAULT_TIMER_C_SEC = 185;

/** What a proxy did since it was made. */
export interface ProxyCounts {
  /** Requests that were forwarded and have no final answer yet. */
  readonly pending: number;
  /** Requests that were forwarded, ACKs not counted. */
  readonly forwarded: number;
  /** Requests that were answered here instead. */
  readonly refused: number;
}

/**
 * A transaction-stateful proxy (RFC 3261 §16 with RFC 4320, 5393, 6026). Takes every request but REGISTER, CANCEL that
 * matches nothing, and what is for the server itself: these it passes on.
 */
export class StatefulProxy implements Receiver {
  readonly #core: ProxyCore;
  readonly #deliverer: Deliverer;
  readonly #services: ContextServices;
  #pending = 0;
  #forwarded = 0;
  #refused = 0;

  /** @throws TypeError for an unknown option, a missing dispatcher or store, a bad secret or timer C */
  constructor(options: ProxyOptions) {
    checkOptions(options);
    const core = proxyCore(options, "stateful");
    this.#core = core;
    this.#deliverer = new Deliverer(core.sender, options.farContacts ?? "source");
    this.#services = {
      sender: core.sender,
      copier: core.copier,
      clock: options.dispatcher.clock,
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
   * Is this a request within a dialog that was made through here? It is when it follows our own Record-Route: see the
   * `inDialog` of an authoriser, which asks such requests for no credentials.
   */
  isInDialog(request: SipRequest, leg: Leg, from: Flow): boolean {
    return isInDialog(this.#core, request, leg, from);
  }

  /** Sends a request of our own to a contact, the way that forwarded ones go to it. */
  deliver(draft: Draft, binding: Binding): Promise<Delivery> {
    return this.#deliverer.deliver(draft, binding);
  }

  /**
   * @returns 100 for a request that was forwarded, the status of the answer for one that was not, 0 for an ACK that ended
   *   here, `undefined` for what is not for a proxy
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
    const isAck = request.method === "ACK";
    // what was refused here without state, after it came back to us, is acknowledged by us to ourselves
    if (isAck && this.#core.sender.sentByUs(request)) return 0;
    const judged = judge(this.#core, request, origin);
    if (!judged.ok) {
      this.#refused++;
      return refuse(this.#core, request, origin, judged);
    }
    const { plan, verdict } = judged.value;
    switch (verdict.kind) {
      case "self":
        return undefined;
      case "there":
        return isAck
          ? this.#acknowledge(plan, verdict.destination)
          : this.#forward(plan, [[[verdict.destination]]]);
      case "location":
        return isAck ? this.#acknowledgeUser(plan, verdict) : this.#toUser(plan, verdict, origin);
    }
  }

  /** §16.5: the target set comes from the location service. */
  #toUser(plan: Plan, meant: Meant, origin: Origin): MaybePromise<number> {
    const core = this.#core;
    const found = core.locator.find(meant.uri, origin.identity);
    if (!(found instanceof Promise))
      return this.#found(plan, origin, targetsOf(core, plan, meant, found, origin.identity));
    // the transaction absorbs what comes again while the store is asked
    const context = this.#open(plan);
    if (typeof context === "number") return context;
    return found.then((late) => {
      const targets = targetsOf(core, plan, meant, late, origin.identity);
      if (targets.ok) context.start(targets.value);
      else context.refuse(targets);
      return targets.ok ? 100 : targets.status;
    });
  }

  #found(plan: Plan, origin: Origin, targets: Result<readonly Group[]>): number {
    if (targets.ok) return this.#forward(plan, targets.value);
    this.#refused++;
    return refuse(this.#core, plan.request, origin, targets);
  }

  #forward(plan: Plan, groups: readonly Group[]): number {
    const context = this.#open(plan);
    if (typeof context === "number") return context;
    context.start(groups);
    return 100;
  }

  /** The response context of a request with its server transaction; a status when there can be none. */
  #open(plan: Plan): ResponseContext | number {
    const { transactions } = this.#core.sender;
    const context = new ResponseContext(this.#services, plan);
    const { request, leg, from } = plan;
    const server = transactions.server(request, leg, from, context);
    if (server === "full") return 503;
    if (server === "exists") {
      transactions.receive(request, leg, from);
      return 100;
    }
    context.attach(server);
    this.#pending++;
    this.#forwarded++;
    return context;
  }

  /** §16.6: an ACK to a 2xx goes on without a transaction; when it cannot, nobody is told (§17). */
  #acknowledge(plan: Plan, destination: Destination): MaybePromise<number> {
    const { breadth = plan.maxBreadth } = destination;
    if (breadth === 0) return 0;
    const { sender, copier } = this.#core;
    const branch = `${sender.statelessBranch(plan.request)}${plan.mark}`;
    const sent = sender.sendOnce(destination.hop, plan.leg, (way) =>
      copier.write(plan, destination, way, branch, breadth),
    );
    return chain(sent, (gone) => (gone ? 100 : 0));
  }

  /**
   * An ACK that follows no route set but names the user once more (a caller that heeds neither Contact nor Record-Route,
   * against §12.2.1.1): it goes to whom the INVITE went, and those who did not send the 2xx ignore it. One to an answer of
   * our own that was sent without state ends here. Or one that names a GRUU of ours.
   */
  #acknowledgeUser(plan: Plan, meant: Meant): MaybePromise<number> {
    const core = this.#core;
    const { toTag } = plan.request;
    if (toTag === undefined || toTag === statelessTag(core.key, plan.request)) return 0;
    return chain(core.locator.find(meant.uri, undefined), (found) => {
      const targets = targetsOf(core, plan, meant, found, undefined);
      if (!targets.ok) return 0;
      for (const [destination] of targets.value.flat())
        if (destination !== undefined) void this.#acknowledge(plan, destination);
      return 100;
    });
  }
}
