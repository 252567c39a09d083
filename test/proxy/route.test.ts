import { describe, expect, test } from "vitest";
import { callerRoutes, type RequestParts } from "../support/phone.js";
import { type StageOptions, stage } from "../support/proxy-stage.js";

async function tryOut(parts: RequestParts, options: StageOptions = {}) {
  const on = await stage({ identified: ["alice"], ...options });
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  alice.request(parts);
  await on.pass(20);
  return { on, alice, bob };
}

const INVITE: RequestParts = { method: "INVITE", uri: "sip:bob@example.com" };

describe("RFC 3261 §16.4: a Route that names us is taken off", () => {
  test.each([
    ["our address and port", ["<sip:192.0.2.1:5060;lr>"]],
    ["our address", ["<sip:192.0.2.1;lr>"]],
    ["our domain", ["<sip:example.com;lr>"]],
    ["our domain in capitals, with a name", ['"Us" <sip:EXAMPLE.COM;lr>;x=y']],
    ["without lr", ["<sip:192.0.2.1>"]],
    ["another transport of ours", ["<sip:192.0.2.1:8080;transport=ws;lr>"]],
    ["with a user part that is not ours", ["<sip:someone@192.0.2.1;lr>"]],
    ["as an addr-spec", ["sip:192.0.2.1;lr"]],
    ["twice", ["<sip:192.0.2.1;lr>, <sip:example.com;lr>"]],
    ["in two fields", ["<sip:192.0.2.1;lr>", "<sip:example.com;lr>"]],
    ["another name of ours", ["<sip:proxy.example.org;lr>"]],
  ])("%s", async (_what, routes) => {
    const { bob } = await tryOut({ ...INVITE, routes }, { proxy: { hosts: ["proxy.example.org"] } });
    const invite = bob.lastRequest("INVITE");
    expect(invite.headers.has("route")).toBe(false);
    expect(invite.uri).toBe(bob.contact);
  });

  test.each([
    ["<sip:"],
    ["nonsense"],
    ["<sip:192.0.2.1;lr>, <"],
    ["<sip:192.0.2.1;lr>,,<sip:example.com;lr>"],
    ["<sip:192.0.2.1;lr> trailing"],
    ["<sip:us@@192.0.2.1;lr>"],
  ])("malformed %s: 400", async (route) => {
    const { alice, bob } = await tryOut({ ...INVITE, routes: [route] });
    expect(alice.statuses).toEqual([400]);
    expect(bob.messages).toEqual([]);
  });

  test("of another scheme: 416", async () => {
    const { alice } = await tryOut({ ...INVITE, routes: ["<tel:+4930123456>"] });
    expect(alice.statuses).toEqual([416]);
  });
});

describe("§16.4, §16.12.1.2: what a strict router did is undone", () => {
  async function dialog() {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request(INVITE);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    const answer = alice.lastResponse();
    const routes = callerRoutes(answer).map((route) => route.slice(1, -1));
    return { on, alice, bob, to: answer.headers.get("to") ?? "", routes };
  }

  test("our Record-Route as Request-URI, the target as the last Route", async () => {
    const { on, alice, bob, to, routes } = await dialog();
    const [first, second] = routes as [string, string];
    alice.request({ method: "BYE", uri: first, to, cseq: 2, routes: [`<${second}>`, `<${bob.contact}>`] });
    await on.pass(10);
    const bye = bob.lastRequest("BYE");
    expect(bye.uri).toBe(bob.contact);
    expect(bye.headers.has("route")).toBe(false);
  });

  test.each([["<tel:+4930123456>"], ["<sip:>"]])("with %s as the last Route: 400", async (last) => {
    const { on, alice, to, routes } = await dialog();
    alice.messages.length = 0;
    alice.request({ method: "BYE", uri: routes[0] ?? "", to, cseq: 2, routes: [last] });
    await on.pass(10);
    expect(alice.statuses).toEqual([400]);
  });

  test("without any Route it is for the server itself, and refused", async () => {
    const { on, alice, to, routes } = await dialog();
    alice.messages.length = 0;
    alice.request({ method: "BYE", uri: routes[0] ?? "", to, cseq: 2 });
    await on.pass(10);
    expect(alice.statuses).toEqual([404]);
  });
});

describe("§16.4: maddr", () => {
  test("that means us, on the port and transport it came over, is stripped", async () => {
    const { bob } = await tryOut({ ...INVITE, uri: "sip:bob@example.com;maddr=192.0.2.1" });
    expect(bob.lastRequest("INVITE").uri).toBe(bob.contact);
  });

  test.each([
    "sip:bob@example.com:5060;maddr=192.0.2.1",
    "sip:bob@example.com;transport=udp;maddr=192.0.2.1",
  ])("%s too", async (uri) => {
    const { bob } = await tryOut({ ...INVITE, uri });
    expect(bob.requests).toHaveLength(1);
  });

  test("on another transport of ours goes there, and is ours when it comes back", async () => {
    const { on, bob } = await tryOut({ ...INVITE, uri: "sip:bob@example.com;transport=tcp;maddr=192.0.2.1" });
    await on.pass(20);
    expect(bob.lastRequest("INVITE").headers.get("max-forwards")).toBe("68");
  });

  test("elsewhere is the only target (§16.5), for those who may call out", async () => {
    const on = await stage({ identified: ["alice"] });
    const [alice, bob, other] = [on.phone("alice"), on.phone("bob"), on.phone("other")];
    on.bind("bob", bob);
    const uri = `sip:bob@example.com;maddr=${other.leg.local.address}`;
    alice.request({ ...INVITE, uri });
    await on.pass(20);
    expect(bob.messages).toEqual([]);
    expect(other.lastRequest("INVITE").uri).toBe(uri);
  });
});

