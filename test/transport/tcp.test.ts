import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import type { Flow } from "../../src/port/leg.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { ConnectionBudget } from "../../src/transport/connection-budget.js";
import { tcp } from "../../src/transport/tcp.js";
import { type Client, clientOf, tcpClient } from "./client.js";
import { ANSWERING, closeAfter, started } from "./legs.js";
import { answer, options } from "./sip.js";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

async function phone(to: { readonly address: string; readonly port: number }): Promise<Client> {
  const client = await tcpClient(to);
  closeAfter(() => client.socket.destroy());
  return client;
}

/** Resolves when a connection was made and closed at once, or reset before it was ever made. */
async function refused(by: { readonly address: string; readonly port: number }): Promise<void> {
  const socket = connect({ host: by.address, port: by.port });
  socket.on("error", () => {});
  socket.resume();
  await new Promise((resolve) => socket.once("close", resolve));
}

/** A peer that is dialed. */
async function peer(): Promise<{ server: Server; port: number; accepted: Socket[] }> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => accepted.push(socket));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closeAfter(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  const address = server.address();
  return { server, accepted, port: typeof address === "object" && address !== null ? address.port : 0 };
}

describe.each(["127.0.0.1", "::1"])("a TCP leg on %s", (host) => {
  const sentBy = host.includes(":") ? `[${host}]:9` : `${host}:9`;

  it("answers on the connection of the request, whatever the Via says (RFC 3261 §18.2.2)", async () => {
    const { leg, owner } = await started(tcp({ host, port: 0 }));
    const client = await phone(leg.local);
    client.write(options(`TCP ${sentBy}`));
    expect(await client.until(/\r\n\r\n$/)).toMatch(/^SIP\/2\.0 200 /);
    const { flow } = await owner.next("message");
    expect(flow).toMatchObject({
      ...client.local,
      transport: "tcp",
      isConnection: true,
      alive: true,
      local: leg.local,
    });
    expect(leg.counters).toMatchObject({ received: 1, sent: 1, connections: 1 });
  });

  it("dials a peer, and hears it on that connection", async () => {
    const { leg } = await started(tcp({ host, port: 0 }));
    const { leg: other, owner } = await started(tcp({ host, port: 0 }));
    const flow = await leg.connect(other.local);
    expect(leg.send(options(`TCP ${sentBy}`), flow)).toBe("sent");
    const arrived = await owner.next("message");
    expect(arrived.flow.port).toBe(flow.local.port);
  });
});

describe("framing on a connection (RFC 3261 §18.3)", () => {
  it.each([1, 7, 64, 100_000])("does not mind pieces of %i octets", async (octets) => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    const two = options("TCP h", "first", "body \xe9\0") + options("TCP h", "second");
    for (let at = 0; at < two.length; at += octets) client.write(two.slice(at, at + octets));
    expect((await owner.next("message")).text + (await owner.next("message")).text).toBe(two);
  });

  it("answers a double CRLF with one CRLF, and a single one not at all (RFC 5626 §4.4.1)", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write("\r\n\r\n");
    expect(await client.until(/./s)).toBe("\r\n");
    client.write(`\r\n${options("TCP h")}`);
    expect(await client.until(/SIP/)).toMatch(/^\r\nSIP\/2\.0 200 /);
    expect(leg.counters?.keepAlives).toBe(1);
    expect(owner.told.filter(({ kind }) => kind === "malformed")).toEqual([]);
  });

  it("ends a batch behind the messages of a chunk", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(options("TCP h", "a") + options("TCP h", "b"));
    await owner.next("batch-end");
    expect(owner.told.map(({ kind }) => kind)).toEqual(["message", "message", "batch-end"]);
  });

  it.each([
    ["a Content-Length that is no number", options("TCP h").replace("Length: 0", "Length: many"), 400],
    ["no Content-Length", options("TCP h").replace("Content-Length: 0\r\n", ""), 400],
    ["two that differ", options("TCP h").replace("Length: 0", "Length: 0\r\nl: 5"), 400],
    ["one beyond every bound", options("TCP h").replace("Length: 0", "Length: 99999999999"), 513],
    ["headers without an end", options("TCP h").replace("\r\n\r\n", `\r\nX: ${"x".repeat(40_000)}`), 513],
  ])("%s: an answer, then the end of this connection and no other", async (_name, text, status) => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const bystander = await phone(leg.local);
    bystander.write(options("TCP h", "before"));
    await bystander.until(/before/);
    const client = await phone(leg.local);
    client.write(text);
    expect(await client.closed()).toMatch(status === 400 ? /^SIP\/2\.0 400 / : /^(SIP\/2\.0 513 |$)/);
    expect(await owner.next("malformed")).toMatchObject({ status });
    expect(await owner.next("closed")).toMatchObject({ wasAlive: false });
    bystander.write(options("TCP h", "after"));
    await bystander.until(/after/);
    expect(leg.counters?.dropped.malformed).toBe(1);
  });

  it.each([
    ["a TLS ClientHello", "\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03"],
    ["an HTTP request", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"],
    ["zeros", "\0\0\0\0"],
  ])("%s is closed without an answer", async (_name, text) => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(text);
    expect(await client.closed()).toBe("");
    const { flow } = await owner.next("closed");
    expect(flow.alive).toBe(false);
  });

  it("a Content-Length that swallows the next message makes garbage of what follows", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    const requestLine = options("TCP h").indexOf("Via:");
    const liar = options("TCP h", "liar").replace("Length: 0", `Length: ${requestLine}`);
    client.write(liar + options("TCP h", "next"));
    expect((await owner.next("message")).text).toBe(liar + options("TCP h", "next").slice(0, requestLine));
    await owner.next("malformed");
    await owner.next("closed");
    expect(await client.closed()).toMatch(/^SIP\/2\.0 200 /);
  });

  it("hands over nothing behind what is malformed", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(`${options("TCP h", "good")}\0${options("TCP h", "late")}`);
    await owner.next("closed");
    client.write(options("TCP h", "later"));
    await client.closed();
    expect(owner.told.map(({ kind }) => kind).filter((kind) => kind !== "fault")).toEqual([
      "message",
      "malformed",
      "batch-end",
      "closed",
    ]);
  });
});

