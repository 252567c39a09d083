import { describe, expect, test } from "vitest";
import { parseSipUri } from "../../src/message/uri.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { createResolver } from "../../src/transport/resolve.js";
import { callerRoutes, type Phone, type RequestParts } from "../support/phone.js";
import { type Stage, type StageOptions, stage } from "../support/proxy-stage.js";

interface Cast {
  readonly on: Stage;
  readonly alice: Phone;
  readonly bob: Phone;
  readonly stranger: Phone;
  readonly victim: Phone;
}

/** alice and bob are users of example.com, alice proves it; the stranger and its victim are nobody's. */
async function cast(options: StageOptions = {}): Promise<Cast> {
  const on = await stage({ identified: ["alice"], ...options });
  const people = {
    on,
    alice: on.phone("alice"),
    bob: on.phone("bob"),
    stranger: on.phone("stranger"),
    victim: on.phone("victim"),
  };
  on.bind("bob", people.bob);
  return people;
}

describe("D3 no open relay (RFC 3261 §16.5, §26.3.1)", () => {
  const ways: [string, (victim: Phone) => RequestParts][] = [
    ["Request-URI", (victim) => ({ method: "INVITE", uri: `sip:x@${victim.address}` })],
    ["a domain name", () => ({ method: "INVITE", uri: "sip:x@example.net" })],
    ["a domain that ends like ours", () => ({ method: "INVITE", uri: "sip:x@evilexample.com" })],
    ["a domain that begins like ours", () => ({ method: "INVITE", uri: "sip:x@example.com.evil.net" })],
    [
      "Route",
      (victim) => ({ method: "INVITE", uri: "sip:bob@example.com", routes: [`<sip:${victim.address};lr>`] }),
    ],
    [
      "Route behind one of ours",
      (victim) => ({
        method: "INVITE",
        uri: "sip:bob@example.com",
        routes: ["<sip:192.0.2.1;lr>", "<sip:example.com;lr>", `<sip:${victim.address};lr>`],
      }),
    ],
    [
      "strict Route",
      (victim) => ({ method: "INVITE", uri: "sip:bob@example.com", routes: [`<sip:${victim.address}>`] }),
    ],
    [
      "maddr",
      (victim) => ({ method: "INVITE", uri: `sip:bob@example.com;maddr=${victim.leg.local.address}` }),
    ],
    [
      "a To tag",
      (victim) => ({ method: "BYE", uri: `sip:x@${victim.address}`, to: "<sip:x@example.net>;tag=t" }),
    ],
    [
      "an invented token",
      (victim) => ({
        method: "BYE",
        uri: `sip:x@${victim.address}`,
        to: "<sip:x@example.net>;tag=t",
        routes: [`<sip:rr-bw+${"0".repeat(16)}@192.0.2.1;lr>`],
      }),
    ],
    [
      "a foreign port of our domain",
      (victim) => ({ method: "INVITE", uri: `sip:x@example.com:${victim.leg.local.port + 3}` }),
    ],
  ];

  test.each(ways)("by %s: 403, and nothing leaves", async (_what, parts) => {
    const { on, stranger, victim } = await cast();
    stranger.request(parts(victim));
    await on.pass(20);
    expect(stranger.statuses).toEqual([403]);
    expect(on.network.packets).toHaveLength(2);
    expect(victim.messages).toEqual([]);
  });

  test.each(ways)("an ACK by %s goes nowhere and is not answered", async (_what, parts) => {
    const { on, stranger } = await cast();
    stranger.request({ ...parts(stranger), method: "ACK" });
    await on.pass(20);
    expect(on.network.packets).toHaveLength(1);
  });

  test("a contact that points elsewhere gets nothing: the phone that made it does", async () => {
    const { on, stranger, bob, victim } = await cast();
    on.bind("carol", bob, { uri: `sip:x@${victim.address}` });
    stranger.request({ method: "INVITE", uri: "sip:carol@example.com" });
    await on.pass(20);
    expect(victim.messages).toEqual([]);
    expect(bob.requests).toHaveLength(1);
  });

  test("nor does one that names a host elsewhere", async () => {
    const { on, stranger, bob } = await cast({
      proxy: { resolve: () => ({ ok: false, status: 404, reason: "must not be asked", headers: [] }) },
    });
    on.bind("carol", bob, { uri: "sip:x@victim.example.net" });
    stranger.request({ method: "INVITE", uri: "sip:carol@example.com" });
    await on.pass(20);
    expect(bob.requests).toHaveLength(1);
  });
});