describe("§16.6 step 6: a strict router ahead", () => {
  test("gets its own URI as Request-URI and the real one as the last Route", async () => {
    const on = await stage({ identified: ["alice"] });
    const [alice, strict] = [on.phone("alice"), on.phone("strict")];
    alice.request({
      method: "INVITE",
      uri: "sip:x@example.net",
      routes: [`<sip:${strict.address};x=y>`, "<sip:beyond.example.net;lr>"],
    });
    await on.pass(20);
    const invite = strict.lastRequest("INVITE");
    expect(invite.uri).toBe(`sip:${strict.address};x=y`);
    expect(invite.headers.all("route")).toEqual(["<sip:beyond.example.net;lr>", "<sip:x@example.net>"]);
  });
});

describe("§16.6 step 4: Record-Route", () => {
  test("one URI for each side, in front of what is there, each on the leg of its side", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice", "tcp"), on.phone("bob")];
    await alice.connect();
    on.bind("bob", bob);
    alice.request({ ...INVITE, headers: [{ name: "Record-Route", value: "<sip:before.example;lr>" }] });
    await on.pass(20);
    const values = bob.lastRequest("INVITE").headers.all("record-route");
    expect(values).toEqual([
      expect.stringMatching(/^<sip:rr-[^@]+@192\.0\.2\.1:5060;lr>$/),
      expect.stringMatching(/^<sip:rr-[^@]+@192\.0\.2\.1:5060;transport=tcp;lr>$/),
      "<sip:before.example;lr>",
    ]);
  });

  test("is left out when it is switched off, and in requests within a dialog", async () => {
    const off = await tryOut(INVITE, { proxy: { recordRoute: false } });
    expect(off.bob.lastRequest("INVITE").headers.has("record-route")).toBe(false);
    const within = await tryOut({ ...INVITE, to: "<sip:bob@example.com>;tag=t" });
    expect(within.bob.lastRequest("INVITE").headers.has("record-route")).toBe(false);
  });

  test("§16.6 step 4: is a sips URI when the Request-URI is one", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice", "tls"), on.phone("bob", "tls")];
    await alice.connect();
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("bob", bob, { uri: "sips:bob@x.invalid", flow: bob.serverFlow });
    alice.request({ ...INVITE, uri: "sips:bob@example.com" });
    await on.pass(10);
    for (const value of bob.lastRequest("INVITE").headers.all("record-route"))
      expect(value).toMatch(/^<sips:/);
  });

  test.each<[string | undefined, number[]]>([
    [undefined, []],
    // the address is understood, and no leg gets there
    ["[2001:db8::2]:5060", [500]],
  ])("what came through another proxy goes back through it: %s", async (host, statuses) => {
    const on = await stage();
    const [edge, bob] = [on.phone("edge"), on.phone("bob")];
    on.bind("bob", bob);
    const text = edge
      .write({ ...INVITE, contact: "sip:alice@10.9.9.9" })
      .replace(
        "\r\nMax-Forwards",
        `\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKa\r\nRecord-Route: <sip:${host ?? edge.address};lr>\r\nMax-Forwards`,
      );
    edge.send(text);
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 200);
    await on.pass(10);
    const answer = edge.lastResponse();
    bob.request({
      method: "BYE",
      uri: "sip:alice@10.9.9.9",
      from: answer.headers.get("to") ?? "",
      to: answer.headers.get("from") ?? "",
      callId: answer.callId,
      routes: invite.headers.all("record-route"),
    });
    await on.pass(10);
    expect(bob.statuses.filter((status) => status !== 100)).toEqual(statuses);
    if (host === undefined)
      expect(edge.lastRequest("BYE").headers.all("route")).toEqual([`<sip:${edge.address};lr>`]);
  });
});

describe("a token of an extension in Route (RFC 5626 §5.3)", () => {
  test("leads to its flow; 430 when that is gone, 403 when it is none", async () => {
    const on = await stage({
      proxy: {
        openRoute: ({ user }) => {
          if (user === "dead") return { ok: false, status: 430, reason: "Flow Failed", headers: [] };
          if (user !== "live") return { ok: false, status: 403, reason: "Forbidden", headers: [] };
          const way = on.dispatcher.findFlow(carol.serverFlow);
          return way === undefined ? undefined : { ok: true, ...way };
        },
      },
    });
    const [registrar, carol] = [on.phone("registrar"), on.phone("carol", "ws")];
    await carol.connect();
    carol.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    for (const user of ["live", "dead", "forged"]) {
      registrar.request({
        method: "INVITE",
        uri: "sip:c@x.invalid",
        callId: user,
        routes: [`<sip:${user}@192.0.2.1;lr;ob>`],
      });
    }
    await on.pass(10);
    expect(carol.lastRequest("INVITE").callId).toBe("live");
    expect(registrar.statuses.filter((status) => status !== 100)).toEqual([430, 403]);
  });
});
