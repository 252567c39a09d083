import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describe, expect, it } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import type { Endpoint } from "../../src/port/leg.js";
import { manualClock } from "../../src/testing/clock.js";
import { ws, wss } from "../../src/transport/ws.js";
import { authority, hasOpenssl } from "./certificates.js";
import { tcpClient } from "./client.js";
import { ANSWERING, closeAfter, started } from "./legs.js";
import { options } from "./sip.js";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

interface Browser {
  readonly socket: WebSocket;
  /** The next message that was not waited for yet, and whether it was binary. */
  next(): Promise<{ readonly text: string; readonly isBinary: boolean }>;
  /** Code that the connection was closed with. */
  readonly closed: Promise<number>;
}

function url(to: Endpoint, scheme = "ws"): string {
  return `${scheme}://${to.address.includes(":") ? `[${to.address}]` : to.address}:${to.port}/`;
}

async function browser(to: Endpoint, how: ClientOptions & { scheme?: string } = {}): Promise<Browser> {
  const { scheme, ...clientOptions } = how;
  const socket = new WebSocket(url(to, scheme), ["sip"], clientOptions);
  const arrived: { text: string; isBinary: boolean }[] = [];
  const waiting: ((message: { text: string; isBinary: boolean }) => void)[] = [];
  socket.on("message", (data: Buffer, isBinary) => {
    const message = { text: data.toString("latin1"), isBinary };
    const first = waiting.shift();
    if (first === undefined) arrived.push(message);
    else first(message);
  });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  closeAfter(() => socket.terminate());
  await once(socket, "open");
  socket.on("error", () => {});
  return {
    socket,
    closed,
    next() {
      const first = arrived.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
  };
}

/** HTTP status that a handshake is refused with. */
async function refusal(
  to: Endpoint,
  protocols: string[],
  how: ClientOptions = {},
): Promise<number | undefined> {
  const socket = new WebSocket(url(to), protocols, how);
  const [, response] = await once(socket, "unexpected-response");
  socket.on("error", () => {});
  socket.terminate();
  return response.statusCode;
}

describe.each(["127.0.0.1", "::1"])("a WebSocket leg on %s", (host) => {
  it("answers on the connection of the request, whatever the Via says (RFC 7118 §5)", async () => {
    const { leg, owner } = await started(ws({ host, port: 0 }));
    const phone = await browser(leg.local);
    expect(phone.socket.protocol).toBe("sip");
    expect(phone.socket.extensions).toBe("");
    phone.socket.send(options("WS df7jal23ls0d.invalid"));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
    const { flow } = await owner.next("message");
    expect(flow).toMatchObject({ transport: "ws", isConnection: true, alive: true, peerIdentity: null });
    expect(flow.token).toMatch(/^ws:/);
    phone.socket.close();
    expect(await owner.next("closed")).toMatchObject({ flow, wasAlive: false });
    expect(leg.counters).toMatchObject({ received: 1, sent: 1, connections: 0 });
  });
});

describe("frames (RFC 7118 §4.2, §5)", () => {
  it("are taken as text and as binary, octet by octet", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    const text = options("WS h", "utf8", "caf\xc3\xa9");
    for (const binary of [true, false]) {
      phone.socket.send(Buffer.from(text, "latin1"), { binary });
      expect((await owner.next("message")).text).toBe(text);
      expect((await phone.next()).isBinary).toBe(false);
    }
  });

  it("are binary when some octet is not UTF-8", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    const binary = options("WS h", "binary", "\xff\xfe");
    phone.socket.send(Buffer.from(binary, "latin1"));
    const { text, flow } = await owner.next("message");
    expect(text).toBe(binary);
    expect((await phone.next()).isBinary).toBe(false);
    leg.send(binary, flow);
    expect(await phone.next()).toEqual({ text: binary, isBinary: true });
    const utf8 = options("WS h", "utf8", "caf\xc3\xa9");
    leg.send(utf8, flow);
    expect(await phone.next()).toEqual({ text: utf8, isBinary: false });
  });

  it("with empty lines in front hold the message behind them, or nothing (RFC 3261 §7.5)", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send("\r\n\r\n\r\n");
    phone.socket.send(`\r\n\r\n${options("WS h", "behind")}`);
    expect((await owner.next("message")).text).toBe(options("WS h", "behind"));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
  });

  it("may come without Content-Length, and in fragments", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    const text = options("WS h").replace("Content-Length: 0\r\n", "");
    phone.socket.send(text.slice(0, 50), { fin: false });
    phone.socket.send(text.slice(50), { fin: true });
    expect((await owner.next("message")).text).toBe(text);
    await owner.next("batch-end");
    expect(owner.told.map(({ kind }) => kind)).toEqual(["message", "batch-end"]);
  });

  it.each([
    ["two messages in one", options("WS h", "a") + options("WS h", "b")],
    ["half a message", options("WS h", "a", "body").slice(0, -2)],
  ])("%s: 400, and the end of this connection", async (_name, text) => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const bystander = await browser(leg.local);
    const phone = await browser(leg.local);
    phone.socket.send(text);
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 400 /);
    expect(await phone.closed).toBe(1000);
    expect(await owner.next("malformed")).toMatchObject({ status: 400 });
    expect(await owner.next("closed")).toMatchObject({ wasAlive: false });
    bystander.socket.send(options("WS h"));
    expect((await bystander.next()).text).toMatch(/^SIP\/2\.0 200 /);
    expect(owner.told.filter(({ kind }) => kind === "message")).toHaveLength(1);
  });

  it.each([
    ["another protocol", options("WS h").replace(" SIP/2.0\r\n", " HTTP/1.1\r\n")],
    ["no protocol", "hello\r\n\r\n"],
  ])("%s: the end of this connection", async (_name, text) => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send(text);
    expect(await phone.closed).toBe(1000);
    expect(await owner.next("malformed")).toMatchObject({ status: 400 });
  });

  it("too long: closed with 1009", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h", "c", "x".repeat(70_000)));
    expect(await phone.closed).toBe(1009);
    await owner.next("closed");
    expect(leg.counters?.dropped["too-large"]).toBe(1);
  });

  it("text that is no UTF-8: closed with 1007", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send(Buffer.from("\xff\xfe", "latin1"), { binary: false });
    expect(await phone.closed).toBe(1007);
    await owner.next("closed");
    expect(leg.counters?.dropped.malformed).toBe(1);
  });

  it("a double CRLF is answered with one CRLF, a single one not at all (RFC 7118 §6)", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send("\r\n");
    phone.socket.send("\r\n\r\n");
    expect(await phone.next()).toEqual({ text: "\r\n", isBinary: false });
    expect(leg.counters?.keepAlives).toBe(1);
    expect(owner.told.every(({ kind }) => kind === "batch-end")).toBe(true);
  });
});

