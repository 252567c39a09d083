import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { okTo, UdpPhone } from "../test/support/udp-phone.js";
import { authority, hasOpenssl } from "../test/transport/certificates.js";
import { type Baresip, startBaresip } from "./support/baresip.js";
import { describeWith, findProgram } from "./support/peers.js";
import { startProgram } from "./support/program.js";
import { run } from "./support/run.js";
import { rollcall, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { type Sipp, startSipp } from "./support/sipp.js";
import { until } from "./support/until.js";
import { metric } from "./support/views.js";

const DOMAIN = "example.com";
const STRANGER = "stranger@elsewhere.example";
const CALLEE_PL = join(import.meta.dirname, "scripts", "call-callee.pl");
const CALLER_PL = join(import.meta.dirname, "scripts", "call-caller.pl");
const PASSWORD = "wonderland";
const DAVE = { caller: `dave@${DOMAIN}`, password: PASSWORD };

/** Anybody may register here. */
let server: ServerUnderTest;
/** Has accounts for carol and dave; what leaves it goes by way of the edge. */
let closed: ServerUnderTest;
let edge: Socket;
/** Registers contacts, and asks what no call is needed for. */
let desk: UdpPhone;
let calls = 0;
/** A call to a phone that says nothing: it takes as long as all else, so it begins first. */
let silence: { readonly call: Promise<void>; readonly invites: () => number } | undefined;

/** A server for example.com from a configuration, over UDP and what else it says. */
async function serveWith(lines: readonly string[]): Promise<ServerUnderTest> {
  const config = join(temporaryFolder(), "rollcall.yaml");
  writeFileSync(config, ["admin: 127.0.0.1:0", "domains: [example.com]", ...lines, ""].join("\n"));
  return serve({ args: ["--config", config] });
}

beforeAll(async () => {
  const folder = temporaryFolder();
  const listen = ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];
  const tls: string[] = [];
  if (hasOpenssl) {
    const { cert, key } = authority((ca) => ca.issue("127.0.0.1", "IP:127.0.0.1"));
    writeFileSync(join(folder, "cert.pem"), cert);
    writeFileSync(join(folder, "key.pem"), key);
    listen.push("tls:127.0.0.1:0");
    tls.push(`tls: { cert: ${join(folder, "cert.pem")}, key: ${join(folder, "key.pem")} }`);
  }
  edge = createSocket("udp4").bind(0, "127.0.0.1");
  await once(edge, "listening");
  [server, closed] = await Promise.all([
    serveWith([`listen: [${listen.join(", ")}]`, "open: true", ...tls]),
    serveWith([
      "listen: [udp:127.0.0.1:0]",
      "open: false",
      `proxy: { outgoingProxy: "sip:127.0.0.1:${edge.address().port}" }`,
    ]),
  ]);
  desk = await UdpPhone.open(server.ports.udp!);
  if (findProgram("sipp") !== undefined) silence = await callSilence();
  for (const user of ["carol", "dave"]) {
    const args = ["user", "add", `${user}@${DOMAIN}`, "--password-stdin", "--data", closed.data];
    expect(await rollcall(args, PASSWORD)).toMatchObject({ status: 0 });
  }
});

afterAll(async () => {
  desk.close();
  edge.close();
  expect(await Promise.all([server.stop(), closed.stop()])).toEqual([0, 0]);
});

/** Calls a phone that takes every INVITE and says nothing; the caller must hear 408. */
async function callSilence(): Promise<typeof silence> {
  const phone = createSocket("udp4").bind(0, "127.0.0.1");
  await once(phone, "listening");
  let invites = 0;
  phone.on("message", (text) => {
    if (text.toString("latin1").startsWith("INVITE")) invites++;
  });
  await bind("silent", [`<sip:silent@127.0.0.1:${phone.address().port}>`]);
  const call = expectRefused(408, `silent@${DOMAIN}`, { patienceSec: 60 }).finally(() => phone.close());
  // looked at in its own test
  call.catch(() => {});
  return { call, invites: () => invites };
}

/** Binds contacts to a user of example.com, each with these parameters. */
async function bind(user: string, contacts: readonly string[], at = desk): Promise<void> {
  const lines = contacts.map((contact) => `Contact: ${contact}`);
  const callId = `bind-${user}-${++calls}`;
  const answer = await at.register({ aor: `sip:${user}@${DOMAIN}`, callId, cseq: 1, expiresSec: 300, lines });
  expect(answer.status).toBe(200);
}

