import { bareHost, type Via } from "../../src/message/via.js";
import type { Clock } from "../../src/port/clock.js";
import type { Entropy } from "../../src/port/entropy.js";
import type { Endpoint, Flow, Leg, LegEvents, SendResult, Transport } from "../../src/port/leg.js";
import { responseAddress } from "../../src/transport/response-address.js";

/** One message that was put on the wire, whether it arrived or not. */
export interface Packet {
  readonly atMs: number;
  readonly from: string;
  readonly to: string;
  readonly text: string;
  readonly lost: boolean;
}

export interface NetworkOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Share of the datagrams that get lost, 0 to 1. */
  readonly loss?: number;
  /** Longest way of a datagram; each takes between 1 ms and this long, so that they overtake each other. 1 when not given. */
  readonly latencyMs?: number;
}

/** A network in memory and in virtual time: datagrams get lost and overtake each other, streams do not. */
export class Network {
  readonly packets: Packet[] = [];
  readonly #options: NetworkOptions;
  readonly #legs = new Map<string, NetworkLeg>();
  #connections = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  leg(transport: Transport, address: string, port: number): NetworkLeg {
    return new NetworkLeg(this, transport, { address, port });
  }

  /** How many messages whose start line holds this text went over the wire. */
  count(startLine: string): number {
    return this.packets.filter(({ text }) => text.slice(0, text.indexOf("\r\n")).includes(startLine)).length;
  }

  bind(leg: NetworkLeg): void {
    const key = place(leg.transport, leg.local);
    if (this.#legs.has(key)) throw new Error(`address in use: ${key}`);
    this.#legs.set(key, leg);
  }

  unbind(leg: NetworkLeg): void {
    this.#legs.delete(place(leg.transport, leg.local));
  }

  datagram(text: string, from: NetworkLeg, to: Endpoint): void {
    const { clock, entropy, loss = 0, latencyMs = 1 } = this.#options;
    const lost = loss > 0 && entropy.unit() < loss;
    this.#record(text, from.local, to, lost);
    if (lost) return;
    const delayMs = 1 + Math.floor(entropy.unit() * latencyMs);
    clock.after(delayMs, () => {
      const receiver = this.#legs.get(place("udp", to));
      receiver?.deliver(text, udpFlow(from.local, receiver.local));
    });
  }

  connect(from: NetworkLeg, to: Endpoint): Flow {
    const listener = this.#legs.get(place(from.transport, to));
    if (listener === undefined) throw new Error(`connection refused: ${to.address}:${to.port}`);
    const near = { address: from.local.address, port: 40_000 + ++this.#connections };
    const name = this.#connections.toString(36);
    const here = new Connection(from.transport, to, near, `${from.transport}:c${name}`, from);
    const there = new Connection(from.transport, near, to, `${from.transport}:s${name}`, listener);
    here.peer = there;
    there.peer = here;
    return here;
  }

  stream(text: string, over: Connection): SendResult {
    const { peer } = over;
    if (!over.alive || peer === undefined) return "flow-dead";
    this.#record(text, over.local, over, false);
    this.#options.clock.after(1, () => {
      if (peer.alive) peer.owner.deliver(text, peer);
    });
    return "sent";
  }

  #record(text: string, from: Endpoint, to: Endpoint, lost: boolean): void {
    this.packets.push({
      atMs: this.#options.clock.nowMs(),
      from: `${from.address}:${from.port}`,
      to: `${to.address}:${to.port}`,
      text,
      lost,
    });
  }
}

/** One end of a connection. */
export class Connection implements Flow {
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
  readonly local: Endpoint;
  readonly token: string;
  readonly owner: NetworkLeg;
  readonly isConnection = true;
  readonly peerIdentity = null;
  alive = true;
  peer: Connection | undefined;

  constructor(transport: Transport, remote: Endpoint, local: Endpoint, token: string, owner: NetworkLeg) {
    this.transport = transport;
    this.address = remote.address;
    this.port = remote.port;
    this.local = local;
    this.token = token;
    this.owner = owner;
  }

  close(): void {
    for (const end of [this, this.peer]) {
      if (end === undefined || !end.alive) continue;
      end.alive = false;
      end.owner.closed(end);
    }
  }
}

/** A leg on the network in memory. */
export class NetworkLeg implements Leg {
  readonly transport: Transport;
  readonly local: Endpoint;
  readonly #network: Network;
  readonly #opened = new Map<string, Flow>();
  #events: LegEvents | undefined;

  constructor(network: Network, transport: Transport, local: Endpoint) {
    this.#network = network;
    this.transport = transport;
    this.local = local;
  }

  async start(events: LegEvents): Promise<void> {
    this.listen(events);
  }

  /** As `start`, at once. */
  listen(events: LegEvents): void {
    this.#events = events;
    this.#network.bind(this);
  }

  deliver(text: string, from: Flow): void {
    this.#events?.message(text, from, this);
  }

  /** ICMP says that what was sent to this peer did not arrive. */
  icmp(peer: Endpoint): void {
    this.#events?.unreachable?.(udpFlow(peer, this.local), this);
  }

  /** What came from this peer is no message. */
  garble(text: string, status: number, reason: string, peer: Endpoint): void {
    this.#events?.malformed(text, status, reason, udpFlow(peer, this.local), this);
  }

  closed(flow: Flow): void {
    this.#events?.flowClosed(flow, this);
  }

  send(text: string, flow: Flow): SendResult {
    if (flow instanceof Connection) return this.#network.stream(text, flow);
    this.#network.datagram(text, this, flow);
    return "sent";
  }

  respond(text: string, via: Via, from: Flow): SendResult {
    if (from.isConnection) return this.send(text, from);
    this.#network.datagram(text, this, responseAddress(via, from));
    return "sent";
  }

  connect(remote: Endpoint): Flow | Promise<Flow> {
    if (this.transport === "udp") return udpFlow(remote, this.local);
    const key = `${remote.address}:${remote.port}`;
    const known = this.#opened.get(key);
    if (known?.alive === true) return known;
    return Promise.resolve().then(() => {
      const flow = this.#network.connect(this, remote);
      this.#opened.set(key, flow);
      return flow;
    });
  }

  disconnect(flow: Flow): void {
    if (flow instanceof Connection) flow.close();
  }

  async close(): Promise<void> {
    this.#network.unbind(this);
  }
}

function place(transport: Transport, { address, port }: Endpoint): string {
  return `${transport} ${bareHost(address)}:${port}`;
}

/** As a UDP leg of the server makes it. */
export function udpFlow(remote: Endpoint, local: Endpoint): Flow {
  const { address, port } = remote;
  return {
    transport: "udp",
    address,
    port,
    local,
    token: `udp:${address}:${port}`,
    isConnection: false,
    alive: true,
    peerIdentity: null,
  };
}