describe("the handshake (RFC 7118 §4.1)", () => {
  it.each([
    ["no subprotocol", [], 400],
    ["another subprotocol", ["xmpp", "sipx"], 400],
  ])("%s: refused", async (_name, protocols, status) => {
    const { leg } = await started(ws(LOOPBACK));
    expect(await refusal(leg.local, protocols)).toBe(status);
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    await phone.next();
    expect(leg.counters).toMatchObject({ connections: 1 });
    expect(leg.counters?.dropped.handshake).toBe(1);
  });

  it("sip among others is chosen", async () => {
    const { leg } = await started(ws(LOOPBACK));
    const socket = new WebSocket(url(leg.local), ["xmpp", "sip"]);
    closeAfter(() => socket.terminate());
    await once(socket, "open");
    expect(socket.protocol).toBe("sip");
  });

  it("a page that is not on the list: 403; no page at all: welcome", async () => {
    const { leg } = await started(ws({ ...LOOPBACK, origins: ["https://Phone.example.com"] }));
    expect(await refusal(leg.local, ["sip"], { origin: "https://evil.example" })).toBe(403);
    expect(await refusal(leg.local, ["sip"], { origin: "null" })).toBe(403);
    await browser(leg.local, { origin: "https://phone.example.com" });
    await browser(leg.local);
  });

  it("a plain HTTP request: 426", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const request = httpRequest({ host: leg.local.address, port: leg.local.port });
    request.end();
    const [response] = await once(request, "response");
    expect(response.statusCode).toBe(426);
    expect(response.headers).toMatchObject({ upgrade: "websocket", connection: "close" });
    response.resume();
    await once(response, "close");
    expect(owner.told).toEqual([]);
  });

  it.each([
    ["SIP", options("TCP h")],
    ["a TLS ClientHello", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    ["headers of no end", `GET / HTTP/1.1\r\nX: ${"x".repeat(40_000)}`],
    [
      "a handshake without a key",
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    ],
    ["another upgrade", "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"],
    ["a CONNECT", "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n"],
  ])("%s in the place of one ends this connection and no other", async (_name, text) => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const bystander = await browser(leg.local);
    const client = await tcpClient(leg.local);
    client.write(text);
    expect(await client.closed()).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
    bystander.socket.send(options("WS h"));
    expect((await bystander.next()).text).toMatch(/^SIP\/2\.0 200 /);
    expect(owner.told.filter(({ kind }) => kind === "closed" || kind === "malformed")).toEqual([]);
  });

  it.each([
    ["a frame without a mask", "\x81\x05hello"],
    ["reserved bits", "\xf1\x80\0\0\0\0"],
    ["an opcode that means nothing", "\x83\x80\0\0\0\0"],
    ["a fragment of nothing", "\x80\x80\0\0\0\0"],
    ["SIP without a frame", options("WS h")],
    ["a length beyond every bound", "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"],
  ])("%s behind it ends this connection and no other (RFC 6455 §5.1, §5.2)", async (_name, octets) => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const bystander = await browser(leg.local);
    const client = await tcpClient(leg.local);
    client.write(
      "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
    );
    // the example of RFC 7118 §4.1
    await client.until(/s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=.*\r\n\r\n/s);
    client.write(octets);
    await client.closed();
    expect(await owner.next("closed")).toMatchObject({ wasAlive: false });
    const { dropped } = leg.counters!;
    expect(dropped.malformed + dropped["too-large"]).toBe(1);
    bystander.socket.send(options("WS h"));
    expect((await bystander.next()).text).toMatch(/^SIP\/2\.0 200 /);
  });

  it("one that is not finished is not waited for", async () => {
    const clock = manualClock();
    const { leg } = await started(ws({ ...LOOPBACK, clock, handshakeMs: 10_000 }));
    const silent = await tcpClient(leg.local);
    const slow = await tcpClient(leg.local);
    slow.write("GET / HTTP/1.1\r\nHost: ");
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    await phone.next();
    clock.advance(15_000);
    await silent.closed();
    await slow.closed();
    expect(leg.counters?.dropped.handshake).toBe(2);
    expect(leg.counters?.connections).toBe(1);
  });

  it("and then a connection that says nothing neither", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(ws({ ...LOOPBACK, clock, handshakeMs: 10_000 }));
    const phone = await browser(leg.local);
    clock.advance(15_000);
    await phone.closed;
    await owner.next("closed");
  });
});