describe("the life of a connection", () => {
  it("ends for its flow before the owner hears of it, once, and after its last message", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.socket.end(options("TCP h"), "latin1");
    const { flow } = await owner.next("message");
    expect(await owner.next("closed")).toMatchObject({ flow, wasAlive: false });
    await client.closed();
    expect(owner.told.map(({ kind }) => kind)).toEqual(["message", "batch-end", "closed"]);
    expect(leg.send("x", flow)).toBe("flow-dead");
    expect(leg.counters?.connections).toBe(0);
  });

  it("a peer that closed its side still gets its answer, and no request", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK), {});
    const client = await phone(leg.local);
    client.socket.end(options("TCP h"), "latin1");
    const { text, flow } = await owner.next("message");
    await owner.next("closed");
    expect(leg.send(options("TCP s"), flow)).toBe("flow-dead");
    expect(answer(text, flow, leg, 180)).toBe("sent");
    expect(answer(text, flow, leg)).toBe("sent");
    expect(await client.closed()).toMatch(/^SIP\/2\.0 180 .*\r\nSIP\/2\.0 200 /s);
  });

  it("requests that came before what is no SIP are still answered, and nothing behind is read", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK), { onMalformed: ANSWERING.onMalformed! });
    const client = await phone(leg.local);
    const bad = options("TCP h", "bad").replace("Content-Length: 0", "Content-Length: x");
    client.write(options("TCP h", "first") + options("TCP h", "second") + bad + options("TCP h", "behind"));
    const [first, second] = [await owner.next("message"), await owner.next("message")];
    await owner.next("closed");
    client.write(options("TCP h", "later"));
    expect(leg.send(options("TCP s"), first.flow)).toBe("flow-dead");
    expect(answer(first.text, first.flow, leg)).toBe("sent");
    expect(answer(second.text, second.flow, leg)).toBe("sent");
    const heard = await client.closed();
    expect(heard.match(/^SIP\/2\.0 \d+|^Call-ID: \w+/gm)).toEqual([
      "SIP/2.0 400",
      "Call-ID: bad",
      "SIP/2.0 200",
      "Call-ID: first",
      "SIP/2.0 200",
      "Call-ID: second",
    ]);
    expect(owner.told.filter(({ kind }) => kind === "message")).toHaveLength(2);
  });

  it("and when their answers do not come, it is closed after a while", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, lingerMs: 2_000 }), {});
    const client = await phone(leg.local);
    client.write(`${options("TCP h")}garbage no sip\r\n\r\n`);
    await owner.next("closed");
    for (let i = 0; i < 4; i++) clock.advance(1_000);
    expect(await client.closed()).toBe("");
  });

  it("a peer that closed its side is let go after a while", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, lingerMs: 2_000 }), {});
    const client = await phone(leg.local);
    client.socket.end(options("TCP h"), "latin1");
    await owner.next("closed");
    clock.advance(4_000);
    expect(await client.closed()).toBe("");
  });

  it("a reset is the end, and no fault of ours", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    await client.until(/200/);
    client.socket.resetAndDestroy();
    expect(await owner.next("closed")).toMatchObject({ wasAlive: false });
    const another = await phone(leg.local);
    another.write(options("TCP h"));
    await another.until(/200/);
  });

  it("disconnect flushes, closes, and tells later than it returns", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    leg.send(options("TCP s", "last"), flow);
    leg.disconnect(flow);
    expect(flow.alive).toBe(false);
    expect(owner.told.some(({ kind }) => kind === "closed")).toBe(false);
    await owner.next("closed");
    expect(await client.closed()).toContain("Call-ID: last");
  });

  it("no two flows share a token, over the lives of processes too", async () => {
    const tokens = new Set<string>();
    for (const seed of [1, 2]) {
      const { leg, owner } = await started(tcp({ ...LOOPBACK, entropy: seededEntropy(seed) }));
      for (let i = 0; i < 3; i++) {
        const client = await phone(leg.local);
        client.write(options("TCP h"));
        tokens.add((await owner.next("message")).flow.token);
      }
    }
    expect(tokens.size).toBe(6);
    for (const token of tokens) expect(token).toMatch(/^tcp:[0-9a-f]{16}:[0-9a-z]+$/);
  });

  it("close lets what was sent arrive, and tells of every flow", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const clients = [await phone(leg.local), await phone(leg.local)];
    const flows: Flow[] = [];
    for (const client of clients) {
      client.write(options("TCP h"));
      flows.push((await owner.next("message")).flow);
    }
    for (const flow of flows) leg.send(options("TCP s", "bye"), flow);
    await leg.close();
    for (const client of clients) expect(await client.closed()).toContain("Call-ID: bye");
    expect(owner.told.filter(({ kind }) => kind === "closed")).toHaveLength(2);
    await expect(tcpClient(leg.local)).rejects.toThrow(/ECONNREFUSED/);
  });

  it("close does not wait for ever on a peer that reads nothing", async () => {
    const { leg, owner } = await started(tcp({ ...LOOPBACK, maxQueueOctets: 64 * 1024 * 1024 }));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    client.socket.pause();
    leg.send("x".repeat(32 * 1024 * 1024), flow);
    await leg.close();
    expect(leg.counters?.connections).toBe(0);
  });
});

