import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answersIn } from "./support/answers.js";
import { startBaresip } from "./support/baresip.js";
import { selfSigned } from "./support/certificates.js";
import { type Edge, startEdge } from "./support/kamailio.js";
import { startLinphone } from "./support/linphone.js";
import { describeWith } from "./support/peers.js";
import { run } from "./support/run.js";
import { rollcall, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";
import { contactsOverHttp, contactsShown, dumped } from "./support/views.js";
import { addressLines, type Received, tcpWire, tlsWire, udpWire, type Wire } from "./support/wire.js";

/** C3: how soon a binding goes with its connection. */
const GONE_MS = 1_000;
const PATIENCE_MS = 15_000;

/** Starts a server with this configuration beside listeners, admin and store. */
function serveConfig(yaml: string): Promise<ServerUnderTest> {
  const file = join(temporaryFolder(), "rollcall.yaml");
  writeFileSync(file, `admin: 127.0.0.1:0\ndomains: [example.com]\n${yaml}`);
  return serve({ args: ["--config", file] });
}

interface Flow {
  readonly aor: string;
  readonly instance: string;
  readonly regId: number;
  readonly cseq?: number;
  readonly callId?: string;
  readonly expires?: number;
}

/** Registers a flow of RFC 5626 over a connection of the test. */
function registerFlow(wire: Wire, { aor, instance, regId, ...rest }: Flow): Promise<Received> {
  const user = aor.slice("sip:".length, aor.indexOf("@"));
  return wire.request("REGISTER sip:example.com", [
    ...addressLines("REGISTER", aor, aor, rest),
    `Contact: <sip:${user}@127.0.0.1:${wire.port};transport=tcp>;reg-id=${regId};+sip.instance="<urn:uuid:${instance}>"`,
    `Expires: ${rest.expires ?? 600}`,
    "Supported: path, outbound",
  ]);
}

/** A MESSAGE from a phone to an address-of-record. */
function message(caller: Wire, aor: string, text: string): Promise<Received> {
  const lines = [...addressLines("MESSAGE", "sip:udp@example.com", aor), "Content-Type: text/plain"];
  return caller.request(`MESSAGE ${aor}`, lines, text);
}

/** A MESSAGE that this phone takes. @returns what the phone got */
async function reaches(caller: Wire, aor: string, phone: Wire, text: string): Promise<Received> {
  const before = phone.received.length;
  const answer = message(caller, aor, text);
  const got = await phone.requested("MESSAGE", before);
  expect(got.body).toBe(text);
  phone.answer(got, 200, "OK");
  expect((await answer).status).toBe(200);
  return got;
}

describe("connections and the bindings on them", () => {
  let server: ServerUnderTest;
  let caller: Wire;
  beforeAll(async () => {
    server = await serve({ args: ["--domain", "example.com"] });
    caller = await udpWire(server.ports.udp!);
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  test("C3: a connection's end takes its binding within a second, and the event stream tells it", async () => {
    const aor = "sip:gone@example.com";
    const events: string[] = [];
    const stop = new AbortController();
    const { body } = await fetch(
      `http://127.0.0.1:${server.adminPort}/api/v1/events?aor=${encodeURIComponent(aor)}`,
      { signal: stop.signal },
    );
    const reading = (async () => {
      for await (const chunk of body!) events.push(Buffer.from(chunk).toString("utf8"));
    })().catch(() => {});
    const wire = await tcpWire(server.ports.tcp!);
    expect((await registerFlow(wire, { aor, instance: randomUUID(), regId: 1 })).status).toBe(200);
    await until(() => events.join("").includes("event: registered\n"));
    wire.close();
    await until(() => events.join("").includes("event: flow-closed\n"), GONE_MS);
    expect(await contactsOverHttp(server, aor)).toEqual([]);
    expect((await message(caller, aor, "nobody")).status).toBe(480);
    stop.abort();
    await reading;
  });

  test("C3: a new connection that is there before the old one ends keeps the binding", async () => {
    const aor = "sip:overtakes@example.com";
    const instance = randomUUID();
    const [old, fresh] = [await tcpWire(server.ports.tcp!), await tcpWire(server.ports.tcp!)];
    await registerFlow(old, { aor, instance, regId: 1, callId: "overtakes", cseq: 1 });
    await registerFlow(fresh, { aor, instance, regId: 1, callId: "overtakes", cseq: 2 });
    const witness = "sip:witness@example.com";
    await registerFlow(old, { aor: witness, instance, regId: 1 });
    old.close();
    await until(async () => (await contactsOverHttp(server, witness)).length === 0, GONE_MS);
    expect(await contactsOverHttp(server, aor)).toMatchObject([{ received: `tcp:127.0.0.1:${fresh.port}` }]);
    await reaches(caller, aor, fresh, "over the new one");
    fresh.close();
    await until(async () => (await contactsOverHttp(server, aor)).length === 0, GONE_MS);
  });

  test("C6: one flow of a phone at a time, the next one when that has died (RFC 5626 §7)", async () => {
    const aor = "sip:flows@example.com";
    const instance = randomUUID();
    const [first, second] = [await tcpWire(server.ports.tcp!), await tcpWire(server.ports.tcp!)];
    const answer = await registerFlow(first, { aor, instance, regId: 1, callId: "flow-1" });
    expect(answer.header("Require")).toEqual(["outbound"]);
    expect(answer.header("Flow-Timer")).toEqual(["120"]);
    await registerFlow(second, { aor, instance, regId: 2, callId: "flow-2" });
    expect(await contactsOverHttp(server, aor)).toMatchObject([{ regId: 1 }, { regId: 2 }]);

    await reaches(caller, aor, second, "the latest flow");
    expect(first.received.filter(({ status }) => status === 0)).toEqual([]);
    second.close();
    await until(async () => (await contactsOverHttp(server, aor)).length === 1, GONE_MS);
    await reaches(caller, aor, first, "the other flow");
    first.close();
  });

  test("C6: routes of a dialog that were changed are 403, and a flow that has died is 480 to the caller (RFC 5626 §5.3)", async () => {
    const aor = "sip:dialog@example.com";
    const phone = await tcpWire(server.ports.tcp!);
    await registerFlow(phone, { aor, instance: randomUUID(), regId: 1 });
    const lines = addressLines("INVITE", "sip:udp@example.com", aor, { callId: "dialog" });
    const contact = `Contact: <sip:udp@127.0.0.1:${caller.port}>`;
    const calling = caller.request(`INVITE ${aor}`, [...lines, contact]);
    phone.answer(await phone.requested("INVITE"), 200, "OK");
    const answer = await calling;
    expect(answer.status).toBe(200);
    const routes = answer.header("Record-Route").toReversed();
    expect(routes).toHaveLength(2);
    let cseq = 1;
    const bye = (route: readonly string[]) =>
      caller.request(`BYE sip:dialog@127.0.0.1:${phone.port};transport=tcp`, [
        `From: ${answer.header("From")[0]}`,
        `To: ${answer.header("To")[0]}`,
        "Call-ID: dialog",
        `CSeq: ${++cseq} BYE`,
        ...route.map((value) => `Route: ${value}`),
      ]);
    for (const at of [0, 1]) {
      // the last digit of the token
      const forged = routes.map((value, i) =>
        i === at ? value.replace(/.@/, (end) => (end === "0@" ? "1@" : "0@")) : value,
      );
      expect((await bye(forged)).status).toBe(403);
    }
    const hangingUp = bye(routes);
    phone.answer(await phone.requested("BYE"), 200, "OK");
    expect((await hangingUp).status).toBe(200);
    phone.close();
    await until(async () => (await contactsOverHttp(server, aor)).length === 0, GONE_MS);
    expect((await bye(routes)).status).toBe(480);
  });

  test("C9: a phone on UDP is pinged, and explain tells how fast it answered", async () => {
    const aor = "sip:pinged@example.com";
    const pinging = await serveConfig("listen: [udp:127.0.0.1:0]\nnat: { pingSeconds: 1 }\n");
    const phone = await udpWire(pinging.ports.udp!);
    const contact = `Contact: <sip:pinged@192.0.2.99:5060>`;
    const registered = [...addressLines("REGISTER", aor, aor), contact, "Expires: 600"];
    expect((await phone.request("REGISTER sip:example.com", registered)).status).toBe(200);
    phone.answer(await phone.requested("OPTIONS"), 200, "OK");
    await until(async () => {
      const path = `/api/v1/bindings/${encodeURIComponent(aor)}/explain`;
      const text = await (await fetch(`http://127.0.0.1:${pinging.adminPort}${path}`)).text();
      return text.includes("it answered a ping within");
    });
    phone.close();
    expect(await pinging.stop()).toBe(0);
  });

  test("F1: a binding on a connection of before a crash is stored, and not called", async () => {
    const aor = "sip:before@example.com";
    const data = join(temporaryFolder(), "data");
    const before = await serve({ data, args: ["--domain", "example.com"] });
    const wire = await tcpWire(before.ports.tcp!);
    expect((await registerFlow(wire, { aor, instance: randomUUID(), regId: 1 })).status).toBe(200);
    await before.stop("SIGKILL");
    const after = await serve({ data, args: ["--domain", "example.com"] });
    expect(await contactsShown(after, aor)).toMatchObject([{ received: `tcp:127.0.0.1:${wire.port}` }]);
    expect((await message(await udpWire(after.ports.udp!), aor, "nobody")).status).toBe(480);
    const response = await fetch(
      `http://127.0.0.1:${after.adminPort}/api/v1/bindings/${encodeURIComponent(aor)}/explain`,
    );
    expect(await response.json()).toMatchObject({ reachable: "no" });
    expect(await after.stop()).toBe(0);
  });

  test("C6: STUN on the UDP port of SIP tells a phone its own address (RFC 5626 §8, RFC 5389)", async () => {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const cookie = Buffer.from("2112a442", "hex");
    const transaction = Buffer.from("rollcall-001");
    socket.send(
      Buffer.concat([Buffer.from("00010000", "hex"), cookie, transaction]),
      server.ports.udp!,
      "127.0.0.1",
    );
    const [answer] = (await once(socket, "message")) as [Buffer];
    expect(answer.subarray(0, 2).toString("hex")).toBe("0101");
    expect(answer.subarray(8, 20)).toEqual(transaction);
    // XOR-MAPPED-ADDRESS, IPv4: the port and the address, disguised by the cookie
    const at = answer.indexOf(Buffer.from("002000080001", "hex"));
    expect(at).toBeGreaterThan(0);
    expect(answer.readUInt16BE(at + 6) ^ 0x2112).toBe(socket.address().port);
    expect((answer.readUInt32BE(at + 8) ^ 0x2112a442) >>> 0).toBe(0x7f000001);
    socket.close();
  });
});

describeWith("C10: certificates of a server that runs", ["openssl"], () => {
  test("change with their files and at SIGHUP, and connections that stand go on", async () => {
    const folder = temporaryFolder();
    const { cert, key } = selfSigned("first.example.com", folder);
    const server = await serve({
      args: [
        "--listen",
        "udp:127.0.0.1:0",
        "--listen",
        "tls:127.0.0.1:0",
        "--tls-cert",
        cert,
        "--tls-key",
        key,
      ],
    });
    const aor = "sip:tls@example.com";
    const register = (wire: Wire, cseq: number) =>
      registerFlow(wire, { aor, instance: "1", regId: 1, callId: "tls", cseq });
    const shown = (wire: Wire) => wire.tls!.getPeerCertificate().subject.CN;
    const showsNow = async (): Promise<unknown> => {
      const wire = await tlsWire(server.ports.tls!);
      const name = shown(wire);
      wire.close();
      return name;
    };
    const standing = await tlsWire(server.ports.tls!);
    expect(shown(standing)).toBe("first.example.com");
    expect((await register(standing, 1)).status).toBe(200);

    selfSigned("second.example.com", folder);
    await until(async () => (await showsNow()) === "second.example.com", PATIENCE_MS);
    expect((await register(standing, 2)).status).toBe(200);

    selfSigned("third.example.com", folder);
    server.child.kill("SIGHUP");
    await until(async () => (await showsNow()) === "third.example.com", GONE_MS * 2);
    expect((await register(standing, 3)).status).toBe(200);
    expect(await contactsOverHttp(server, aor)).toMatchObject([
      { received: `tls:127.0.0.1:${standing.port}` },
    ]);

    const caller = await udpWire(server.ports.udp!);
    await reaches(caller, aor, standing, "over the first connection");
    expect(standing.isClosed()).toBe(false);
    expect(await server.stop()).toBe(0);
  });
});

describeWith("C1: linphone", ["linphonec", "openssl"], () => {
  const PASSWORD = "wonderland";
  const aor = "sip:linphone@example.com";
  const { cert, key } = selfSigned();
  let server: ServerUnderTest;
  beforeAll(async () => {
    server = await serveConfig(
      `listen: [udp:127.0.0.1:0, tls:127.0.0.1:0]\nopen: false\nauth: { algorithms: [sha-256] }\n` +
        `tls: { cert: ${cert}, key: ${key} }\n`,
    );
    const args = ["user", "add", "linphone@example.com", "--password-stdin", "--data", server.data];
    expect(await rollcall(args, PASSWORD)).toMatchObject({ status: 0 });
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  test.each(["udp", "tls"])("registers over %s with its password, by SHA-256 (B1)", async (transport) => {
    const phone = await startLinphone({
      aor,
      password: PASSWORD,
      // its TLS library knows no addresses in certificates
      server: `sip:localhost:${server.ports[transport]};transport=${transport}`,
      rootCa: cert,
    });
    const [challenge, accepted] = phone.answers();
    expect(challenge).toMatchObject({ status: 401 });
    expect(challenge!.text).toMatch(/^WWW-Authenticate: Digest .*algorithm=SHA-256/m);
    expect(accepted).toMatchObject({ status: 200 });
    expect((await dumped(server)).find((view) => view.aor === aor)?.contacts).toMatchObject([
      { received: expect.stringMatching(new RegExp(`^${transport}:127\\.0\\.0\\.1:\\d+$`)) as string },
    ]);
    const { instance, userAgent } = (await contactsOverHttp(server, aor))[0]!;
    expect(instance).toMatch(/^<urn:uuid:/);
    expect(userAgent).toMatch(/^Linphonec/);
    await phone.quit();
    expect(await contactsOverHttp(server, aor)).toEqual([]);
  });
});

describeWith("C1: baresip", ["baresip", "kamailio", "openssl"], () => {
  let server: ServerUnderTest;
  let caller: Wire;
  beforeAll(async () => {
    const { cert, key } = selfSigned();
    server = await serveConfig(
      `listen: [udp:127.0.0.1:0, tcp:127.0.0.1:0, tls:127.0.0.1:0]\ntls: { cert: ${cert}, key: ${key} }\n`,
    );
    caller = await udpWire(server.ports.udp!);
  });
  afterAll(async () => {
    expect(await server.stop()).toBe(0);
  });

  test.each(["tcp", "tls"] as const)(
    "registers over %s with outbound (C6), and is reached",
    async (transport) => {
      const aor = `sip:baresip-${transport}@example.com`;
      const phone = await startBaresip({
        user: `baresip-${transport}`,
        domain: "example.com",
        transport,
        server: server.ports[transport]!,
        params: ["sipnat=outbound"],
        traces: true,
      });
      const [answer] = answersIn(phone.printed());
      expect(answer).toMatchObject({ status: 200 });
      expect(answer!.text).toMatch(/^Require: outbound$/m);
      expect(answer!.text).toMatch(/^Flow-Timer: 120$/m);
      const dump = (await dumped(server)).find((view) => view.aor === aor);
      expect(dump?.contacts).toMatchObject([
        {
          regId: 1,
          instance: expect.stringMatching(/^<urn:uuid:0b3a4dbc-/) as string,
          received: expect.stringMatching(new RegExp(`^${transport}:127\\.0\\.0\\.1:`)) as string,
        },
      ]);
      const ping = await caller.request(
        `OPTIONS ${aor}`,
        addressLines("OPTIONS", "sip:udp@example.com", aor),
      );
      expect(ping.status).toBe(200);
      expect(ping.text).toContain("baresip");
      await phone.end();
      await until(async () => (await contactsOverHttp(server, aor)).length === 0, GONE_MS);
    },
  );

  test("registers through an edge proxy with outbound, and is reached through it", async () => {
    const aor = "sip:baresip-edge@example.com";
    const edge = await startEdge(server.ports.udp!);
    const phone = await startBaresip({
      user: "baresip-edge",
      domain: "example.com",
      transport: "tcp",
      server: edge.port,
      params: ["sipnat=outbound"],
    });
    const [contact, ...others] = await contactsOverHttp(server, aor);
    expect(others).toEqual([]);
    expect(contact).toMatchObject({ regId: 1, path: [expect.stringContaining(";ob") as string] });
    const ping = await caller.request(`OPTIONS ${aor}`, addressLines("OPTIONS", "sip:udp@example.com", aor));
    expect(ping.status).toBe(200);
    expect(ping.text).toContain("baresip");
    await phone.end();
    await edge.end();
  });
});

describeWith("C5: Kamailio as an edge proxy that adds Path", ["kamailio", "sipsak"], () => {
  let server: ServerUnderTest;
  let edge: Edge;
  let caller: Wire;
  beforeAll(async () => {
    server = await serveConfig("listen: [udp:127.0.0.1:0]\npath: accept\n");
    edge = await startEdge(server.ports.udp!);
    caller = await udpWire(server.ports.udp!);
  });
  afterAll(async () => {
    await edge.end();
    expect(await server.stop()).toBe(0);
  });

  test("a phone that says nothing of Path is taken with path: accept, and refused with 420 by the default", async () => {
    const aor = "sip:plain@example.com";
    const sipsak = async (port: number) => {
      const proxy = ["-U", "-vvv", "-p", `127.0.0.1:${port}`, "-s", aor];
      return (await run("sipsak", [...proxy, "-C", "sip:plain@127.0.0.1:5099", "-x", "120"])).output;
    };
    expect(await sipsak(edge.port)).toMatch(/^SIP\/2.0 200 /m);
    const [contact] = await contactsOverHttp(server, aor);
    expect(contact!.path).toEqual([expect.stringContaining(`127.0.0.1:${edge.port};`)]);

    const strict = await serveConfig("listen: [udp:127.0.0.1:0]\n");
    const strictEdge = await startEdge(strict.ports.udp!);
    const refused = await sipsak(strictEdge.port);
    expect(refused).toMatch(/^SIP\/2.0 420 /m);
    expect(refused).toMatch(/^Unsupported: path/m);
    expect(await contactsOverHttp(strict, aor)).toEqual([]);
    await strictEdge.end();
    expect(await strict.stop()).toBe(0);
  });

  test("a phone on UDP: its Path is kept and echoed, and requests go back through it", async () => {
    const aor = "sip:edge-udp@example.com";
    const phone = await udpWire(edge.port);
    const answer = await phone.request("REGISTER sip:example.com", [
      ...addressLines("REGISTER", aor, aor),
      `Contact: <sip:edge-udp@192.0.2.99:5060>`,
      "Expires: 600",
      "Supported: path",
    ]);
    expect(answer.status).toBe(200);
    const [contact] = await contactsOverHttp(server, aor);
    expect(contact).toMatchObject({ received: `udp:127.0.0.1:${edge.port}` });
    expect(contact!.path).toHaveLength(1);
    expect(answer.header("Path")).toEqual(contact!.path);
    const got = await reaches(caller, aor, phone, "through the edge");
    expect(got.start).toBe("MESSAGE sip:edge-udp@192.0.2.99:5060 SIP/2.0");
    expect(got.header("Route")).toEqual([]);
    expect(got.header("Via")[0]).toContain(`127.0.0.1:${edge.port}`);
    phone.close();
  });

  test("C6: a phone with two flows through the edge is reached over the other one when the edge says 430", async () => {
    const aor = "sip:edge-tcp@example.com";
    const instance = randomUUID();
    const [first, second] = [await tcpWire(edge.port), await tcpWire(edge.port)];
    const answer = await registerFlow(first, { aor, instance, regId: 1, callId: "edge-1" });
    expect(answer.status).toBe(200);
    expect(answer.header("Require")).toEqual(["outbound"]);
    await registerFlow(second, { aor, instance, regId: 2, callId: "edge-2" });
    const contacts = await contactsOverHttp(server, aor);
    expect(contacts).toMatchObject([{ regId: 1 }, { regId: 2 }]);
    for (const { path } of contacts) expect(path).toEqual([expect.stringMatching(/^<sip:[^@]+@.*;ob/)]);

    await reaches(caller, aor, second, "the latest flow");
    second.close();
    // the registrar does not see connections of the edge: its answer tells
    await reaches(caller, aor, first, "the other flow");
    first.close();
  });
});
