import { setImmediate as nextTurn } from "node:timers/promises";
import { getSystemErrorName } from "node:util";
import { bareHost, type Via } from "../message/via.js";
import type { Endpoint, Flow, Leg, LegCounters, LegEvents, SendResult } from "../port/leg.js";
import { bindAddress } from "./address.js";
import { legCounters } from "./counters.js";
import { DATAGRAM_OCTETS, datagramKind, messageText } from "./datagram.js";
import { EntryWord, NativeCounter, type NativeUdp, type NativeUdpSocket } from "./native.js";
import { type ResponseAddress, responseAddress } from "./response-address.js";
import { stunResponse } from "./stun.js";
import type { UdpOptions } from "./udp.js";
import { UdpFlow, udpFlowTo } from "./udp-flow.js";
import { UdpOutbox } from "./udp-outbox.js";
import { WireAddresses } from "./wire-address.js";

const QUEUE_OCTETS = 1024 * 1024;
/** Turns of the event loop that `close` waits for the outbox to drain. */
const CLOSE_TURNS = 100;

/**
 * The UDP leg (RFC 3261 §18) on a socket that receives and sends many datagrams per system call. What arrived together is
 * handed over together, between two looks at the socket, and everything sent meanwhile leaves together behind it.
 */
export function batchedUdp(options: UdpOptions, addon: NativeUdp): Leg {
  return new BatchedUdpLeg(options, addon);
}

class BatchedUdpLeg implements Leg {
  readonly transport = "udp";
  readonly engine = "recvmmsg";
  readonly #counters = legCounters();
  readonly #options: UdpOptions;
  readonly #addon: NativeUdp;
  readonly #maxMessageOctets: number;
  readonly #inbox: Buffer;
  readonly #received: Uint32Array;
  readonly #nativeCounters: Float64Array;
  readonly #outbox: UdpOutbox;
  #addresses = new WireAddresses(4);
  #local: Endpoint;
  #socket: NativeUdpSocket | undefined;
  #events: LegEvents | undefined;
  #started = false;
  #flushIsDue = false;
  #multicastTtl = 1;

  constructor(options: UdpOptions, addon: NativeUdp) {
    this.#options = options;
    this.#addon = addon;
    this.#maxMessageOctets = Math.min(options.maxMessageOctets ?? DATAGRAM_OCTETS, DATAGRAM_OCTETS);
    // memory that is never written costs nothing: most slots only ever see their first page
    this.#inbox = Buffer.allocUnsafeSlow(addon.batch * addon.slotOctets);
    this.#received = new Uint32Array(addon.batch * addon.entryWords);
    this.#nativeCounters = new Float64Array(addon.counters);
    this.#outbox = new UdpOutbox(Math.max(options.maxQueueOctets ?? QUEUE_OCTETS, DATAGRAM_OCTETS));
    this.#local = { address: bareHost(options.host), port: options.port };
  }

  get local(): Endpoint {
    return this.#local;
  }

  get counters(): LegCounters {
    this.#counters.dropped["socket-buffer"] = this.#nativeCounters[NativeCounter.dropped]!;
    return this.#counters;
  }

