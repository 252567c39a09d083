import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Flow, Leg, LegEvents } from "../../src/port/leg.js";

/** A plain UDP socket on a loopback address, as a phone has it. */
export interface UdpPeer {
  readonly port: number;
  send(octets: Buffer | string, port: number): Promise<void>;
  /** The next datagrams, in the order they came. */
  receive(count: number): Promise<Buffer[]>;
  close(): Promise<void>;
}

export async function udpPeer(address = "127.0.0.1"): Promise<UdpPeer> {
  const socket = createSocket({ type: address.includes(":") ? "udp6" : "udp4", recvBufferSize: 1 << 20 });
  const queue = arrivals<Buffer>();
  socket.on("message", (octets) => queue.add(octets));
  socket.bind(0, address);
  await once(socket, "listening");
  return {
    port: socket.address().port,
    send: (octets, port) =>
      new Promise((resolve, reject) => {
        const data = typeof octets === "string" ? Buffer.from(octets, "latin1") : octets;
        socket.send(data, port, address, (error) => (error === null ? resolve() : reject(error)));
      }),
    receive: (count) => queue.take(count),
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

/** Things that come one by one, to be awaited by number. */
export interface Arrivals<T> {
  add(item: T): void;
  take(count: number): Promise<T[]>;
  readonly waiting: number;
}

export function arrivals<T>(): Arrivals<T> {
  const items: T[] = [];
  let wanted: { count: number; resolve: (items: T[]) => void } | undefined;
  const serve = () => {
    if (wanted === undefined || items.length < wanted.count) return;
    const { count, resolve } = wanted;
    wanted = undefined;
    resolve(items.splice(0, count));
  };
  return {
    add(item) {
      items.push(item);
      serve();
    },
    take: (count) =>
      new Promise((resolve) => {
        wanted = { count, resolve };
        serve();
      }),
    get waiting() {
      return items.length;
    },
  };
}

/** What a leg told, for tests to await. */
export interface RecordedEvents extends LegEvents {
  readonly messages: Arrivals<{ readonly text: string; readonly from: Flow }>;
  readonly unreached: Arrivals<Flow>;
  readonly faults: Arrivals<Error>;
  /** How many messages stood before each `batchEnd`. */
  readonly batches: number[];
}

/** Events that record, and that `onMessage` may act on. */
export function recordEvents(onMessage?: (text: string, from: Flow, leg: Leg) => void): RecordedEvents {
  const messages = arrivals<{ text: string; from: Flow }>();
  const unreached = arrivals<Flow>();
  const faults = arrivals<Error>();
  const batches: number[] = [];
  let inBatch = 0;
  return {
    messages,
    unreached,
    faults,
    batches,
    message(text, from, leg) {
      inBatch++;
      messages.add({ text, from });
      onMessage?.(text, from, leg);
    },
    malformed() {},
    flowClosed() {},
    batchEnd() {
      batches.push(inBatch);
      inBatch = 0;
    },
    unreachable: (peer) => unreached.add(peer),
    fault: (error) => faults.add(error),
  };
}