describe("what one peer can hold", () => {
  it("a slow reader: its queue is full, then its connection is gone", async () => {
    const { leg, owner } = await started(tcp({ ...LOOPBACK, maxQueueOctets: 100_000 }));
    const client = await phone(leg.local);
    const bystander = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    client.socket.pause();
    const text = options("TCP s", "c", "x".repeat(50_000));
    let result = leg.send(text, flow);
    for (let i = 0; i < 10_000 && result === "sent"; i++) result = leg.send(text, flow);
    expect(result).toBe("overloaded");
    expect(leg.send(text, flow)).toBe("flow-dead");
    expect(await owner.next("closed")).toMatchObject({ flow, wasAlive: false });
    expect(leg.counters?.dropped.overloaded).toBe(1);
    bystander.write(options("TCP h"));
    await bystander.until(/200/);
  });

  it("a message that fits no queue is refused, and harms nobody", async () => {
    const { leg, owner } = await started(tcp({ ...LOOPBACK, maxQueueOctets: 1_000 }));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    expect(leg.send("x".repeat(1_001), flow)).toBe("too-large");
    expect(flow.alive).toBe(true);
  });

  it("a peer that reads nothing for long is given up, though its queue has room", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(
      tcp({ ...LOOPBACK, clock, stallMs: 30_000, maxQueueOctets: 64 * 1024 * 1024 }),
    );
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    leg.retain?.(flow, true);
    client.socket.pause();
    leg.send("x".repeat(32 * 1024 * 1024), flow);
    clock.advance(40_000);
    expect(await owner.next("closed")).toMatchObject({ flow });
    expect(leg.counters?.dropped.overloaded).toBe(1);
  });

  it("too many connections of one address", async () => {
    const { leg } = await started(tcp({ ...LOOPBACK, maxConnectionsPerAddress: 2 }));
    const first = await phone(leg.local);
    const second = await phone(leg.local);
    await refused(leg.local);
    for (const client of [first, second]) {
      client.write(options("TCP h"));
      await client.until(/200/);
    }
    expect(leg.counters?.dropped["too-many"]).toBe(1);
    first.socket.destroy();
    second.socket.end();
    await second.closed();
    const fourth = await phone(leg.local);
    fourth.write(options("TCP h"));
    await fourth.until(/200/);
  });

  it("too many of one IPv6 network, which is one host's", async () => {
    const { leg } = await started(tcp({ host: "::1", port: 0, maxConnectionsPerAddress: 1 }));
    const first = await phone(leg.local);
    first.write(options("TCP h"));
    await first.until(/200/);
    await refused(leg.local);
    expect(leg.counters?.dropped["too-many"]).toBe(1);
  });

  it("too many connections altogether, dialed ones too", async () => {
    const { leg } = await started(tcp({ ...LOOPBACK, maxConnections: 1 }));
    const first = await phone(leg.local);
    first.write(options("TCP h"));
    await first.until(/200/);
    await refused(leg.local);
    await expect(leg.connect({ address: "127.0.0.1", port: 9 })).rejects.toThrow(/too many/);
  });

  it("too many connections to legs that share a budget", async () => {
    const budget = new ConnectionBudget({ maxConnections: 3, maxConnectionsPerAddress: 2 });
    const { leg } = await started(tcp({ ...LOOPBACK, budget }));
    const { leg: other } = await started(tcp({ ...LOOPBACK, budget }));
    const first = await phone(leg.local);
    const second = await phone(other.local);
    for (const client of [first, second]) {
      client.write(options("TCP h"));
      await client.until(/200/);
    }
    await refused(leg.local);
    await refused(other.local);
    first.socket.end();
    await first.closed();
    const third = await phone(other.local);
    third.write(options("TCP h"));
    await third.until(/200/);
  });

  it("only whom the owner admits", async () => {
    let isOpen = false;
    const { leg } = await started(tcp(LOOPBACK), { ...ANSWERING, admits: () => isOpen });
    await refused(leg.local);
    isOpen = true;
    const admitted = await phone(leg.local);
    admitted.write(options("TCP h"));
    await admitted.until(/200/);
    expect(leg.counters?.dropped["not-admitted"]).toBe(1);
  });
});

