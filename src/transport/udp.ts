import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { setImmediate as nextTurn } from "node:timers/promises";
import { bareHost, type Via } from "../message/via.js";
import type { Endpoint, Flow, Leg, LegCounters, LegEvents, SendResult } from "../port/leg.js";
import { bindAddress } from "./address.js";
import { legCounters } from "./counters.js";
import { DATAGRAM_OCTETS, datagramKind, messageText } from "./datagram.js";
import { loadNativeUdp } from "./native.js";
import { checkOptionNames } from "./options.js";
import { type ResponseAddress, responseAddress } from "./response-address.js";
import { stunResponse } from "./stun.js";
import { batchedUdp } from "./udp-batched.js";
import { UdpFlow, udpFlowTo } from "./udp-flow.js";

export interface UdpOptions {
  /** Address to bind, or a host name that resolves to one of this machine. */
  readonly host: string;
  /** Port to bind; 0 for any. */
  readonly port: number;
  /** Largest message sent or taken in; 65,507 (what fits a datagram over IPv4) unless given. */
  readonly maxMessageOctets?: number;
  /** Socket buffer that the system keeps datagrams in until they are read; the system's own size when not given. */
  readonly recvBufferBytes?: number;
  readonly sendBufferBytes?: number;
  /** Octets that may wait when the system takes no more datagrams; then `overloaded`. 1 MiB unless given. */
  readonly maxQueueOctets?: number;
  /** Lets several sockets bind the port, and the system spread datagrams over them (SO_REUSEPORT); without `batched` from Node 22.12 on. */
  readonly reusePort?: boolean;
  /** Many datagrams per system call, by the addon of `native/`: `auto` where it is built, `true` never without it. `auto` unless given. */
  readonly batched?: "auto" | boolean;
}

const OPTION_NAMES = [
  "host",
  "port",
  "maxMessageOctets",
  "recvBufferBytes",
  "sendBufferBytes",
  "maxQueueOctets",
  "reusePort",
  "batched",
] as const satisfies readonly (keyof UdpOptions)[];

const QUEUE_OCTETS = 1024 * 1024;
/** The queue of the socket is looked at once in so many messages. */
const QUEUE_CHECK_EVERY = 32;
/** Turns of the event loop that `close` waits for a queue to drain. */
const CLOSE_TURNS = 100;

/**
 * A leg on one UDP socket (RFC 3261 §18). Answers STUN Binding requests and takes CRLF keep-alives itself (RFC 5626 §8).
 * @throws TypeError for an unknown option, Error when `batched: true` cannot be had
 */
export function udp(options: UdpOptions): Leg {
  checkOptionNames("udp", options, OPTION_NAMES);
  const { batched = "auto" } = options;
  if (batched === false) return new UdpLeg(options);
  const { addon, reason } = loadNativeUdp();
  if (addon !== undefined) return batchedUdp(options, addon);
  if (batched === true) throw new Error(`udp: batched, yet the addon is not to be had: ${reason}`);
  return new UdpLeg(options);
}

class UdpLeg implements Leg {
  readonly transport = "udp";
  readonly engine = "dgram";
  readonly #counters = legCounters();
  readonly #options: UdpOptions;
  readonly #maxMessageOctets: number;
  readonly #maxQueueOctets: number;
  #local: Endpoint;
  #socket: Socket | undefined;
  #events: LegEvents | undefined;
  #batchPending = false;
  #sendsToCheck = 0;
  #queueFull = false;
  #multicastTtl = 1;

  constructor(options: UdpOptions) {
    this.#options = options;
    this.#maxMessageOctets = Math.min(options.maxMessageOctets ?? DATAGRAM_OCTETS, DATAGRAM_OCTETS);
    this.#maxQueueOctets = options.maxQueueOctets ?? QUEUE_OCTETS;
    this.#local = { address: bareHost(options.host), port: options.port };
  }

  get local(): Endpoint {
    return this.#local;
  }

  get counters(): LegCounters {
    return this.#counters;
  }

