import { describe, expect, test } from "vitest";
import type { Transport } from "../../src/port/leg.js";
import { calleeRoutes, callerRoutes, type Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

/** A whole call from alice to bob: set up, hung up by the callee; returns the packets it took. */
async function call(on: Stage, alice: Phone, bob: Phone): Promise<number> {
  const before = on.network.packets.length;
  alice.request({ method: "INVITE", uri: "sip:bob@example.com", body: "v=0\r\n" });
  await on.pass(10);
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, 180);
  bob.reply(invite, 200, { body: "v=0\r\n" });
  await on.pass(10);
  expect(alice.statuses).toEqual([100, 180, 200]);
  const answer = alice.lastResponse();
  alice.request({
    method: "ACK",
    uri: bob.contact,
    to: answer.headers.get("to") ?? "",
    routes: callerRoutes(answer),
  });
  await on.pass(10);
  expect(bob.lastRequest("ACK").headers.has("route")).toBe(false);
  bob.request({
    method: "BYE",
    uri: alice.contact,
    from: answer.headers.get("to") ?? "",
    to: answer.headers.get("from") ?? "",
    callId: answer.callId,
    routes: calleeRoutes(invite),
  });
  await on.pass(10);
  const bye = alice.lastRequest("BYE");
  expect(bye.headers.has("route")).toBe(false);
  expect(bye.uri).toBe(alice.contact);
  alice.reply(bye, 200);
  await on.pass(10);
  expect(bob.statuses).toEqual([200]);
  return on.network.packets.length - before;
}

test("§16 a call through lookup takes 13 packets, and leaves nothing behind", async () => {
  const on = await stage();
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  expect(await call(on, alice, bob)).toBe(13);
  await on.pass(40_000);
  expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
  expect(on.clock.pending()).toBe(0);
  expect(on.proxy.counts()).toEqual({ pending: 0, forwarded: 2, refused: 0 });
});

test("§16.6 the copy: Request-URI, Max-Forwards, Via on top, the rest as it came", async () => {
  const on = await stage();
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  const text = alice.request({
    method: "INVITE",
    uri: "sip:bob@example.com",
    headers: [
      { name: "X-Odd", value: "a\r\n  folded ; value" },
      { name: "Date", value: "not a date at all" },
      { name: "s", value: "subject" },
    ],
    body: "v=0\r\n",
  });
  await on.pass(10);
  const invite = bob.lastRequest("INVITE");
  expect(invite.uri).toBe(bob.contact);
  expect(invite.headers.get("max-forwards")).toBe("69");
  expect(invite.headers.get("max-breadth")).toBe("60");
  const [top, below] = invite.headers.all("via");
  expect(top).toMatch(/^SIP\/2\.0\/UDP 192\.0\.2\.1:5060;branch=z9hG4bK[0-9a-z-]+;rport$/);
  expect(below).toBe(`SIP/2.0/UDP ${alice.address};branch=z9hG4bK-alice-1;received=192.0.2.2;rport=5060`);
  const rest = text.slice(text.indexOf("From:"));
  expect(invite.text.endsWith(rest)).toBe(true);
});

describe("C4 each transport calls each other, in-dialog requests over the same flows", () => {
  const transports: Transport[] = ["udp", "tcp", "tls", "ws"];
  const pairs = transports.flatMap((caller) => transports.map((callee) => [caller, callee] as const));
  test.each(pairs)("%s calls %s", async (from, to) => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice", from), on.phone("bob", to)];
    await alice.connect();
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1", callId: "here" });
    await on.pass(10);
    bob.messages.length = 0;
    on.bind("bob", bob, to === "udp" ? {} : { flow: bob.serverFlow, uri: "sip:bob@x1.invalid;transport=ws" });
    bob.contactUri = to === "udp" ? undefined : "sip:bob@x1.invalid;transport=ws";
    alice.contactUri = from === "udp" ? undefined : "sip:alice@x2.invalid;transport=ws";
    expect(await call(on, alice, bob)).toBe(13);
  });
});

describe("callers that heed neither Contact nor Record-Route", () => {
  async function answered() {
    const on = await stage();
    const [alice, bob, desk] = [on.phone("alice"), on.phone("bob"), on.phone("desk")];
    on.bind("bob", bob);
    on.bind("bob", desk, { qMilli: 1 });
    const invite = { method: "INVITE", uri: "sip:bob@example.com" };
    alice.request(invite);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    return { on, alice, bob, desk, invite, to: alice.lastResponse().headers.get("to") ?? "" };
  }

  test("their ACK and BYE reach the callee all the same", async () => {
    const { on, alice, bob, desk, invite, to } = await answered();
    alice.request({ ...invite, method: "ACK", to });
    alice.request({ ...invite, method: "BYE", cseq: 2, to });
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK", "BYE"]);
    // whoever did not answer ignores an ACK that it knows nothing of
    expect(desk.requests.map(({ method }) => method)).toEqual(["ACK"]);
    bob.reply(bob.lastRequest("BYE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200, 200]);
  });

  test("an ACK with the branch of its INVITE too (RFC 2543)", async () => {
    const { on, alice, bob, invite, to } = await answered();
    alice.request({ ...invite, method: "ACK", to, branch: "z9hG4bK-alice-1" });
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK"]);
  });

  test("an ACK without a To tag, or for a user who is not there, goes nowhere", async () => {
    const { on, alice, bob, invite } = await answered();
    alice.request({ ...invite, method: "ACK" });
    alice.request({
      ...invite,
      uri: "sip:carol@example.com",
      method: "ACK",
      to: "<sip:carol@example.com>;tag=t",
    });
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE"]);
    expect(alice.statuses).toEqual([100, 200]);
  });
});
