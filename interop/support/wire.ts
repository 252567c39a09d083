import { createSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { atEnd } from "./endings.js";
import { until } from "./until.js";

/** A SIP message as it came, in the few parts that tests look at. Read without the parser under test. */
export interface Received {
  readonly text: string;
  /** Request line or status line. */
  readonly start: string;
  /** 0 for a request. */
  readonly status: number;
  /** Values of a header field, by its long name, one a line. */
  header(name: string): readonly string[];
  readonly body: string;
}

/** One end of a SIP connection, or of a pair of UDP addresses, in the hands of a test. */
export interface Wire {
  /** As `SIP/2.0/TCP 127.0.0.1:40000`, for Via. */
  readonly sentBy: string;
  readonly port: number;
  /** Everything that came, in order. */
  readonly received: readonly Received[];
  send(text: string): void;
  /** Sends a request whose lines are given, and waits for its final response. */
  request(start: string, lines: readonly string[], body?: string): Promise<Received>;
  /** Waits for a request of this method, from this one on. */
  requested(method: string, after?: number): Promise<Received>;
  /** Answers a request. */
  answer(request: Received, status: number, reason: string): void;
  /** Has the other side closed? */
  isClosed(): boolean;
  close(): void;
  /** The TLS connection, over TLS. */
  readonly tls: TLSSocket | undefined;
}

/** Answers come within this, also on a busy machine. */
const PATIENCE_MS = 10_000;

let serial = 0;

/** A UDP socket of 127.0.0.1 that speaks to a port there. */
export async function udpWire(server: number): Promise<Wire> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const wire = makeWire("UDP", socket.address().port, {
    send: (text) => socket.send(Buffer.from(text, "latin1"), server, "127.0.0.1"),
    close: () => socket.close(),
  });
  socket.on("message", (datagram) => wire.take(datagram.toString("latin1")));
  return wire;
}

/** A TCP connection to a port of 127.0.0.1. */
export async function tcpWire(server: number): Promise<Wire> {
  const socket = connectTcp(server, "127.0.0.1");
  await once(socket, "connect");
  return streamWire("TCP", socket);
}

/** A TLS connection to a port of 127.0.0.1, with any certificate. */
export async function tlsWire(server: number): Promise<Wire> {
  const socket = connectTls({ port: server, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  return streamWire("TLS", socket, socket);
}

function streamWire(transport: string, socket: Socket, tls?: TLSSocket): Wire {
  const wire = makeWire(
    transport,
    (socket.address() as AddressInfo).port,
    { send: (text) => socket.write(text, "latin1"), close: () => socket.destroy() },
    tls,
  );
  socket.on("error", () => {});
  socket.on("close", () => wire.closed());
  let rest = "";
  socket.on("data", (chunk) => {
    rest += chunk.toString("latin1");
    for (;;) {
      rest = rest.replace(/^(?:\r\n)+/, "");
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const length = Number(/^(?:Content-Length|l)\s*:\s*(\d+)/im.exec(rest.slice(0, end))?.[1] ?? 0);
      if (rest.length < end + 4 + length) return;
      wire.take(rest.slice(0, end + 4 + length));
      rest = rest.slice(end + 4 + length);
    }
  });
  return wire;
}

interface Ends {
  send(text: string): void;
  close(): void;
}

function makeWire(transport: string, port: number, ends: Ends, tls?: TLSSocket) {
  const received: Received[] = [];
  const sentBy = `SIP/2.0/${transport} 127.0.0.1:${port}`;
  let isClosed = false;
  let isOver = false;
  const close = (): void => {
    if (!isOver) ends.close();
    isOver = true;
  };
  atEnd(close);
  return {
    sentBy,
    port,
    received,
    tls,
    send: (text: string) => ends.send(text),
    async request(start: string, lines: readonly string[], body = ""): Promise<Received> {
      const branch = `z9hG4bK-wire-${port}-${++serial}`;
      const text = [
        `${start} SIP/2.0`,
        `Via: ${sentBy};branch=${branch};rport`,
        "Max-Forwards: 70",
        ...lines,
        `Content-Length: ${body.length}`,
        "",
        body,
      ].join("\r\n");
      ends.send(text);
      return until(
        () => received.find(({ status, text: answer }) => status >= 200 && answer.includes(branch)),
        PATIENCE_MS,
      );
    },
    requested: (method: string, after = 0) =>
      until(() => received.slice(after).find(({ start }) => start.startsWith(`${method} `)), PATIENCE_MS),
    answer(request: Received, status: number, reason: string) {
      const copied = ["Via", "From", "To", "Call-ID", "CSeq", "Record-Route"].flatMap((name) =>
        request
          .header(name)
          .map((value) => `${name}: ${value}${name === "To" && !value.includes("tag=") ? ";tag=w" : ""}`),
      );
      ends.send([`SIP/2.0 ${status} ${reason}`, ...copied, "Content-Length: 0", "", ""].join("\r\n"));
    },
    isClosed: () => isClosed,
    close,
    take(text: string): void {
      if (text.trim() !== "") received.push(parse(text));
    },
    closed(): void {
      isClosed = true;
      isOver = true;
    },
  };
}

function parse(text: string): Received {
  const end = text.indexOf("\r\n\r\n");
  const [start = "", ...lines] = text.slice(0, end).split("\r\n");
  return {
    text,
    start,
    status: Number(/^SIP\/2\.0 (\d{3}) /.exec(start)?.[1] ?? 0),
    header: (name) =>
      lines
        .filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
        .map((line) => line.slice(name.length + 1).trim()),
    body: text.slice(end + 4),
  };
}

/** Header field lines of a request from one address-of-record to another, outside of every dialog. */
export function addressLines(
  method: string,
  from: string,
  to: string,
  options: { readonly cseq?: number; readonly callId?: string } = {},
): string[] {
  const { cseq = 1, callId = `wire-${process.pid}-${++serial}` } = options;
  return [`From: <${from}>;tag=${callId}`, `To: <${to}>`, `Call-ID: ${callId}`, `CSeq: ${cseq} ${method}`];
}