  async start(events: LegEvents): Promise<void> {
    if (this.#socket !== undefined) throw new Error("udp: started already");
    const { address, family } = await bindAddress(this.#options.host);
    const { recvBufferBytes, sendBufferBytes, reusePort } = this.#options;
    const socket = createSocket({
      type: family === 6 ? "udp6" : "udp4",
      ipv6Only: family === 6,
      // addresses only ever: saves the turn of the event loop that the resolver would take
      lookup: (text, _options, callback) => callback(null, text, family),
      ...(reusePort === true ? { reusePort } : {}),
      ...(recvBufferBytes === undefined ? {} : { recvBufferSize: recvBufferBytes }),
      ...(sendBufferBytes === undefined ? {} : { sendBufferSize: sendBufferBytes }),
    });
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error) => {
        socket.close();
        reject(error);
      };
      socket.once("error", failed);
      socket.bind({ address, port: this.#options.port }, () => {
        socket.off("error", failed);
        resolve();
      });
    });
    const bound = socket.address();
    this.#local = { address: bound.address, port: bound.port };
    this.#events = events;
    this.#socket = socket;
    socket.on("error", (error) => events.fault?.(error, this));
    socket.on("message", (octets, remote) => this.#datagram(octets, remote, events));
  }

  #datagram(octets: Buffer, remote: RemoteInfo, events: LegEvents): void {
    const flow = new UdpFlow(remote.address, remote.port, this.#local);
    if (events.admits !== undefined && !events.admits(flow, "udp")) {
      this.#counters.dropped["not-admitted"]++;
      return;
    }
    switch (datagramKind(octets, 0, octets.length)) {
      case "message":
        this.#message(octets, flow, events);
        return;
      case "keep-alive":
        this.#counters.keepAlives++;
        return;
      case "stun":
        this.#stun(octets, flow);
        return;
    }
  }

  #message(octets: Buffer, flow: UdpFlow, events: LegEvents): void {
    if (octets.length > this.#maxMessageOctets) {
      this.#counters.dropped["too-large"]++;
      return;
    }
    if (!this.#batchPending && events.batchEnd !== undefined) {
      this.#batchPending = true;
      setImmediate(() => {
        this.#batchPending = false;
        events.batchEnd?.();
      });
    }
    this.#counters.received++;
    events.message(messageText(octets, 0, octets.length), flow, this);
  }

  #stun(octets: Buffer, flow: UdpFlow): void {
    const response = stunResponse(octets, flow);
    if (response === undefined) {
      this.#counters.dropped.malformed++;
      return;
    }
    this.#counters.keepAlives++;
    this.#socket?.send(response, flow.port, flow.address, this.#sendFailed);
  }

  send(text: string, flow: Flow): SendResult {
    return this.#sendTo(text, flow);
  }

  respond(text: string, via: Via, from: Flow): SendResult {
    return this.#sendTo(text, responseAddress(via, from));
  }

  #sendTo(text: string, to: ResponseAddress): SendResult {
    const socket = this.#socket;
    if (socket === undefined) return "flow-dead";
    if (text.length > this.#maxMessageOctets) {
      this.#counters.dropped["too-large"]++;
      return "too-large";
    }
    if (this.#isQueueFull(socket)) {
      this.#counters.dropped.overloaded++;
      return "overloaded";
    }
    if (to.ttl !== undefined && to.ttl !== this.#multicastTtl) {
      this.#multicastTtl = to.ttl;
      socket.setMulticastTTL(to.ttl);
    }
    this.#counters.sent++;
    socket.send(Buffer.from(text, "latin1"), to.port, to.address, this.#sendFailed);
    return "sent";
  }

  /** The system may take no more for a while: what then waits in the process is bounded. */
  #isQueueFull(socket: Socket): boolean {
    if (this.#queueFull || --this.#sendsToCheck < 0) {
      this.#sendsToCheck = QUEUE_CHECK_EVERY;
      this.#queueFull = socket.getSendQueueSize() > this.#maxQueueOctets;
    }
    return this.#queueFull;
  }

  /** Unreachable networks, forbidden addresses: one message is lost, the leg goes on (RFC 3261 §18.4). */
  readonly #sendFailed = (error: Error | null): void => {
    if (error === null) return;
    this.#counters.dropped["send-failed"]++;
    this.#events?.fault?.(error, this);
  };

  /** @throws TypeError when the address is no IP address or of the other family */
  connect(remote: Endpoint): Flow {
    return udpFlowTo(remote, this.#local);
  }

  disconnect(): void {}

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    for (let turn = 0; turn < CLOSE_TURNS && socket.getSendQueueCount() > 0; turn++) await nextTurn();
    this.#socket = undefined;
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}