describe("bounds in time", () => {
  it("a connection that never says a whole message is closed", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, handshakeMs: 30_000 }));
    const silent = await phone(leg.local);
    const pinging = await phone(leg.local);
    pinging.write("\r\n\r\n");
    await pinging.until(/\r\n/);
    clock.advance(29_000);
    pinging.write("\r\n\r\n");
    await pinging.until(/\r\n\r\n/);
    clock.advance(10_000);
    expect(await silent.closed()).toBe("");
    await pinging.closed();
    await owner.next("closed");
    expect(leg.counters?.dropped.handshake).toBe(2);
  });

  it("half a message is not waited for", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, messageMs: 15_000 }));
    const client = await phone(leg.local);
    client.write(options("TCP h") + options("TCP h").slice(0, 40));
    const { flow } = await owner.next("message");
    await owner.next("batch-end");
    leg.retain?.(flow, true);
    for (const octet of "trickle") {
      clock.advance(4_000);
      if (!flow.alive) break;
      client.write(octet);
      await owner.next("batch-end");
    }
    expect(await owner.next("closed")).toMatchObject({ flow });
    expect(leg.counters?.dropped.handshake).toBe(1);
  });

  it("a lone CRLF is no half message", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, messageMs: 15_000 }));
    const client = await phone(leg.local);
    client.write(`${options("TCP h")}\r\n`);
    const { flow } = await owner.next("message");
    await owner.next("batch-end");
    clock.advance(60_000);
    expect(flow.alive).toBe(true);
  });

  it("an idle connection is closed unless a binding lives on it", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, idleMs: 300_000 }));
    const bound = await phone(leg.local);
    bound.write(options("TCP h"));
    const boundFlow = (await owner.next("message")).flow;
    leg.retain?.(boundFlow, true);
    const idle = await phone(leg.local);
    idle.write(options("TCP h"));
    const idleFlow = (await owner.next("message")).flow;
    clock.advance(310_000);
    expect(await owner.next("closed")).toMatchObject({ flow: idleFlow });
    await idle.closed();
    expect(leg.counters?.dropped.idle).toBe(1);
    clock.advance(3_000_000);
    expect(boundFlow.alive).toBe(true);
    leg.retain?.(boundFlow, false);
    clock.advance(10_000);
    expect(await owner.next("closed")).toMatchObject({ flow: boundFlow });
  });

  it("CRLF pings keep a connection from being idle", async () => {
    const clock = manualClock();
    const { leg, owner } = await started(tcp({ ...LOOPBACK, clock, idleMs: 300_000 }));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    await owner.next("batch-end");
    for (let i = 0; i < 5; i++) {
      clock.advance(200_000);
      client.write("\r\n\r\n");
      await owner.next("batch-end");
    }
    expect(flow.alive).toBe(true);
  });
});

