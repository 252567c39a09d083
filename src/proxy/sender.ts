import { aorOf } from "../location/aor.js";
import { parseDigits } from "../message/grammar.js";
import type { SipRequest, SipResponse } from "../message/message.js";
import { param } from "../message/params.js";
import { chain, type MaybePromise, ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { branchOf, MAGIC_COOKIE } from "../message/via.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Way } from "../transaction/client.js";
import type { TransactionLayer } from "../transaction/layer.js";
import { type Hop, literalServer, type MarkFailed, type Resolve, type Server } from "./hop.js";
import type { Self } from "./self.js";
import { type SipHashKey, sipHash } from "./siphash.js";

/** What is behind the transactions of a proxy: the dispatcher with its transaction layer. */
export interface ProxyDispatcher extends DispatcherPort {
  readonly transactions: TransactionLayer;
}

export interface SenderOptions {
  readonly dispatcher: ProxyDispatcher;
  readonly self: Self;
  readonly resolve: Resolve;
  /** See `ProxyOptions.markFailed`. */
  readonly markFailed?: MarkFailed | undefined;
  /** Are servers to be found in the same order each time (RFC 3263 §4.4)? */
  readonly stable?: boolean;
  readonly key: SipHashKey;
}

/** One thing to try on the way to a hop: a flow that is there, or a server still to be connected to. */
export type Step = Way | { readonly leg: Leg; readonly server: Server; readonly isResolved: boolean };

/** Finds ways to next hops, and names branches. */
export class Sender {
  readonly dispatcher: ProxyDispatcher;
  readonly self: Self;
  readonly #resolve: Resolve;
  readonly #markFailed: MarkFailed | undefined;
  readonly #how: { readonly stable: boolean };
  readonly #key: SipHashKey;
  /** Two senders may share a key, and one may be followed by another with the same key. */
  readonly #nonce: string;
  #branches = 0;

  constructor(options: SenderOptions) {
    this.dispatcher = options.dispatcher;
    this.self = options.self;
    this.#resolve = options.resolve;
    this.#markFailed = options.markFailed;
    this.#how = { stable: options.stable === true };
    this.#key = options.key;
    this.#nonce = options.dispatcher.entropy.hex(8);
  }

  get transactions(): TransactionLayer {
    return this.dispatcher.transactions;
  }

  /**
   * The steps to try for a hop, in order.
   * @param near leg that the request came in on; preferred where it fits
   * @returns 430 for a connection that is gone, 503 when no leg of ours gets there, or what the resolver says
   */
  steps(hop: Hop, near: Leg | undefined): MaybePromise<Result<readonly Step[]>> {
    switch (hop.kind) {
      case "connection": {
        const way = this.dispatcher.findFlow(hop.token);
        return way?.flow.alive === true ? ok([way]) : reject(430, "Flow Failed");
      }
      case "udp":
        return this.#servers([{ transport: "udp", ...hop.peer }], near, false);
      case "uri": {
        const known = this.self.ownServer(hop.uri) ?? literalServer(hop.uri);
        if (known !== undefined) return known.ok ? this.#servers(known.value, near, false) : known;
        return chain(this.#resolve(hop.uri, this.#how), (found) =>
          found.ok ? this.#servers(found.value, near, true) : found,
        );
      }
    }
  }

  #servers(servers: readonly Server[], near: Leg | undefined, isResolved: boolean): Result<readonly Step[]> {
    const steps: Step[] = [];
    for (const server of servers) {
      const leg = this.self.legFor(server.transport, server.address, near);
      if (leg !== undefined) steps.push({ leg, server, isResolved });
    }
    return steps.length > 0 ? ok(steps) : reject(503, "No Way To Next Hop");
  }

  /** The flow of a step; `undefined` when none can be had. */
  way(step: Step): MaybePromise<Way | undefined> {
    if ("flow" in step) return step;
    const { leg, server } = step;
    const options = server.serverName === undefined ? {} : { serverName: server.serverName };
    let flow: Flow | Promise<Flow>;
    try {
      flow = leg.connect(server, options);
    } catch {
      this.failed(step);
      return undefined;
    }
    if (!(flow instanceof Promise)) return { leg, flow };
    return flow.then(
      (connected) => ({ leg, flow: connected }),
      () => {
        this.failed(step);
        return undefined;
      },
    );
  }

  /**
   * Tells the resolver that a server it found is of no use now (RFC 3263 §4.3).
   * @param response its 503, if there is one
   */
  failed(step: Step, response?: SipResponse): void {
    if (this.#markFailed === undefined || "flow" in step || !step.isResolved) return;
    this.#markFailed(step.server, response === undefined ? undefined : retryAfterSec(response));
  }

  /** Sends a text over the first step that takes it, without a transaction. Resolves to whether one did. */
  sendOnce(hop: Hop, near: Leg | undefined, write: (way: Way) => string): MaybePromise<boolean> {
    const found = this.steps(hop, near);
    if (found instanceof Promise)
      return found.then(
        (late) => this.#sendFirst(late, write),
        () => false,
      );
    if (!found.ok) return false;
    if (found.value.length === 1) {
      const way = this.way(found.value[0]!);
      if (!(way instanceof Promise)) return sendOver(way, write);
    }
    return this.#sendFirst(found, write);
  }

  async #sendFirst(found: Result<readonly Step[]>, write: (way: Way) => string): Promise<boolean> {
    if (!found.ok) return false;
    for (const step of found.value) if (sendOver(await this.way(step), write)) return true;
    return false;
  }

  /**
   * A branch that was never used before and that nobody can guess (RFC 3261 §8.1.1.7).
   * @param mark see {@link loopMark}, behind which it ends; `""` without one
   */
  newBranch(mark: string): string {
    const count = (this.#branches++).toString(36);
    // a loop mark is a keyed hash already
    const secret = mark === "" ? sipHash(this.#key, `branch ${this.#nonce} ${count}`) : mark;
    return `${MAGIC_COOKIE}${this.#nonce}${count}${secret}`;
  }

  /**
   * Did a client transaction of ours send this? An ACK that did is one to a final response but 2xx, and goes no further than
   * to who gave that (RFC 3261 §17.1.1.3).
   */
  sentByUs({ via }: SipRequest): boolean {
    return via !== undefined && branchOf(via)?.startsWith(`${MAGIC_COOKIE}${this.#nonce}`) === true;
  }

  /** The branch of what is forwarded without state: the same each time the request comes (§16.11). */
  statelessBranch(request: SipRequest): string {
    const received = request.via === undefined ? undefined : branchOf(request.via);
    const name = received?.startsWith(MAGIC_COOKIE)
      ? received
      : `${request.headers.get("via")} ${request.toTag} ${request.fromTag} ${request.callId} ${request.cseq?.sequence} ${request.uri}`;
    return `${MAGIC_COOKIE}${sipHash(this.#key, `stateless ${name}`)}`;
  }

  /**
   * What tells a loop from a spiral (RFC 5393 §4.2.1): a keyed hash of what decides the way of a request, with Call-ID, and the
   * CSeq number, so that a collision does not last. The method is not in it. For a user of ours the address-of-record
   * decides, and which GRUU of it: URI parameters that change from one pass to the next, as those of contacts do that lead
   * back here, make no spiral. For all else it is the Request-URI, Route as received, and the leg it came in on (§16.4
   * looks at it).
   * @param user the Request-URI when it means a user of ours
   */
  loopMark(request: SipRequest, leg: Leg, user: SipUri | undefined): string {
    const way =
      user === undefined ? wayOf(request, leg) : `aor ${aorOf(user)} ${param(user.params, "gr") ?? ""}`;
    const text = `loop ${way} ${request.callId} ${request.cseq?.sequence ?? ""}`;
    return `-${sipHash(this.#key, text).slice(0, 12)}`;
  }
}

function wayOf({ headers, uri }: SipRequest, { transport, local }: Leg): string {
  const route = headers.count("route") > 1 ? headers.all("route").join() : (headers.get("route") ?? "");
  return `${transport} ${local.port} ${uri} ${route}`;
}

/** Seconds of Retry-After, without the comment or parameters behind them (§20.33). */
function retryAfterSec({ headers }: SipResponse): number | undefined {
  const value = headers.get("retry-after");
  return value === undefined ? undefined : parseDigits(/^\d*/.exec(value)![0]);
}

function sendOver(way: Way | undefined, write: (way: Way) => string): boolean {
  return way !== undefined && way.leg.send(write(way), way.flow) === "sent";
}

/** A To tag for answers without state: the same each time the request comes (RFC 3261 §8.2.7). */
export function statelessTag(key: SipHashKey, request: SipRequest): string {
  const branch = request.via === undefined ? "" : branchOf(request.via);
  return sipHash(key, `tag ${branch} ${request.callId} ${request.cseq?.sequence ?? ""}`);
}
