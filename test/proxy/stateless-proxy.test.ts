import { describe, expect, test } from "vitest";
import type { Resolve } from "../../src/proxy/hop.js";
import { StatefulProxy } from "../../src/proxy/stateful-proxy.js";
import { StatelessProxy } from "../../src/proxy/stateless-proxy.js";
import { callerRoutes } from "../support/phone.js";
import { stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:bob@example.com", branch: "z9hG4bKcall" };

async function stateless() {
  const on = await stage();
  on.dispatcher.setReceiver(
    new StatelessProxy({ dispatcher: on.dispatcher, store: on.store, domains: ["example.com"] }),
  );
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  return { on, alice, bob };
}

describe("D5 stateless proxy (RFC 3261 §16.11)", () => {
  test("a call goes through it: no 100 of its own, nothing kept", async () => {
    const { on, alice, bob } = await stateless();
    alice.request(INVITE);
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 180);
    bob.reply(invite, 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([180, 200]);
    const answer = alice.lastResponse();
    expect(answer.headers.list("via")).toHaveLength(1);
    alice.request({
      method: "ACK",
      uri: bob.contact,
      to: answer.headers.get("to") ?? "",
      routes: callerRoutes(answer),
    });
    await on.pass(10);
    expect(bob.lastRequest("ACK").headers.has("route")).toBe(false);
    expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
    await on.pass(1_000);
    expect(on.clock.pending()).toBe(0);
  });

  test("what comes again goes on again, the same to the octet", async () => {
    const { on, alice, bob } = await stateless();
    alice.request(INVITE);
    alice.request(INVITE);
    await on.pass(10);
    const [first, second] = bob.requests;
    expect(first?.text).toBe(second?.text);
  });

  test("CANCEL and the ACK to a non-2xx go to the same place under the same branch", async () => {
    const { on, alice, bob } = await stateless();
    alice.request(INVITE);
    alice.request({ ...INVITE, method: "CANCEL" });
    alice.request({ ...INVITE, method: "ACK", to: "<sip:bob@example.com>;tag=t" });
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE", "CANCEL", "ACK"]);
    const branches = bob.requests.map(({ headers }) => /branch=([^;]+)/.exec(headers.get("via") ?? "")?.[1]);
    expect(new Set(branches).size).toBe(1);
  });

  test("another request has another branch, also from an element of RFC 2543", async () => {
    const { on, alice, bob } = await stateless();
    alice.request(INVITE);
    alice.request({ ...INVITE, branch: "z9hG4bKother" });
    alice.request({ ...INVITE, branch: "1" });
    alice.request({ ...INVITE, branch: "1", cseq: 2 });
    await on.pass(10);
    const branches = bob.requests.map(({ headers }) => /branch=([^;]+)/.exec(headers.get("via") ?? "")?.[1]);
    expect(new Set(branches).size).toBe(4);
  });

  test("one target, always the same: the first of the highest q", async () => {
    const { on, alice, bob } = await stateless();
    const [low, second] = [on.phone("low"), on.phone("second")];
    on.bind("bob", low, { qMilli: 1 });
    on.bind("bob", second);
    for (let i = 0; i < 3; i++) alice.request(INVITE);
    await on.pass(10);
    expect([bob, low, second].map(({ requests }) => requests.length)).toEqual([3, 0, 0]);
  });

  test("RFC 3263 §4.4: servers are asked for in the same order each time", async () => {
    const on = await stage();
    const orders: boolean[] = [];
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    const resolve: Resolve = (_uri, { stable }) => {
      orders.push(stable);
      return { ok: true, value: [{ ...bob.leg.local, transport: "udp" }] };
    };
    const options = { dispatcher: on.dispatcher, store: on.store, domains: ["example.com"], resolve };
    on.bind("bob", bob, { path: ["<sip:edge.example.net;lr>"] });
    for (const proxy of [new StatelessProxy(options), new StatefulProxy(options)]) {
      on.dispatcher.setReceiver(proxy);
      alice.request(INVITE);
      await on.pass(10);
    }
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE", "INVITE"]);
    expect(orders).toEqual([true, false]);
  });

  test("responses go back over the connection that the request came on", async () => {
    const { on, bob } = await stateless();
    const carol = on.phone("carol", "ws");
    await carol.connect();
    carol.request(INVITE);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(carol.statuses).toEqual([200]);
  });

  test.each<[string, (text: string) => string]>([
    [
      "with an invented way back",
      (text) => text.replace(/;flow=rr-[^;\r]+/, `;flow=rr-audp+192.0.2.9+5060${"0".repeat(16)}`),
    ],
    ["without one", (text) => text.replace(/;flow=rr-[^;\r]+/, "")],
    ["of another call", (text) => text.replace("call-of-alice", "other-call")],
    [
      "whose next Via is nonsense",
      (text) => text.replace(/Via: SIP\/2.0\/UDP 192.0.2.2:5060/, "Via: nonsense"),
    ],
  ])("a response %s goes nowhere", async (_what, change) => {
    const { on, alice, bob } = await stateless();
    alice.request(INVITE);
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    const vias = invite.headers.all("via").map((via) => `Via: ${via}\r\n`);
    bob.send(
      change(
        `SIP/2.0 200 OK\r\n${vias.join("")}From: <sip:a@x>;tag=a\r\nTo: <sip:b@x>;tag=b\r\nCall-ID: call-of-alice\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
      ),
    );
    await on.pass(10);
    expect(alice.statuses).toEqual([]);
  });

  test("refuses as any proxy does: 404, 403, 483, 416", async () => {
    const { on, alice } = await stateless();
    alice.request({ ...INVITE, uri: "sip:nobody@example.com" });
    alice.request({ ...INVITE, uri: "sip:x@example.net" });
    alice.request({ ...INVITE, maxForwards: "0" });
    alice.request({ ...INVITE, uri: "tel:1" });
    await on.pass(10);
    expect(alice.statuses).toEqual([404, 403, 483, 416]);
  });
});
