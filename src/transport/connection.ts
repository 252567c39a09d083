import type { Socket } from "node:net";
import type { FrameSink } from "../message/framing.js";
import type { Clock } from "../port/clock.js";
import type { DropReason, Endpoint, Flow, Leg, LegEvents, SendResult, Transport } from "../port/leg.js";
import type { Channel } from "./channel.js";
import type { ConnectionLimits } from "./connection-options.js";
import { type ConnectionFacts, type ConnectionState, judge } from "./connection-policy.js";
import type { MutableCounters } from "./counters.js";

/** What a connection needs of the leg that it belongs to. */
export interface ConnectionHost {
  readonly leg: Leg;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly counters: MutableCounters;
  readonly events: LegEvents;
  /** Handshakes are done, the connection carries messages. */
  opened(connection: Connection): void;
  /** The connection can be used no more; its socket may live on for a goodbye. */
  ended(connection: Connection): void;
  /** The socket is gone. */
  gone(connection: Connection): void;
}

export interface ConnectionOrigin {
  readonly transport: Transport;
  readonly remote: Endpoint;
  readonly local: Endpoint;
  readonly token: string;
  readonly isOutgoing: boolean;
  /** Name that an outgoing connection was checked for. */
  readonly serverName: string | undefined;
}

type MutableFacts = { -readonly [Fact in keyof ConnectionFacts]: ConnectionFacts[Fact] };

/**
 * One connection as a flow (RFC 5626 §2), from accept to the end of its socket. Every way out of it ends in `ended`, so that
 * `flowClosed` comes once, after the last message and with `alive` false.
 */
export class Connection implements Flow, FrameSink {
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
  readonly local: Endpoint;
  readonly token: string;
  readonly serverName: string | undefined;
  readonly #host: ConnectionHost;
  readonly #socket: Socket;
  readonly #facts: MutableFacts;
  #channel: Channel | undefined;
  #peerIdentities: readonly string[] = [];
  #lastProgress = 0;
  /** Requests of the peer that no final response was sent to yet. */
  #unanswered = 0;

  constructor(host: ConnectionHost, socket: Socket, origin: ConnectionOrigin) {
    this.#host = host;
    this.#socket = socket;
    this.transport = origin.transport;
    this.address = origin.remote.address;
    this.port = origin.remote.port;
    this.local = origin.local;
    this.token = origin.token;
    this.serverName = origin.serverName;
    const nowMs = host.clock.nowMs();
    this.#facts = {
      state: "handshake",
      isOutgoing: origin.isOutgoing,
      hasSpoken: false,
      isRetained: false,
      stateSinceMs: nowMs,
      openedAtMs: nowMs,
      lastActiveMs: nowMs,
      partialSinceMs: 0,
      stalledSinceMs: 0,
      lastPingMs: nowMs,
      unansweredPings: 0,
    };
    // a socket without a listener for its errors would end the process
    socket.on("error", (error) => this.fault(error));
    socket.once("close", () => this.#closed());
  }

  get isConnection(): true {
    return true;
  }

  get alive(): boolean {
    return this.#facts.state === "open";
  }

  get peerIdentity(): string | null {
    return this.#peerIdentities[0] ?? null;
  }

  /** Domains that the peer's verified certificate speaks for (RFC 5922 §7.1). */
  get peerIdentities(): readonly string[] {
    return this.#peerIdentities;
  }