/** Takes every binding of a user away. */
async function unbind(user: string): Promise<void> {
  const callId = `unbind-${user}-${++calls}`;
  const aor = `sip:${user}@${DOMAIN}`;
  expect((await desk.register({ aor, callId, cseq: 1, contact: "*", expiresSec: 0 })).status).toBe(200);
}

/** A phone by sipp that is called as this user. */
async function callee(user: string, scenario: string, at = server): Promise<Sipp> {
  return startSipp({ scenario, server: at.ports.udp!, service: `${user}@${DOMAIN}`, caller: STRANGER });
}

/** Runs calls to their ends, each as its scenario says. */
async function expectDone(...phones: readonly Sipp[]): Promise<void> {
  const statuses = await Promise.all(phones.map((phone) => phone.done()));
  const failed = phones.filter((_, i) => statuses[i] !== 0).map((phone) => phone.log());
  expect(failed, failed.join("\n")).toEqual([]);
}

interface Refused {
  readonly at?: ServerUnderTest;
  readonly caller?: string;
  /** Given: the caller logs in. */
  readonly password?: string;
  readonly patienceSec?: number;
}

/** Somebody, a stranger when nobody is named, calls and is refused with this status. */
async function expectRefused(status: number, service: string, how: Refused = {}): Promise<void> {
  const { at = server, caller = STRANGER, ...rest } = how;
  const scenario = how.password === undefined ? "call-caller-refused" : "call-caller-known";
  await expectDone(await startSipp({ scenario, server: at.ports.udp!, service, caller, status, ...rest }));
}

describeWith("D1: baresip calls baresip", ["baresip"], () => {
  const phone = (
    user: string,
    transport: "udp" | "tcp" | "tls",
    more: { readonly answers?: boolean; readonly password?: string } = {},
  ): Promise<Baresip> =>
    startBaresip({ user, domain: DOMAIN, transport, server: server.ports[transport]!, ...more });

  test.each(["udp", "tcp", ...(hasOpenssl ? (["tls"] as const) : [])] as const)(
    "over %s, and both hear each other",
    async (transport) => {
      const [alice, bob] = await Promise.all([
        phone(`alice-${transport}`, transport),
        phone(`bob-${transport}`, transport, { answers: true }),
      ]);
      alice.command("dial", `sip:bob-${transport}@${DOMAIN}`);
      await Promise.all([alice, bob].map((each) => each.says("Call established")));
      await Promise.all([alice, bob].map((each) => each.says("incoming rtp for 'audio' established")));
      // whoever hangs up, the other is told
      (transport === "tcp" ? bob : alice).command("hangup");
      for (const each of [alice, bob]) {
        const audio = await until(() => each.audio(), 10_000);
        expect(audio.sent).toBeGreaterThan(0);
        expect(audio.received).toBeGreaterThan(0);
      }
      await Promise.all([alice.end(), bob.end()]);
    },
  );

  test("forked to two phones: one answers, the other stops ringing", async () => {
    const [alice, desk, mobile] = await Promise.all([
      phone("alice", "udp"),
      phone("bob", "tcp"),
      phone("bob", "udp"),
    ]);
    alice.command("dial", `sip:bob@${DOMAIN}`);
    await Promise.all([desk, mobile].map((each) => each.says("Incoming call from")));
    mobile.command("accept");
    await Promise.all([alice, mobile].map((each) => each.says("Call established")));
    await desk.says("session closed");
    expect(desk.printed()).not.toContain("Call established");
    await Promise.all([alice, mobile].map((each) => each.says("incoming rtp for 'audio' established")));
    await Promise.all([alice.end(), desk.end(), mobile.end()]);
  });
});

