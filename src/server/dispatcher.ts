import type { Binding } from "../location/binding.js";
import { checkRequest } from "../message/check.js";
import { isBlank } from "../message/grammar.js";
import { unmapped } from "../message/host.js";
import { DEFAULT_LIMITS, type MessageLimits } from "../message/limits.js";
import type { SipRequest } from "../message/message.js";
import { parseMessage } from "../message/parse.js";
import { answerVia, respond } from "../message/respond.js";
import type { HeaderField, MaybePromise } from "../message/result.js";
import { bareHost } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Entropy } from "../port/entropy.js";
import type { Endpoint, Flow, Leg, LegEvents, Transport } from "../port/leg.js";
import { type Log, NO_LOG } from "../port/log.js";
import type { Receiver } from "../port/receiver.js";
import { Deliverer, type Delivery, type Draft } from "../proxy/deliver.js";
import { type Resolve, resolveLiterals } from "../proxy/hop.js";
import { LostFlows } from "../proxy/lost-flows.js";
import { Self } from "../proxy/self.js";
import { Sender } from "../proxy/sender.js";
import { sipHashKey } from "../proxy/siphash.js";
import { TransactionLayer } from "../transaction/layer.js";
import { type DispatcherCounters, dispatcherCounters } from "./counters.js";
import { isKnownMethod, lastWord } from "./last-word.js";
import { ownHosts } from "./own-hosts.js";
import { systemClock, systemEntropy } from "./system.js";

export interface DispatcherOptions {
  /** Where it listens and sends, in order of preference. */
  readonly legs: readonly Leg[];
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  readonly log?: Log;
  readonly limits?: MessageLimits;
  /** Most server transactions at once, and half of the most client transactions; 250,000 when not given. */
  readonly maxTransactions?: number;
  /** May this peer be heard at all? Everybody when not given. */
  readonly admits?: (remote: Endpoint, transport: Transport) => boolean;
  /** Finds servers by DNS (RFC 3263), for what `deliver` sends through a Path; addresses alone when not given. */
  readonly resolve?: Resolve;
}

/** What the receivers behind a dispatcher can do, for its last word. */
export interface Announced {
  /** Methods for Allow; REGISTER and OPTIONS when not given. */
  readonly allow?: readonly string[];
  /** Option tags for Supported; none when not given. */
  readonly supported?: readonly string[];
  /** Is this domain one that the server speaks for? Its own addresses always are. Every domain when not given. */
  readonly isOwnDomain?: (domain: string) => boolean;
}

const OPTION_NAMES: ReadonlySet<string> = new Set(
  "legs clock entropy log limits maxTransactions admits resolve".split(" "),
);

const COPIED: readonly string[] = ["from", "to", "call-id", "cseq"];

/**
 * Between the legs and the receive chain, after Net::SIP::Dispatcher: parses what arrives, gives responses and
 * retransmissions to their transactions, hands every other packet to the receiver, and speaks the last word on a request
 * that nobody took. Owns its legs: `start` binds them, `close` closes them.
 */
export class Dispatcher implements DispatcherPort {
  readonly legs: readonly Leg[];
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly transactions: TransactionLayer;
  readonly counters: DispatcherCounters = dispatcherCounters();
  /** UDP flows that the network says lead nowhere. */
  readonly lostFlows = new LostFlows();
  readonly #options: DispatcherOptions;
  readonly #limits: MessageLimits;
  readonly #log: Log;
  readonly #connections = new Map<string, { leg: Leg; flow: Flow }>();
  readonly #closedListeners = new Set<(flow: Flow) => void>();
  /** Packets whose receivers answer later, and who waits for all of them. */
  #underWay = 0;
  #onIdle: (() => void) | undefined;
  readonly #deliverer: Deliverer;
  #receiver: Receiver | undefined;
  #announced: Announced = {};
  #closing = false;