describe("who proved who they are may call out", () => {
  test("by Request-URI, and the answer comes back", async () => {
    const { on, alice, victim: friend } = await cast();
    alice.request({ method: "INVITE", uri: `sip:x@${friend.address}` });
    await on.pass(20);
    const invite = friend.lastRequest("INVITE");
    expect(invite.uri).toBe(`sip:x@${friend.address}`);
    friend.reply(invite, 200);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 200]);
  });

  test("by name, through the resolver", async () => {
    const asked: string[] = [];
    const on = await stage({
      identified: ["alice"],
      proxy: {
        resolve: async (uri) => {
          asked.push(uri.host);
          return { ok: true, value: [{ address: "192.0.2.3", port: 5060, transport: "udp" }] };
        },
      },
    });
    const [alice, friend] = [on.phone("alice"), on.phone("friend")];
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(20);
    expect(asked).toEqual(["example.net"]);
    expect(friend.requests).toHaveLength(1);
  });

  test("by Route, which stays for the next element", async () => {
    const { on, alice, victim: friend } = await cast();
    const beyond = "<sip:beyond.example.net;lr>";
    alice.request({
      method: "INVITE",
      uri: "sip:x@example.net",
      routes: ["<sip:192.0.2.1;lr>", `<sip:${friend.address};lr>`, beyond],
    });
    await on.pass(20);
    expect(friend.lastRequest("INVITE").headers.all("route")).toEqual([`<sip:${friend.address};lr>`, beyond]);
  });

  test("RFC 3263 §4.3: the next server when one refuses, is silent or says 503", async () => {
    const on = await stage({
      identified: ["alice"],
      proxy: {
        resolve: () => ({
          ok: true,
          value: [
            { address: "192.0.2.77", port: 5060, transport: "tcp" },
            { address: "192.0.2.3", port: 5060, transport: "udp" },
            { address: "192.0.2.78", port: 5060, transport: "udp" },
            { address: "192.0.2.4", port: 5060, transport: "udp" },
          ],
        }),
      },
    });
    const [alice, busy, friend] = [on.phone("alice"), on.phone("busy"), on.phone("friend")];
    busy.onRequest = (request) => {
      if (request.method === "INVITE") busy.reply(request, 503);
    };
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(33_000);
    expect(busy.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK"]);
    friend.reply(friend.lastRequest("INVITE"), 200);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 200]);
    const branches = on.network.packets
      .filter(({ text, from }) => text.startsWith("INVITE") && from === "192.0.2.1:5060")
      .map(({ text }) => /branch=([^;]+)/.exec(text)?.[1]);
    // §16.6 step 7: a new branch for each server that is tried
    expect(new Set(branches).size).toBe(3);
  });

  test("RFC 3263 §4.3: who failed is tried last for a while: who refused, was silent, or said 503", async () => {
    const marked: [string, number | undefined][] = [];
    const on = await stage({
      identified: ["alice"],
      proxy: {
        resolve: () => ({
          ok: true,
          value: ["192.0.2.77", "192.0.2.3", "192.0.2.78", "192.0.2.4"].map((address, i) => ({
            address,
            port: 5060,
            transport: i === 0 ? "tcp" : "udp",
          })),
        }),
        markFailed: ({ address }, seconds) => marked.push([address, seconds]),
      },
    });
    const [alice, busy, friend] = [on.phone("alice"), on.phone("busy"), on.phone("friend")];
    busy.onRequest = (request) => {
      const headers = [{ name: "Retry-After", value: "120 (maintenance)" }];
      if (request.method === "INVITE") busy.reply(request, 503, { headers });
    };
    friend.onRequest = (request) => {
      if (request.method === "INVITE") friend.reply(request, 200);
    };
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(33_000);
    expect(alice.statuses).toEqual([100, 200]);
    expect(marked).toEqual([
      ["192.0.2.77", undefined],
      ["192.0.2.3", 120],
      ["192.0.2.78", undefined],
    ]);
  });

  test("an address that stands in a URI is nobody's choice: nothing to remember when it fails", async () => {
    const marked: string[] = [];
    const on = await stage({
      identified: ["alice"],
      proxy: { markFailed: ({ address }) => marked.push(address) },
    });
    const alice = on.phone("alice");
    alice.request({ method: "INVITE", uri: "sip:x@192.0.2.77;transport=tcp" });
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 500]);
    expect(marked).toEqual([]);
  });

  test("with a resolver, the next call goes to the server that is there", async () => {
    const clock = manualClock();
    const resolver = createResolver({
      dns: {
        naptr: async () => [],
        srv: async () => [
          { priority: 1, weight: 0, port: 5060, name: "down.example.net" },
          { priority: 2, weight: 0, port: 5060, name: "up.example.net" },
        ],
        addresses: async (name) => [
          { address: name.startsWith("up") ? "192.0.2.3" : "192.0.2.77", ttlSec: 60 },
        ],
      },
      clock,
      entropy: seededEntropy(1),
      transports: ["tcp"],
      families: [4],
    });
    const on = await stage({
      identified: ["alice"],
      proxy: {
        resolve: (uri, how) => resolver.resolve(uri, how),
        markFailed: (server, seconds) => resolver.markFailed(server, seconds),
      },
    });
    const uri = "sip:x@example.net;transport=tcp";
    const [alice, up] = [on.phone("alice"), on.phone("up", "tcp")];
    const inOrder = async () => {
      const found = await resolver.resolve({ ...parseSipUri(uri)! });
      return found.ok ? found.value.map(({ address }) => address) : [];
    };
    expect(await inOrder()).toEqual(["192.0.2.77", "192.0.2.3"]);
    alice.request({ method: "INVITE", uri });
    await on.pass(50);
    expect(up.requests).toHaveLength(1);
    expect(await inOrder()).toEqual(["192.0.2.3", "192.0.2.77"]);
  });

  test.each<[number, number]>([
    [404, 404],
    [503, 500],
    [504, 504],
  ])("a resolver that says %i: %i to the caller", async (said, status) => {
    const on = await stage({
      identified: ["alice"],
      proxy: { resolve: () => ({ ok: false, status: said, reason: "No", headers: [] }) },
    });
    const alice = on.phone("alice");
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(20);
    expect(alice.statuses).toEqual([100, status]);
  });

  test("a resolver that fails: 500 to the caller", async () => {
    const on = await stage({
      identified: ["alice"],
      proxy: { resolve: () => Promise.reject(new Error("bug")) },
    });
    const alice = on.phone("alice");
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 500]);
  });

  test("§22.3 what they said to us is not passed on; what they said to others is", async () => {
    const { on, alice, bob } = await cast();
    const ours = {
      name: "Proxy-Authorization",
      value: 'Digest username="alice", realm="example.com", response="x"',
    };
    const theirs = {
      name: "Proxy-Authorization",
      value: 'Digest username="alice", realm="example.net", response="y"',
    };
    alice.request({ method: "INVITE", uri: "sip:bob@example.com", headers: [ours, theirs] });
    await on.pass(20);
    expect(bob.lastRequest("INVITE").headers.all("proxy-authorization")).toEqual([theirs.value]);
  });
});

