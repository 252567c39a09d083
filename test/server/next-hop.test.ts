import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { NO_LOG } from "../../src/port/log.js";
import { loadConfig } from "../../src/server/config-load.js";
import { startServer } from "../../src/server/serve.js";
import { okTo, UdpPhone } from "../support/udp-phone.js";
import { NameServer } from "../transport/name-server.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** An edge proxy that answers every request with one status line; it counts them. */
async function edge(status: string): Promise<{ readonly port: number; readonly asked: () => number }> {
  const socket: Socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  endings.push(() => socket.close());
  let asked = 0;
  socket.on("message", (datagram, from) => {
    asked++;
    const answer = okTo(datagram.toString("latin1")).replace("200 OK", status);
    socket.send(Buffer.from(answer, "latin1"), from.port, from.address);
  });
  return { port: socket.address().port, asked: () => asked };
}

/** A server that finds the edge of its user bob by SRV: first this one, then that. */
async function serveBehind(proxy: string, first: number, second: number): Promise<UdpPhone> {
  const names = await NameServer.start({
    "_sip._udp.edge.example.net": {
      SRV: [`1 0 ${first} one.example.net`, `2 0 ${second} two.example.net`],
    },
    "one.example.net": { A: ["127.0.0.1"] },
    "two.example.net": { A: ["127.0.0.1"] },
  });
  endings.push(() => names.close());
  const folder = mkdtempSync(join(tmpdir(), "rollcall-next-hop-"));
  endings.push(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "rollcall.yaml");
  const lines = [
    "listen: [udp:127.0.0.1:0]",
    "domains: [example.com]",
    "store: 'memory:'",
    "open: true",
    "admin: off",
  ];
  writeFileSync(file, [...lines, `dns: { servers: ["${names.address}"] }`, `proxy: ${proxy}`].join("\n"));
  const server = await startServer(loadConfig(file, {}), { log: NO_LOG });
  endings.push(() => server.close());
  const port = Number(server.listeners[0]!.split(":").at(-1));
  const phone = await UdpPhone.open(port);
  endings.push(() => phone.close());
  const registered = await phone.register({
    aor: "sip:bob@example.com",
    contact: "sip:bob@192.0.2.7",
    callId: "bob",
    cseq: 1,
    lines: ["Path: <sip:edge.example.net;lr>", "Supported: path"],
  });
  expect(registered.status).toBe(200);
  return phone;
}

async function ask(phone: UdpPhone, callId: string): Promise<number> {
  return (await phone.ask({ method: "OPTIONS", aor: "sip:bob@example.com", callId, cseq: 1 })).status;
}

test("RFC 3263 §4.3: who answered 503 is passed over by the next request", async () => {
  const [busy, ready] = [await edge("503 Service Unavailable"), await edge("200 OK")];
  const phone = await serveBehind("{ mode: proxy }", busy.port, ready.port);
  expect(await ask(phone, "first")).toBe(200);
  expect([busy.asked(), ready.asked()]).toEqual([1, 1]);
  expect(await ask(phone, "second")).toBe(200);
  expect([busy.asked(), ready.asked()]).toEqual([1, 2]);
});

test("RFC 3263 §4.4: a stateless proxy asks the same one each time", async () => {
  const [busy, ready] = [await edge("503 Service Unavailable"), await edge("200 OK")];
  const phone = await serveBehind("{ mode: stateless }", busy.port, ready.port);
  expect([await ask(phone, "first"), await ask(phone, "second")]).toEqual([503, 503]);
  expect([busy.asked(), ready.asked()]).toEqual([2, 0]);
});

test("a user who is gone: 410, however the configuration writes the domain", async () => {
  const [one, two] = [await edge("486 Busy Here"), await edge("200 OK")];
  const phone = await serveBehind("{ goneUsers: [Gone@Example.COM] }", one.port, two.port);
  const request = { method: "OPTIONS", callId: "gone", cseq: 1 };
  expect((await phone.ask({ ...request, aor: "sip:Gone@example.com" })).status).toBe(410);
  expect((await phone.ask({ ...request, callId: "other", aor: "sip:gone@example.com" })).status).toBe(480);
});