  async start(events: LegEvents): Promise<void> {
    if (this.#started) throw new Error("udp: started already");
    this.#started = true;
    try {
      const { address, family } = await bindAddress(this.#options.host);
      this.#addresses = new WireAddresses(family);
      this.#addresses.write(this.#received, 0, address);
      this.#received[EntryWord.port] = this.#options.port;
      this.#socket = this.#open(family, events);
    } catch (error) {
      this.#started = false;
      // as Node's own sockets do, so that whoever tells of it can say where
      if (error instanceof Error) Object.assign(error, this.#local);
      throw error;
    }
    this.#events = events;
    this.#outbox.attach(this.#socket, this.#addresses);
    this.#local = {
      address: this.#addresses.read(this.#received, 0),
      port: this.#received[EntryWord.port]!,
    };
  }

  #open(family: 4 | 6, events: LegEvents): NativeUdpSocket {
    const { reusePort, recvBufferBytes, sendBufferBytes } = this.#options;
    return this.#addon.open({
      ipv6: family === 6,
      reusePort: reusePort ?? false,
      receiveBuffer: recvBufferBytes ?? 0,
      sendBuffer: sendBufferBytes ?? 0,
      inbox: this.#inbox,
      received: this.#received,
      outbox: this.#outbox.octets,
      outgoing: this.#outbox.entries,
      counters: this.#nativeCounters,
      onBatch: (count) => this.#batch(count, events),
      onUnreachable: (count) => this.#unreachable(count, events),
      onWritable: () => this.#flush(),
    });
  }

  #batch(count: number, events: LegEvents): void {
    // whatever is sent from in here leaves in one flush at the end
    this.#flushIsDue = true;
    try {
      let messages = 0;
      // a handler may close the leg: what came with its message is then heard no more
      for (let i = 0; i < count && this.#socket !== undefined; i++) {
        if (this.#datagram(i, events)) messages++;
      }
      if (messages > 0) events.batchEnd?.();
    } finally {
      this.#flush();
    }
  }

  /** @returns whether it was a message */
  #datagram(index: number, events: LegEvents): boolean {
    const entry = index * this.#addon.entryWords;
    const flow = this.#flowOf(index);
    if (events.admits !== undefined && !events.admits(flow, "udp")) {
      this.#counters.dropped["not-admitted"]++;
      return false;
    }
    const start = this.#received[entry + EntryWord.offset]!;
    const end = start + this.#received[entry + EntryWord.length]!;
    switch (datagramKind(this.#inbox, start, end)) {
      case "message":
        if (end - start > this.#maxMessageOctets) {
          this.#counters.dropped["too-large"]++;
          return false;
        }
        this.#counters.received++;
        events.message(messageText(this.#inbox, start, end), flow, this);
        return true;
      case "keep-alive":
        this.#counters.keepAlives++;
        return false;
      case "stun":
        this.#stun(this.#inbox.subarray(start, end), flow);
        return false;
    }
  }

  #flowOf(index: number): UdpFlow {
    const entry = index * this.#addon.entryWords;
    const address = this.#addresses.read(this.#received, entry);
    return new UdpFlow(address, this.#received[entry + EntryWord.port]!, this.#local);
  }

  #stun(octets: Buffer, flow: UdpFlow): void {
    const response = stunResponse(octets, flow);
    if (response === undefined) {
      this.#counters.dropped.malformed++;
      return;
    }
    this.#counters.keepAlives++;
    if (!this.#makeRoom(response.length)) return;
    this.#outbox.addOctets(response, flow);
    this.#flushSoon();
  }

  /** §18.4: an ICMP error ends nothing but the datagram that it answers. */
  #unreachable(count: number, events: LegEvents): void {
    for (let i = 0; i < count && this.#socket !== undefined; i++) {
      if (this.#received[i * this.#addon.entryWords + EntryWord.length] === 0) continue;
      this.#counters.dropped.unreachable++;
      events.unreachable?.(this.#flowOf(i), this);
    }
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
    if (to.ttl !== undefined && to.ttl !== this.#multicastTtl) {
      this.#flush();
      this.#multicastTtl = to.ttl;
      socket.setMulticastTtl(to.ttl);
    }
    if (!this.#makeRoom(text.length)) {
      this.#counters.dropped.overloaded++;
      return "overloaded";
    }
    if (!this.#outbox.addText(text, to)) {
      this.#counters.dropped["send-failed"]++;
      return "sent";
    }
    this.#counters.sent++;
    this.#flushSoon();
    return "sent";
  }

  #makeRoom(octets: number): boolean {
    if (!this.#outbox.hasRoom(octets) && !this.#outbox.isBlocked) this.#flush();
    return this.#outbox.hasRoom(octets);
  }

  /** Once per batch, or at the end of what runs now: promises that are settled together send together. */
  #flushSoon(): void {
    if (this.#flushIsDue || this.#outbox.isBlocked) return;
    this.#flushIsDue = true;
    process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    this.#flushIsDue = false;
    if (this.#socket === undefined) return;
    const failedBefore = this.#nativeCounters[NativeCounter.refused]!;
    this.#outbox.flush();
    const failed = this.#nativeCounters[NativeCounter.refused]! - failedBefore;
    if (failed > 0) this.#sendFailed(failed);
  };

  /** Unreachable networks, forbidden addresses: these messages are lost, the leg goes on (RFC 3261 §18.4). */
  #sendFailed(count: number): void {
    this.#counters.dropped["send-failed"] += count;
    const code = getSystemErrorName(-this.#nativeCounters[NativeCounter.lastError]!);
    const error = Object.assign(new Error(`udp: ${count} not sent, ${code}`), { code });
    this.#events?.fault?.(error, this);
  }

  /** @throws TypeError when the address is no IP address or of the other family */
  connect(remote: Endpoint): Flow {
    return udpFlowTo(remote, this.#local);
  }

  disconnect(): void {}

  async close(): Promise<void> {
    const socket = this.#socket;
    if (socket === undefined) return;
    this.#flush();
    for (let turn = 0; turn < CLOSE_TURNS && !this.#outbox.isEmpty; turn++) await nextTurn();
    if (this.#socket === undefined) return;
    this.#socket = undefined;
    socket.close();
  }
}