  /** @throws TypeError for an unknown option, and when there is no leg */
  constructor(options: DispatcherOptions) {
    for (const name of Object.keys(options)) {
      if (!OPTION_NAMES.has(name)) throw new TypeError(`Dispatcher: unknown option ${name}`);
    }
    if (!Array.isArray(options.legs) || options.legs.length === 0)
      throw new TypeError("Dispatcher: legs is mandatory");
    this.#options = options;
    this.legs = options.legs;
    this.clock = options.clock ?? systemClock;
    this.entropy = options.entropy ?? systemEntropy();
    this.#limits = options.limits ?? DEFAULT_LIMITS;
    this.#log = options.log ?? NO_LOG;
    this.transactions = new TransactionLayer({
      clock: this.clock,
      entropy: this.entropy,
      answered: (method, status) => this.counters.answered(method, status),
      ...(options.maxTransactions === undefined
        ? {}
        : { maxServers: options.maxTransactions, maxClients: 2 * options.maxTransactions }),
    });
    this.#deliverer = new Deliverer(
      new Sender({
        dispatcher: this,
        self: new Self({ legs: this.legs, hosts: ownHosts(this.legs) }),
        resolve: options.resolve ?? resolveLiterals,
        key: sipHashKey(this.entropy.hex(16)),
      }),
      "source",
    );
  }

  /** Names the receiver of all packets, usually a {@link ReceiveChain}, and what it can do. */
  setReceiver(receiver: Receiver, announced: Announced = {}): void {
    if (typeof receiver?.receive !== "function")
      throw new TypeError("Dispatcher: a receiver needs a receive method");
    this.#receiver = receiver;
    this.#announced = announced;
  }

  /**
   * Sends a request of our own to a contact: through its Path, over its flow, or to its address (RFC 3327 §5.4, RFC 5626 §7).
   * Resolves when the outcome is known, at most 64*T1 (32 s) after the last try.
   */
  deliver(request: Draft, binding: Binding): Promise<Delivery> {
    return this.#deliverer.deliver(request, binding);
  }

  /** Binds every leg; when one cannot be bound, those already bound are closed and its error is thrown. */
  async start(): Promise<void> {
    const events = this.#events();
    const started: Leg[] = [];
    try {
      for (const leg of this.legs) {
        await leg.start(events);
        started.push(leg);
      }
    } catch (error) {
      await Promise.allSettled(started.map((leg) => leg.close()));
      throw error;
    }
  }

  /** Takes nothing new, lets what is under way be answered, and closes every leg. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#underWay > 0)
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    this.transactions.close();
    await Promise.allSettled(this.legs.map((leg) => leg.close()));
  }

  findFlow(token: string): { readonly leg: Leg; readonly flow: Flow } | undefined {
    return this.#connections.get(token);
  }

  onFlowClosed(listener: (flow: Flow) => void): () => void {
    this.#closedListeners.add(listener);
    return () => this.#closedListeners.delete(listener);
  }

  #events(): LegEvents {
    const { admits } = this.#options;
    return {
      message: (text, from, leg) => this.#message(text, from, leg),
      malformed: (text, status, reason, from, leg) => this.#malformed(text, status, reason, from, leg),
      flowClosed: (flow) => this.#flowClosed(flow),
      unreachable: (peer) => this.#unreachable(peer),
      fault: (error, leg) =>
        this.#log.debug({ transport: leg.transport, error: error.message }, "transport fault"),
      ...(admits === undefined ? {} : { admits }),
    };
  }

  /** RFC 5626 §7: an ICMP that answers no request of ours says nothing. */
  #unreachable(peer: Flow): void {
    if (!this.transactions.unreachable(peer) || !this.lostFlows.add(peer, this.clock.nowMs())) return;
    this.#log.debug({ peer: peer.token }, "the network says that a request did not arrive");
  }

  #flowClosed(flow: Flow): void {
    this.#connections.delete(flow.token);
    this.transactions.flowClosed(flow);
    for (const listener of this.#closedListeners) listener(flow);
  }

  /** The way of a message: parse, transactions, receivers, last word. */
  #message(text: string, from: Flow, leg: Leg): void {
    if (this.#closing) return;
    if (from.isConnection && from.alive && !this.#connections.has(from.token)) {
      this.#connections.set(from.token, { leg, flow: from });
    }
    if (!from.isConnection) this.lostFlows.heard(from);
    const parsed = parseMessage(text, this.#limits);
    if (!parsed.ok) {
      if (parsed.request === undefined) this.counters.dropped++;
      else this.#refuse(parsed.request, leg, from, parsed.status, parsed.reason, []);
      return;
    }
    const { message } = parsed;
    if (message.kind === "request") {
      const sound = checkRequest(message, isKnownMethod);
      if (!sound.ok) {
        this.#refuse(message, leg, from, sound.status, sound.reason, sound.headers);
        return;
      }
      if (message.method !== "REGISTER" && this.transactions.receive(message, leg, from)) return;
    } else if (message.via === undefined || message.cseq === undefined) {
      this.counters.dropped++;
      return;
    } else if (this.transactions.receive(message, leg, from)) return;

    let answer: MaybePromise<number | undefined>;
    try {
      answer = this.#receiver?.receive(message, leg, from, {});
    } catch (error) {
      this.#broken(message, leg, from, error);
      return;
    }
    if (answer instanceof Promise) this.#track(answer, message, leg, from);
    else this.#done(answer, message, leg, from);
  }

  #track(
    answer: Promise<number | undefined>,
    message: Parameters<Receiver["receive"]>[0],
    leg: Leg,
    from: Flow,
  ): void {
    this.#underWay++;
    answer.then(
      (status) => {
        this.#settled();
        this.#done(status, message, leg, from);
      },
      (error: unknown) => {
        this.#settled();
        this.#broken(message, leg, from, error);
      },
    );
  }

  #settled(): void {
    if (--this.#underWay === 0) this.#onIdle?.();
  }

  #done(status: number | undefined, message: Parameters<Receiver["receive"]>[0], leg: Leg, from: Flow): void {
    if (message.kind === "response") {
      if (status === undefined) this.counters.strayResponses++;
      return;
    }
    if (status !== undefined) {
      if (status === 0) this.counters.dropped++;
      // a provisional one: its transaction tells of the final answer
      else if (status >= 200) this.counters.answered(message.method, status);
      return;
    }
    if (message.method === "ACK") return;
    const word = lastWord(message, {
      allow: this.#announced.allow ?? ["REGISTER", "OPTIONS"],
      supported: this.#announced.supported ?? [],
      isOwnHost: (host, port) => this.#isOwnHost(host, port),
    });
    if (word.ok) this.#answer(message, leg, from, 200, "OK", word.value);
    else this.#answer(message, leg, from, word.status, word.reason, word.headers);
  }

  /** A receiver failed: our own bug, answered with 500 so that the peer need not guess. */
  #broken(message: Parameters<Receiver["receive"]>[0], leg: Leg, from: Flow, error: unknown): void {
    this.#log.error(
      { error: error instanceof Error ? (error.stack ?? error.message) : String(error) },
      "a receiver failed",
    );
    if (message.kind === "request") this.#refuse(message, leg, from, 500, "Server Internal Error", []);
  }

  #malformed(text: string, status: number, reason: string, from: Flow, leg: Leg): void {
    const parsed = parseMessage(wholeLines(text), this.#limits);
    const request = parsed.ok
      ? parsed.message.kind === "request"
        ? parsed.message
        : undefined
      : parsed.request;
    // what lacks a header field that every response copies (RFC 3261 §8.2.6.2) cannot be answered
    if (request === undefined || !COPIED.every((name) => request.headers.has(name))) this.counters.dropped++;
    else this.#refuse(request, leg, from, status, reason, []);
  }

  /** An error answer to a request that went no further; an ACK is never answered, nor what names no way back. */
  #refuse(
    request: SipRequest,
    leg: Leg,
    from: Flow,
    status: number,
    reason: string,
    headers: readonly HeaderField[],
  ): void {
    if (request.method === "ACK" || answerVia(request) === undefined) this.counters.dropped++;
    else this.#answer(request, leg, from, status, reason, headers);
  }

  #answer(
    request: SipRequest,
    leg: Leg,
    from: Flow,
    status: number,
    reason: string,
    headers: readonly HeaderField[],
  ): void {
    const via = answerVia(request);
    if (via === undefined) return;
    this.counters.answered(request.method, status);
    const toTag = this.entropy.hex(8);
    leg.respond(respond(request, from, { status, reason, toTag, headers }), via, from);
  }

  #isOwnHost(host: string, port: number | null): boolean {
    for (const { local } of this.legs) {
      const anyAddress = local.address === "0.0.0.0" || local.address === "::";
      if (
        (unmapped(host) === unmapped(bareHost(local.address)) || anyAddress) &&
        (port === null || port === local.port)
      )
        return true;
    }
    return this.#announced.isOwnDomain?.(host) ?? true;
  }
}

/** The header lines that are there to their end: where the empty line is missing, the last may be cut off or go on (§7.3.1). */
function wholeLines(text: string): string {
  if (text.includes("\r\n\r\n")) return text;
  let end = text.lastIndexOf("\r\n");
  while (end > 0 && (end + 2 === text.length || isBlank(text.charCodeAt(end + 2))))
    end = text.lastIndexOf("\r\n", end - 1);
  return end < 0 ? text : text.slice(0, end + 2);
}