describe("peers that are no longer there", () => {
  it("are pinged, and given up when they do not answer", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(ws({ ...LOOPBACK, clock, pingMs: 30_000, maxMissedPings: 2 }));
    const dead = await browser(leg.local, { autoPong: false });
    dead.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    leg.retain?.(flow, true);
    let pings = 0;
    dead.socket.on("ping", () => pings++);
    while (flow.alive && pings < 10) {
      clock.advance(30_000);
      await Promise.race([once(dead.socket, "ping"), dead.closed]);
    }
    expect(await owner.next("closed")).toMatchObject({ flow });
    expect(pings).toBe(2);
  });

  it("those that answer stay", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(ws({ ...LOOPBACK, clock, pingMs: 30_000, maxMissedPings: 2 }));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    leg.retain?.(flow, true);
    await phone.next();
    for (let i = 0; i < 6; i++) {
      const pinged = once(phone.socket, "ping");
      clock.advance(30_000);
      await pinged;
      // a message behind the pong shows that it has arrived
      phone.socket.send("\r\n\r\n");
      await phone.next();
    }
    expect(flow.alive).toBe(true);
  });

  it("those that ping themselves are not idle (RFC 7118 §6)", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(ws({ ...LOOPBACK, clock, pingMs: 1_000_000, idleMs: 45_000 }));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    for (let i = 0; i < 4; i++) {
      const answered = once(phone.socket, "pong");
      phone.socket.ping();
      await answered;
      clock.advance(30_000);
    }
    expect(flow.alive).toBe(true);
    expect(leg.counters?.keepAlives).toBe(4);
  });

  it("pongs do not keep an idle connection open", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(ws({ ...LOOPBACK, clock, pingMs: 30_000, idleMs: 45_000 }));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    await owner.next("message");
    const pinged = once(phone.socket, "ping");
    clock.advance(30_000);
    await pinged;
    clock.advance(30_000);
    await owner.next("closed");
    expect(leg.counters?.dropped.idle).toBe(1);
  });
});