  /** Handshakes are done: this is the way to the peer. */
  open(channel: Channel, peerIdentities: readonly string[]): void {
    if (this.#facts.state !== "handshake") return;
    this.#channel = channel;
    this.#peerIdentities = peerIdentities;
    this.#enter("open");
    this.#host.opened(this);
  }

  retain(isRetained: boolean): void {
    this.#facts.isRetained = isRetained;
  }

  /** Sends a message while the peer can be expected to act on it. */
  send(text: string): SendResult {
    return this.#facts.state === "open" ? this.#write(text) : "flow-dead";
  }

  /** Sends a response; a peer that half-closed its side after the request gets it too. */
  answer(text: string): SendResult {
    const { state } = this.#facts;
    if (state !== "open" && state !== "draining") return "flow-dead";
    const result = this.#write(text);
    if (!isProvisional(text) && this.#unanswered > 0) this.#unanswered--;
    if (this.#unanswered === 0 && state === "draining") this.end();
    return result;
  }

  #write(text: string): SendResult {
    const { counters, limits, clock } = this.#host;
    if (text.length > limits.maxQueueOctets) {
      counters.dropped["too-large"]++;
      return "too-large";
    }
    if (this.#channel!.queuedOctets + text.length > limits.maxQueueOctets) {
      this.drop("overloaded");
      return "overloaded";
    }
    if (!this.#channel!.write(text)) {
      this.drop("send-failed");
      return "flow-dead";
    }
    counters.sent++;
    this.#facts.lastActiveMs = clock.nowMs();
    return "sent";
  }

  message(text: string): void {
    if (this.#facts.state !== "open") return;
    const { counters, clock, events, leg } = this.#host;
    counters.received++;
    this.#facts.hasSpoken = true;
    this.#facts.partialSinceMs = 0;
    this.#facts.lastActiveMs = clock.nowMs();
    if (wantsAnswer(text)) this.#unanswered++;
    events.message(text, this, leg);
  }

  /** RFC 5626 §4.4.1: a CRLF at once. */
  ping(): void {
    if (this.#facts.state !== "open") return;
    this.keptAlive();
    if (this.#channel!.queuedOctets >= this.#host.limits.maxQueueOctets) this.drop("overloaded");
    else this.#channel!.write("\r\n");
  }

  /** The peer wants the connection to stay, and was answered already (a WebSocket ping). */
  keptAlive(): void {
    this.#host.counters.keepAlives++;
    this.#facts.lastActiveMs = this.#host.clock.nowMs();
  }

  /** A lone CRLF asks for nothing (RFC 3261 §7.5); a WebSocket pong shows that the peer is there. */
  pong(): void {
    this.#facts.unansweredPings = 0;
  }

  /** Framing is lost. What is not whole is answered as far as it can be read; what came before it is still answered, too. */
  malformed(text: string, status: number, reason: string): void {
    if (this.#facts.state !== "open") return;
    const { counters, events, leg } = this.#host;
    counters.dropped.malformed++;
    const unanswered = this.#unanswered;
    events.malformed(text, status, reason, this, leg);
    // an answer to what is not whole is none to a request that was counted
    this.#unanswered = unanswered;
    if (unanswered === 0) this.end();
    else this.#drain();
  }

  /** The peer broke the rules of what carries the messages; the channel closes by itself. */
  violated(reason: "malformed" | "too-large", error: Error): void {
    this.#host.counters.dropped[reason]++;
    this.fault(error);
  }

  /** The octets that came together are dealt with. */
  chunkEnd(isPartial: boolean): void {
    if (!isPartial) this.#facts.partialSinceMs = 0;
    else if (this.#facts.partialSinceMs === 0) this.#facts.partialSinceMs = this.#host.clock.nowMs();
    this.#host.events.batchEnd?.();
  }

  /** The peer sends nothing more. Answers to what it sent may still be under way; requests no longer reach it. */
  peerEnded(): void {
    if (this.#facts.state !== "open") return;
    if (this.#unanswered === 0) {
      // over plain TCP nothing is left to say, and many may hang up at once; TLS owes its peer a closing alert
      if (this.transport === "tcp" && this.#channel!.queuedOctets === 0) this.drop(undefined);
      else this.end();
      return;
    }
    this.#drain();
  }

  /** Nothing more is read; what was read is answered. */
  #drain(): void {
    if (this.#facts.state !== "open") return;
    this.#enter("draining");
    this.#host.ended(this);
  }

  /** Closes from this side: what is queued goes out first. */
  end(): void {
    const { state } = this.#facts;
    if (state === "handshake") this.drop(undefined);
    if (state !== "open" && state !== "draining") return;
    this.#enter("ending");
    this.#channel!.end();
    if (state === "open") this.#host.ended(this);
  }

  /** Closes at once; what is queued is lost. */
  drop(reason: DropReason | undefined): void {
    const { state } = this.#facts;
    if (state === "closed") return;
    if (reason !== undefined) this.#host.counters.dropped[reason]++;
    this.#enter("closed");
    this.#socket.destroy();
    if (state === "open") this.#host.ended(this);
  }

  fault(error: Error): void {
    this.#host.events.fault?.(error, this.#host.leg);
  }

  /** Looks at the bounds in time; called now and then. */
  check(nowMs: number): void {
    this.#watchQueue(nowMs);
    const verdict = judge(this.#facts, nowMs, this.#host.limits);
    switch (verdict) {
      case "keep":
        return;
      case "ping":
        this.#askForLife(nowMs);
        return;
      case "end":
        this.end();
        return;
      case "end-idle":
        this.#host.counters.dropped.idle++;
        this.end();
        return;
      case "drop-handshake":
        this.drop("handshake");
        return;
      case "drop-overloaded":
        this.drop("overloaded");
        return;
      case "drop-dead":
        this.drop(undefined);
        return;
    }
  }

  #askForLife(nowMs: number): void {
    this.#facts.lastPingMs = nowMs;
    this.#facts.unansweredPings++;
    this.#channel?.ping?.();
  }

  #watchQueue(nowMs: number): void {
    const channel = this.#channel;
    if (channel === undefined || channel.queuedOctets === 0) {
      this.#facts.stalledSinceMs = 0;
      return;
    }
    const { progress } = channel;
    if (this.#facts.stalledSinceMs === 0 || progress !== this.#lastProgress)
      this.#facts.stalledSinceMs = nowMs;
    this.#lastProgress = progress;
  }

  #closed(): void {
    const { state } = this.#facts;
    if (state === "handshake") this.#host.counters.dropped.handshake++;
    this.#enter("closed");
    if (state === "open") this.#host.ended(this);
    this.#channel = undefined;
    this.#host.gone(this);
  }

  #enter(state: ConnectionState): void {
    this.#facts.state = state;
    this.#facts.stateSinceMs = this.#host.clock.nowMs();
  }
}

/** Every request but ACK is answered (RFC 3261 §17). */
function wantsAnswer(text: string): boolean {
  return !text.startsWith("SIP/") && !text.startsWith("ACK ");
}

/** `SIP/2.0 1xx` */
function isProvisional(response: string): boolean {
  return response.charCodeAt(8) === 0x31;
}
