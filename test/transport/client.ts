import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Endpoint } from "../../src/port/leg.js";

/** A peer on a stream: what it read so far, and ways to wait for more. */
export interface Client {
  readonly socket: Socket;
  readonly local: Endpoint;
  write(text: string): void;
  /** Waits until all it has read matches; resolves to that text. */
  until(pattern: RegExp): Promise<string>;
  /** Resolves to all it has read once the other side has closed, orderly or not. */
  closed(): Promise<string>;
}

/** Makes a client of a connected socket. */
export function clientOf(socket: Socket): Client {
  let read = "";
  let isClosed = false;
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  socket.on("data", (octets: Buffer) => {
    read += octets.toString("latin1");
    wake();
  });
  socket.on("error", () => {});
  for (const event of ["end", "close"]) {
    socket.on(event, () => {
      isClosed = true;
      wake();
    });
  }
  const wait = (isThere: () => boolean, goal: string) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        if (isThere()) resolve(read);
        else if (isClosed) reject(new Error(`closed before ${goal}: ${read}`));
        else return;
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  return {
    socket,
    local: { address: socket.localAddress ?? "", port: socket.localPort ?? 0 },
    write: (text) => void socket.write(text, "latin1"),
    until: (pattern) => wait(() => pattern.test(read), String(pattern)),
    closed: () => wait(() => isClosed, "the end"),
  };
}

/** Connects over TCP. */
export async function tcpClient(to: Endpoint): Promise<Client> {
  const socket = connect({ host: to.address, port: to.port });
  await once(socket, "connect");
  return clientOf(socket);
}

/** A peer with a UDP socket on a loopback address. */
export interface UdpClient {
  readonly local: Endpoint;
  send(octets: string | Buffer, to: Endpoint): void;
  /** The next datagram that was not waited for yet. */
  next(): Promise<Buffer>;
  close(): void;
}

export async function udpClient(address = "127.0.0.1"): Promise<UdpClient> {
  const socket: UdpSocket = createSocket(address.includes(":") ? "udp6" : "udp4");
  const arrived: Buffer[] = [];
  const waiting: ((octets: Buffer) => void)[] = [];
  socket.on("message", (octets) => {
    const first = waiting.shift();
    if (first === undefined) arrived.push(octets);
    else first(octets);
  });
  socket.bind(0, address);
  await once(socket, "listening");
  const bound = socket.address();
  return {
    local: { address: bound.address, port: bound.port },
    send(octets, to) {
      socket.send(typeof octets === "string" ? Buffer.from(octets, "latin1") : octets, to.port, to.address);
    },
    next() {
      const first = arrived.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
    close: () => socket.close(),
  };
}