describe("connections opened from here", () => {
  it("one serves all who ask, at once and later", async () => {
    const { leg } = await started(tcp(LOOPBACK));
    const { port, accepted, server } = await peer();
    const remote = { address: "127.0.0.1", port };
    const accepting = once(server, "connection");
    const [first, second] = await Promise.all([leg.connect(remote), leg.connect(remote)]);
    await accepting;
    expect(second).toBe(first);
    expect(leg.connect(remote)).toBe(first);
    expect(accepted).toHaveLength(1);
  });

  it("a connection that the peer opened serves too (RFC 5923 §4)", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const client = await phone(leg.local);
    client.write(options("TCP h"));
    const { flow } = await owner.next("message");
    expect(leg.connect(client.local, { serverName: "phone.example.com" })).toBe(flow);
  });

  it("a dead one serves no more", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const { port, accepted, server } = await peer();
    const remote = { address: "127.0.0.1", port };
    const accepting = once(server, "connection");
    const first = await leg.connect(remote);
    await accepting;
    accepted[0]?.destroy();
    await owner.next("closed");
    const second = await leg.connect(remote);
    expect(first.alive).toBe(false);
    expect(second.alive).toBe(true);
    expect(second.token).not.toBe(first.token);
  });

  it("the peer owes no message on it", async () => {
    const clock = manualClock();
    const { leg } = await started(tcp({ ...LOOPBACK, clock, handshakeMs: 1_000 }));
    const { port } = await peer();
    const flow = await leg.connect({ address: "127.0.0.1", port });
    clock.advance(10_000);
    expect(flow.alive).toBe(true);
  });

  it("what comes on it is handed over like any other", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    const { port, accepted, server } = await peer();
    const accepting = once(server, "connection");
    const flow = await leg.connect({ address: "127.0.0.1", port });
    await accepting;
    const client = clientOf(accepted[0]!);
    client.write(options("TCP h"));
    expect((await owner.next("message")).flow).toBe(flow);
    await client.until(/SIP\/2\.0 200 /);
  });

  it("a name is no address", async () => {
    const { leg } = await started(tcp(LOOPBACK));
    await expect(leg.connect({ address: "example.com", port: 5060 })).rejects.toThrow(/no address/);
  });

  it("nobody there: the system's error, for everyone who asked", async () => {
    const { leg } = await started(tcp(LOOPBACK));
    const { port, server } = await peer();
    server.close();
    await once(server, "close");
    const remote = { address: "127.0.0.1", port };
    const asked = await Promise.allSettled([leg.connect(remote), leg.connect(remote)]);
    for (const one of asked) {
      expect(one.status === "rejected" ? one.reason : undefined).toMatchObject({ code: "ECONNREFUSED" });
    }
  });

  it("a response whose connection is gone goes over a new one (RFC 3261 §18.2.2)", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK), {});
    const { port, accepted, server } = await peer();
    const client = await phone(leg.local);
    client.write(options(`TCP 127.0.0.1:${port}`));
    const { text, flow } = await owner.next("message");
    client.socket.resetAndDestroy();
    await owner.next("closed");
    const accepting = once(server, "connection");
    expect(answer(text, flow, leg)).toBe("sent");
    await accepting;
    await clientOf(accepted[0]!).until(/^SIP\/2\.0 200 /);
  });
});

describe("a TCP leg", () => {
  it("rejects start with the system's error when the port is taken", async () => {
    const { leg } = await started(tcp(LOOPBACK));
    await expect(started(tcp({ ...LOOPBACK, port: leg.local.port }))).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
  });

  it("starts once", async () => {
    const { leg, owner } = await started(tcp(LOOPBACK));
    await expect(leg.start(owner.events)).rejects.toThrow(/started already/);
  });

  it("is closed before it was ever started", async () => {
    await tcp(LOOPBACK).close();
  });

  it("refuses an option it does not know", () => {
    const wrong = { ...LOOPBACK, idelMs: 1 };
    expect(() => tcp(wrong)).toThrow(/idelMs/);
  });
});