describeWith("D1: sipp calls sipp", ["sipp"], () => {
  /** Starts one callee for each scenario, bound to a user of that name; the user is called. */
  async function call(user: string, caller: string, ...scenarios: readonly string[]): Promise<void> {
    const callees = await Promise.all(scenarios.map((scenario) => callee(user, scenario)));
    await bind(
      user,
      callees.map(({ port }) => `<sip:${user}@127.0.0.1:${port}>`),
    );
    const service = `${user}@${DOMAIN}`;
    const from = await startSipp({ scenario: caller, server: server.ports.udp!, service, caller: STRANGER });
    await expectDone(from, ...callees);
    await unbind(user);
  }

  test("a call with a re-INVITE, ended by the caller", () => call("life", "call-caller", "call-callee"));

  test("a call ended by the callee", () => call("short", "call-caller-hung-up-on", "call-callee-hangs-up"));

  test("a caller who gives up: CANCEL, 487", () =>
    call("slow", "call-caller-cancels", "call-callee-cancelled"));

  test("forked: the first who answers has the call, the other gets CANCEL with the reason", () =>
    call("twice", "call-caller-forked", "call-callee-late", "call-callee-too-late"));

  test("busy: 486", async () => {
    const busy = await callee("busy", "call-callee-busy");
    await bind("busy", [`<sip:busy@127.0.0.1:${busy.port}>`]);
    await Promise.all([expectRefused(486, `busy@${DOMAIN}`), expectDone(busy)]);
  });

  test("a MESSAGE is delivered", async () => {
    const phone = await callee("texted", "call-message");
    await bind("texted", [`<sip:texted@127.0.0.1:${phone.port}>`]);
    const service = `texted@${DOMAIN}`;
    const texter = { scenario: "call-texter", server: server.ports.udp!, service, caller: STRANGER };
    await expectDone(await startSipp(texter), phone);
    expect(phone.log()).toContain("lunch?");
  });

  test("Net::SIP as caller", async () => {
    const phone = await callee("perl", "call-callee-hung-up-on");
    await bind("perl", [`<sip:perl@127.0.0.1:${phone.port}>`]);
    const to = `sip:perl@${DOMAIN}`;
    const ran = await run("perl", [CALLER_PL, `127.0.0.1:${server.ports.udp}`, `sip:${STRANGER}`, to]);
    expect(ran).toMatchObject({ status: 0, output: expect.stringMatching(/final OK\s+bye/) });
    await expectDone(phone);
  });

  test("C4: a contact that nobody can reach is called over its TCP connection", async () => {
    const contact = "sip:nat@203.0.113.9:5099;transport=tcp";
    const args = [CALLEE_PL, `127.0.0.1:${server.ports.tcp}`, `sip:nat@${DOMAIN}`, contact];
    const phone = startProgram("perl", args);
    await until(() => phone.printed().includes("registered 200"), 15_000);
    const scenario = "call-caller-short";
    const service = `nat@${DOMAIN}`;
    await expectDone(await startSipp({ scenario, server: server.ports.udp!, service, caller: STRANGER }));
    expect(await phone.end()).toBe(0);
    expect(phone.printed()).toMatch(/established\s+bye/);
  });
});

describeWith("D3: who cannot be reached, and who may not call", ["sipp"], () => {
  test("no such user: 404 to who logged in", () =>
    expectRefused(404, `nobody@${DOMAIN}`, { at: closed, ...DAVE }));

  test("a user who is not registered: 480", () =>
    expectRefused(480, `carol@${DOMAIN}`, { at: closed, ...DAVE }));

  test("480 to a stranger in both cases, who could list the users otherwise", async () => {
    await expectRefused(480, `nobody@${DOMAIN}`, { at: closed });
    await expectRefused(480, `carol@${DOMAIN}`, { at: closed });
  });

  test("a user of ours who does not log in: 407", () =>
    expectRefused(407, `carol@${DOMAIN}`, { at: closed, caller: `dave@${DOMAIN}` }));

  test("a stranger who wants to be relayed elsewhere: 403, by Request-URI, Route and maddr", async () => {
    const target = createSocket("udp4").bind(0, "127.0.0.1");
    await once(target, "listening");
    let reached = 0;
    target.on("message", () => reached++);
    const { port } = target.address();
    const ways = [
      [`sip:x@127.0.0.1:${port}`, undefined],
      [`sip:x@${DOMAIN}`, `<sip:127.0.0.1:${port};lr>`],
      [`sip:x@${DOMAIN}:${port};maddr=127.0.0.1`, undefined],
    ] as const;
    for (const [uri, route] of ways) {
      const { status } = await desk.ask({
        method: "OPTIONS",
        aor: uri,
        callId: `relay-${++calls}`,
        cseq: 1,
        lines: route === undefined ? [] : [`Route: ${route}`],
      });
      expect([uri, route, status]).toEqual([uri, route, 403]);
    }
    await expectRefused(403, `x@127.0.0.1:${port}`);
    target.close();
    expect(reached).toBe(0);
  });
});