describe("who speaks for every domain", () => {
  const everywhere: StageOptions = { identified: ["alice"], proxy: { domains: [] } };

  test("finds users of any", async () => {
    const { on, stranger, bob } = await cast(everywhere);
    await on.store.update("sip:carol@example.org", () => ({ bindings: [], outcome: undefined }));
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com" });
    await on.pass(20);
    expect(bob.requests).toHaveLength(1);
  });

  test("relays for nobody who is not known", async () => {
    const { on, stranger, victim } = await cast(everywhere);
    stranger.request({ method: "INVITE", uri: `sip:x@${victim.address}` });
    stranger.request({
      method: "INVITE",
      uri: "sip:bob@example.com",
      routes: [`<sip:${victim.address};lr>`],
    });
    await on.pass(20);
    expect(stranger.statuses).toEqual([404, 403]);
    expect(victim.messages).toEqual([]);
  });

  test("lets its users call out", async () => {
    const { on, alice, victim: friend } = await cast(everywhere);
    alice.request({ method: "INVITE", uri: `sip:x@${friend.address}` });
    await on.pass(20);
    expect(friend.requests).toHaveLength(1);
  });
});

describe("in-dialog requests through our own Record-Route", () => {
  /** The stranger calls bob; gives back what it learned. */
  async function call(options: StageOptions = {}) {
    const people = await cast(options);
    const { on, stranger, bob } = people;
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com" });
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 200);
    await on.pass(10);
    const answer = stranger.lastResponse();
    stranger.messages.length = 0;
    const dialog = {
      to: answer.headers.get("to") ?? "",
      callId: answer.callId,
      routes: callerRoutes(answer),
    };
    return { ...people, invite, answer, dialog };
  }

  test("reach the other side without credentials", async () => {
    const { on, stranger, bob, dialog } = await call();
    stranger.request({ method: "BYE", uri: bob.contact, cseq: 2, ...dialog });
    await on.pass(10);
    bob.reply(bob.lastRequest("BYE"), 200);
    await on.pass(10);
    expect(stranger.statuses).toEqual([200]);
  });

  test("reach nobody else, whatever the Request-URI says", async () => {
    const { on, stranger, victim, bob, dialog } = await call();
    stranger.request({ method: "MESSAGE", uri: `sip:x@${victim.address}`, cseq: 2, ...dialog });
    await on.pass(10);
    expect(victim.messages).toEqual([]);
    expect(bob.lastRequest("MESSAGE").uri).toBe(`sip:x@${victim.address}`);
  });

  test("through either half of the route, or both the wrong way round", async () => {
    const { on, stranger, victim, dialog } = await call();
    const [own, other] = dialog.routes as [string, string];
    for (const routes of [[own], [other], [other, own], [own, own]])
      stranger.request({ method: "MESSAGE", uri: `sip:x@${victim.address}`, cseq: 2, ...dialog, routes });
    await on.pass(100);
    expect(victim.messages).toEqual([]);
  });

  /** Where a packet must never turn up, and a way to send there by the tokens of a dialog. */
  const halves: [string, (own: string, other: string, uri: string) => RequestParts][] = [
    ["the route to the other side", (_own, other, uri) => ({ method: "BYE", uri, routes: [other] })],
    ["the route back", (own, _other, uri) => ({ method: "BYE", uri, routes: [own] })],
    ["the wrong way round", (own, other, uri) => ({ method: "BYE", uri, routes: [other, own] })],
    ["a strict route", (_own, other, uri) => ({ method: "BYE", uri: bare(other), routes: [`<${uri}>`] })],
    ["an ACK", (_own, other, uri) => ({ method: "ACK", uri, routes: [other] })],
  ];

  test.each(halves)("not from another port of the same address by %s", async (_what, parts) => {
    const on = await stage();
    const stranger = on.phone("stranger");
    const { address } = stranger.leg.local;
    // all behind one NAT, so that they can be told apart by their ports alone
    const [bob, victim] = [5070, 5080].map((port) => on.phone(`at-${port}`, "udp", { address, port }));
    if (bob === undefined || victim === undefined) throw new Error("no phones");
    on.bind("bob", bob);
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com" });
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    const answer = stranger.lastResponse();
    const [own, other] = callerRoutes(answer) as [string, string];
    stranger.messages.length = 0;
    const dialog = { to: answer.headers.get("to") ?? "", cseq: 2 };
    const sent = parts(own, other, `sip:x@${victim.address}`);
    stranger.request({ ...dialog, ...sent });
    stranger.request({ ...dialog, ...sent, uri: sent.uri.replace("x@", "y@") });
    await on.pass(100);
    expect(victim.messages).toEqual([]);
    expect(stranger.statuses).toEqual(sent.method === "ACK" ? [] : [403, 403]);
  });

  test.each([
    ["the wrong way round", (_direct: string[], behind: string[]) => [behind[1]!, behind[0]!]],
    ["another call with the same tag", (direct: string[], behind: string[]) => [direct[0]!, behind[0]!]],
  ])("not to what a stranger had us remember for itself, by %s", async (_what, routes) => {
    const { on, stranger, bob, victim } = await cast();
    const invite = { method: "INVITE", uri: "sip:bob@example.com" };
    stranger.request(invite);
    const forwarded = `\r\nVia: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKa\r\nRecord-Route: <sip:${victim.address};lr>\r\nMax-Forwards`;
    stranger.send(stranger.write(invite).replace("\r\nMax-Forwards", forwarded));
    await on.pass(10);
    for (const request of bob.requests) bob.reply(request, 200);
    await on.pass(10);
    const [direct, behind] = stranger.responses
      .filter(({ status }) => status === 200)
      .map((response) => callerRoutes(response).filter((route) => route.includes("rr-")));
    if (direct === undefined || behind === undefined) throw new Error("no answers");
    stranger.messages.length = 0;
    const to = "<sip:bob@example.com>;tag=bob-tag";
    const uri = `sip:x@${victim.address}`;
    stranger.request({ method: "BYE", uri, to, cseq: 2, routes: routes(direct, behind) });
    await on.pass(100);
    expect(victim.messages).toEqual([]);
    expect(stranger.statuses).toEqual([403]);
  });

  test("with a further Route behind ours", async () => {
    const { on, stranger, victim, dialog } = await call();
    const routes = [...dialog.routes, `<sip:${victim.address};lr>`];
    stranger.request({ method: "MESSAGE", uri: "sip:x@example.net", cseq: 2, ...dialog, routes });
    await on.pass(100);
    expect(victim.messages).toEqual([]);
  });

  test.each<[string, number, (address: string) => string]>([
    ["to another port of its address: followed", 1, (address) => `sip:bob@${address}:5090`],
    ["over TCP: not followed", 0, (address) => `sip:bob@${address}:5090;transport=tcp`],
    ["to a host that maddr names: not followed", 0, (address) => `sip:bob@${address}:5090;maddr=192.0.2.77`],
    ["to a port of another service: not followed", 0, (address) => `sip:bob@${address}:53`],
  ])("§12.2.1.1: the callee has moved %s", async (_what, followed, uriAt) => {
    const { on, stranger, bob, dialog } = await call();
    const { address } = bob.leg.local;
    const moved = on.phone("moved", "udp", { address, port: 5090 });
    stranger.request({ method: "BYE", uri: uriAt(address), cseq: 2, ...dialog });
    await on.pass(10);
    expect(moved.requests).toHaveLength(followed);
    expect(bob.requests.filter(({ method }) => method === "BYE")).toHaveLength(1 - followed);
  });

  test("not under another Call-ID", async () => {
    const { on, stranger, bob, dialog } = await call();
    stranger.request({ method: "MESSAGE", uri: bob.contact, cseq: 2, ...dialog, callId: "another" });
    await on.pass(10);
    expect(stranger.statuses).toEqual([403]);
    expect(stranger.lastResponse().reason).toBe("Forged Route");
  });

  test("RFC 5626 §5.3.1: not with a token that was changed", async () => {
    const { on, stranger, bob, dialog } = await call();
    const routes = dialog.routes.map((route) => route.replace("192.0.2.3+5060", "192.0.2.5+5060"));
    expect(routes).not.toEqual(dialog.routes);
    stranger.request({ method: "MESSAGE", uri: bob.contact, cseq: 2, ...dialog, routes });
    await on.pass(10);
    expect(stranger.statuses).toEqual([403]);
  });

  test("not after the secret has changed, but after a restart with the same one", async () => {
    const secret = "000102030405060708090a0b0c0d0e0f";
    const { stranger, bob, dialog } = await call({ proxy: { secret } });
    for (const [again, expected] of [
      [secret, [200]],
      ["ff0102030405060708090a0b0c0d0e0f", [403]],
    ] as const) {
      const on = await stage({ proxy: { secret: again } });
      const [caller, callee] = [on.phone("stranger"), on.phone("bob")];
      callee.onRequest = (request) => callee.reply(request, 200);
      caller.request({ method: "BYE", uri: bob.contact, cseq: 2, ...dialog });
      await on.pass(10);
      expect(caller.statuses).toEqual(expected);
    }
    expect(stranger.statuses).toEqual([]);
  });

  test("480 when the flow is gone: no endpoint gets a 430 (RFC 5626 §11.5)", async () => {
    const { on, stranger } = await cast();
    const carol = on.phone("carol", "ws");
    await carol.connect();
    carol.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("carol", carol, { uri: "sip:c@x.invalid", flow: carol.serverFlow });
    stranger.request({ method: "INVITE", uri: "sip:carol@example.com" });
    await on.pass(10);
    carol.reply(carol.lastRequest("INVITE"), 200, { contact: "sip:c@x.invalid" });
    await on.pass(10);
    const answer = stranger.lastResponse();
    carol.hangUp();
    await on.pass(10);
    stranger.request({
      method: "BYE",
      uri: "sip:c@x.invalid",
      cseq: 2,
      to: answer.headers.get("to") ?? "",
      routes: callerRoutes(answer),
    });
    await on.pass(10);
    expect(stranger.statuses.at(-1)).toBe(480);
  });
});

/** A Route value without its brackets. */
function bare(route: string): string {
  return route.slice(1, -1);
}

describe("a user of ours may send where its peer has moved to", () => {
  /** The stranger calls bob with this parameter in its Contact; bob says where the stranger is now, and hangs up. */
  async function hangUp(param: string) {
    const { on, stranger, bob, victim: moved } = await cast();
    const contact = stranger.contact + param;
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com", contact });
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 200);
    await on.pass(10);
    const answer = stranger.lastResponse();
    bob.request({
      method: "BYE",
      uri: moved.contact,
      from: answer.headers.get("to") ?? "",
      to: answer.headers.get("from") ?? "",
      callId: answer.callId,
      routes: invite.headers.all("record-route"),
    });
    await on.pass(10);
    return [moved, stranger].map(({ requests }) => requests.map(({ method }) => method));
  }

  test("with the flow of its side as proof", async () => {
    expect(await hangUp("")).toEqual([["BYE"], []]);
  });

  test("but not where the peer asked for its flow by ob (RFC 5626 §4.3)", async () => {
    expect(await hangUp(";ob")).toEqual([[], ["BYE"]]);
  });
});