describe("what one peer can hold", () => {
  it("a slow reader: its queue is full, then its connection is gone", async () => {
    const { leg, owner } = await started(ws({ ...LOOPBACK, maxQueueOctets: 100_000 }));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    phone.socket.pause();
    let result = leg.send("x".repeat(50_000), flow);
    for (let i = 0; i < 10_000 && result === "sent"; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      result = leg.send("x".repeat(50_000), flow);
    }
    expect(result).toBe("overloaded");
    expect(await owner.next("closed")).toMatchObject({ flow, wasAlive: false });
  });
});

describe("a WebSocket peer", () => {
  it("is reached on its own connection and on no other", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    expect(leg.connect({ address: flow.address, port: flow.port })).toBe(flow);
    await expect(leg.connect({ address: flow.address, port: 1 })).rejects.toThrow(/unreachable/);
    phone.socket.close();
    await owner.next("closed");
    await expect(leg.connect({ address: flow.address, port: flow.port })).rejects.toThrow(/unreachable/);
    expect(leg.send("x", flow)).toBe("flow-dead");
  });

  it("gets what was sent before the leg closes", async () => {
    const { leg, owner } = await started(ws(LOOPBACK));
    const phone = await browser(leg.local);
    phone.socket.send(options("WS h"));
    const { flow } = await owner.next("message");
    await phone.next();
    leg.send(options("WS s", "bye"), flow);
    await leg.close();
    expect((await phone.next()).text).toContain("Call-ID: bye");
    expect(await phone.closed).toBe(1000);
    expect(await owner.next("closed")).toMatchObject({ flow });
  });
});

describe("a WebSocket leg", () => {
  it("rejects start with the system's error when the port is taken", async () => {
    const { leg } = await started(ws(LOOPBACK));
    await expect(started(ws({ ...LOOPBACK, port: leg.local.port }))).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  it("refuses an option it does not know", () => {
    const wrong = { ...LOOPBACK, origin: "x" };
    expect(() => ws(wrong)).toThrow(/origin/);
  });
});

describe.runIf(hasOpenssl)("a WSS leg", () => {
  const certs = hasOpenssl
    ? authority((ca) => ({
        ca: ca.cert,
        first: ca.issue("first", "DNS:example.com,IP:127.0.0.1"),
        second: ca.issue("second", "DNS:example.com,IP:127.0.0.1"),
        client: ca.issue("client", "URI:sip:example.net"),
      }))
    : undefined!;

  it("answers, renews its certificate without touching who is there, and knows its peers", async () => {
    const { leg, owner } = await started(
      wss({ ...LOOPBACK, ...certs.first, ca: certs.ca, clientCertificates: "optional" }),
    );
    const phone = await browser(leg.local, { scheme: "wss", ca: certs.ca, ...certs.client });
    phone.socket.send(options("WSS h"));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
    const { flow } = await owner.next("message");
    expect(flow).toMatchObject({ transport: "wss", peerIdentity: "example.net" });
    leg.reload(certs.second);
    phone.socket.send(options("WSS h"));
    expect((await phone.next()).text).toMatch(/^SIP\/2\.0 200 /);
    const another = await browser(leg.local, { scheme: "wss", ca: certs.ca });
    another.socket.send(options("WSS h"));
    await another.next();
    expect(flow.alive).toBe(true);
  });

  it("garbage in the place of either handshake ends this connection and no other", async () => {
    const { leg, owner } = await started(wss({ ...LOOPBACK, ...certs.first }), ANSWERING);
    const bystander = await browser(leg.local, { scheme: "wss", ca: certs.ca });
    const client = await tcpClient(leg.local);
    client.write("GET / HTTP/1.1\r\n\r\n");
    await client.closed();
    await owner.next("fault");
    const socket = new WebSocket(url(leg.local, "wss"), ["xmpp"], { ca: certs.ca });
    const [, response] = await once(socket, "unexpected-response");
    socket.on("error", () => {});
    socket.terminate();
    expect(response.statusCode).toBe(400);
    bystander.socket.send(options("WSS h"));
    expect((await bystander.next()).text).toMatch(/^SIP\/2\.0 200 /);
  });
});