describeWith("D3: a caller must log in", ["baresip"], () => {
  const phone = (user: string, more: { readonly answers?: boolean } = {}): Promise<Baresip> =>
    startBaresip({
      user,
      domain: DOMAIN,
      transport: "udp",
      server: closed.ports.udp!,
      password: PASSWORD,
      ...more,
    });

  test("baresip logs in and calls", async () => {
    const [carol, dave] = await Promise.all([phone("carol"), phone("dave", { answers: true })]);
    carol.command("dial", `sip:dave@${DOMAIN}`);
    await Promise.all([carol, dave].map((each) => each.says("Call established")));
    await Promise.all([carol.end(), dave.end()]);
    // two REGISTERs and an INVITE
    const accepted = await metric(closed, 'rollcall_authentications_total{outcome="accepted"}');
    expect(accepted).toBeGreaterThanOrEqual(3);
  });

  test("baresip logs in and calls another domain by way of the outgoing proxy", async () => {
    const invited = once(edge, "message") as Promise<[Buffer, { readonly port: number }]>;
    const carol = await phone("carol");
    carol.command("dial", "sip:far@elsewhere.example");
    const [datagram, from] = await invited;
    const invite = datagram.toString("latin1");
    expect(invite).toMatch(/^INVITE sip:far@elsewhere\.example/);
    expect(invite).toContain(`\r\nRoute: <sip:127.0.0.1:${edge.address().port};lr>\r\n`);
    // what she proved to us is nobody else's business (§22.3)
    expect(invite).not.toContain("Proxy-Authorization");
    edge.send(okTo(invite).replace("200 OK", "486 Busy Here"), from.port, "127.0.0.1");
    await carol.says("session closed: 486 Busy Here");
    await carol.end();
  });
});

describeWith("RFC 5393: a contact that points back to the server", ["sipp"], () => {
  test("is not called, and the call ends in under ten packets", async () => {
    await bind("loop", [`<sip:loop@${DOMAIN}>`]);
    const sent = `rollcall_messages_sent_total{listener="udp:127.0.0.1:${server.ports.udp}"}`;
    const before = await metric(server, sent);
    await expectRefused(480, `loop@${DOMAIN}`);
    // INVITE and ACK of the caller come on top
    expect((await metric(server, sent)) - before + 2).toBeLessThan(10);
  });
});

describe("D5: redirect mode", () => {
  test("302 with every contact, the highest q first", async () => {
    const redirect = await serveWith([
      "listen: [udp:127.0.0.1:0]",
      "open: true",
      "proxy: { mode: redirect }",
    ]);
    const phone = await UdpPhone.open(redirect.ports.udp!);
    const [low, high, middle] = ["low", "high", "middle"].map((name) => `sip:${name}@127.0.0.1:5099`);
    await bind("bob", [`<${low}>;q=0.2`, `<${high}>;q=1`, `<${middle}>;q=0.5`], phone);
    const answer = await phone.ask({ method: "INVITE", aor: `sip:bob@${DOMAIN}`, callId: "moved", cseq: 1 });
    expect(answer.status).toBe(302);
    expect(answer.headers.list("contact")).toEqual([`<${high}>;q=1`, `<${middle}>;q=0.5`, `<${low}>;q=0.2`]);
    phone.close();
    expect(await redirect.stop()).toBe(0);
  });
});

describeWith("D5: stateless mode", ["sipp"], () => {
  test("a call goes through, and nothing of it is kept", async () => {
    const stateless = await serveWith([
      "listen: [udp:127.0.0.1:0]",
      "open: true",
      "proxy: { mode: stateless }",
    ]);
    const phone = await callee("bob", "call-callee-hung-up-on", stateless);
    const at = await UdpPhone.open(stateless.ports.udp!);
    await bind("bob", [`<sip:bob@127.0.0.1:${phone.port}>`], at);
    const call = { scenario: "call-caller-short", service: `bob@${DOMAIN}`, caller: STRANGER };
    await expectDone(await startSipp({ ...call, server: stateless.ports.udp! }), phone);
    expect(await metric(stateless, "rollcall_server_transactions")).toBe(0);
    expect(await metric(stateless, "rollcall_client_transactions")).toBe(0);
    at.close();
    expect(await stateless.stop()).toBe(0);
  });
});

describeWith("D1: no answer at all", ["sipp"], () => {
  test("who answers nothing: 408 when timer B is out", async () => {
    await silence?.call;
    // §17.1.1.2: sent again at 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s
    expect(silence?.invites()).toBe(7);
  });
});
