import { describe, expect, test } from "vitest";
import type { SipRequest } from "../../src/message/message.js";
import { udpFlow } from "../support/network.js";
import type { Phone } from "../support/phone.js";
import { stage } from "../support/proxy-stage.js";

/** Answers every INVITE at once, and whatever CANCEL brings with it. */
function answering(phone: Phone, status: number): Phone {
  phone.onRequest = (request) => {
    if (request.method === "INVITE") phone.reply(request, status);
  };
  return phone;
}

/** Rings, and answers 487 when it is cancelled. */
function ringing(phone: Phone): Phone {
  let invite: SipRequest | undefined;
  phone.onRequest = (request) => {
    if (request.method === "INVITE") {
      invite = request;
      phone.reply(request, 180);
    } else if (request.method === "CANCEL" && invite !== undefined) {
      phone.reply(request, 200);
      phone.reply(invite, 487);
    }
  };
  return phone;
}

const INVITE = { method: "INVITE", uri: "sip:bob@example.com" };

describe("D2 contacts by q (§16.6, §20.10)", () => {
  test("equal ones ring together; the first to answer has the call, the others are cancelled with a reason", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    const [desk, mobile, pad] = [on.phone("desk"), ringing(on.phone("mobile")), ringing(on.phone("pad"))];
    for (const phone of [desk, mobile, pad]) on.bind("bob", phone);
    alice.request(INVITE);
    await on.pass(10);
    desk.reply(desk.lastRequest("INVITE"), 200);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 180, 180, 200]);
    for (const loser of [mobile, pad]) {
      const cancel = loser.lastRequest("CANCEL");
      expect(cancel.headers.get("reason")).toBe('SIP;cause=200;text="Call completed elsewhere"');
      expect(cancel.headers.get("via")).toBe(loser.lastRequest("INVITE").headers.get("via"));
      expect(loser.requests.map(({ method }) => method)).toEqual(["INVITE", "CANCEL", "ACK"]);
      expect(loser.statuses).toEqual([]);
    }
    await on.pass(40_000);
    expect(alice.statuses).toEqual([100, 180, 180, 200]);
    expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
  });

  test("lower ones come in turn, when all above have said no", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    const [first, second, third] = [
      answering(on.phone("first"), 486),
      answering(on.phone("second"), 480),
      on.phone("third"),
    ];
    on.bind("bob", third, { qMilli: 100 });
    on.bind("bob", second, { qMilli: 500 });
    on.bind("bob", first, { qMilli: 1000 });
    alice.request(INVITE);
    await on.pass(10);
    expect(third.requests.map(({ method }) => method)).toEqual(["INVITE"]);
    third.reply(third.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
    expect(first.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK"]);
  });

  test("nobody below is called while one rings, nor after it answers", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    const [first, second] = [ringing(on.phone("first")), on.phone("second")];
    on.bind("bob", first);
    on.bind("bob", second, { qMilli: 900 });
    alice.request(INVITE);
    await on.pass(60_000);
    expect(second.messages).toEqual([]);
    first.reply(first.lastRequest("INVITE"), 200);
    await on.pass(60_000);
    expect(second.messages).toEqual([]);
  });

  test("all have said no: the best answer goes back", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    on.bind("bob", answering(on.phone("one"), 480));
    on.bind("bob", answering(on.phone("two"), 486));
    on.bind("bob", answering(on.phone("three"), 500), { qMilli: 10 });
    alice.request(INVITE);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 486]);
    expect(alice.lastResponse().toTag).toBe("two-tag");
  });
});

describe("D2 a dead, refusing or unparsable branch never spoils the others", () => {
  const bad: [string, Parameters<Awaited<ReturnType<typeof stage>>["bind"]>[2]][] = [
    ["a connection that is closed", { flow: "tcp:gone:1" }],
    [
      "nobody listens there",
      { uri: "sip:bob@192.0.2.99:5060;transport=tcp", received: "udp:192.0.2.99:5060" },
    ],
    ["no leg gets there", { uri: "sip:bob@[2001:db8::1]:5060", received: "udp:[2001:db8::1]:5060" }],
    ["a contact of another scheme", { uri: "tel:+4930123456" }],
    ["no URI at all", { uri: "sip:bob@" }],
    [".invalid without a flow", { uri: "sip:x@y.invalid;transport=ws", received: "ws:192.0.2.99:1" }],
    ["a name that nobody knows", { uri: "sip:bob@nowhere.example", received: "tcp:192.0.2.99:1" }],
    ["a Path that is none", { path: ["<sip:"] }],
    ["a Path of another scheme", { path: ["<tel:+49301234>"] }],
    [
      "an unknown transport",
      { uri: "sip:bob@192.0.2.99;transport=carrier-pigeon", received: "tcp:192.0.2.99:1" },
    ],
  ];

  test.each(bad)("%s: the other phone gets the call", async (_what, difference) => {
    const on = await stage();
    const [alice, dead, good] = [on.phone("alice"), on.phone("dead"), on.phone("good")];
    on.bind("bob", dead, difference);
    on.bind("bob", good);
    alice.request(INVITE);
    await on.pass(20);
    good.reply(good.lastRequest("INVITE"), 200);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 200]);
    expect(dead.messages).toEqual([]);
  });

  test.each(bad)("%s, and nobody else: 480", async (_what, difference) => {
    const on = await stage();
    const [alice, dead] = [on.phone("alice"), on.phone("dead")];
    on.bind("bob", dead, difference);
    alice.request(INVITE);
    await on.pass(20);
    expect(alice.statuses.filter((status) => status >= 200)).toEqual([480]);
  });

  test("§18.4 a phone that the network does not reach: the lower one is called at once", async () => {
    const on = await stage();
    const [alice, gone, good] = [on.phone("alice"), on.phone("gone"), on.phone("good")];
    on.bind("bob", gone);
    on.bind("bob", good, { qMilli: 1 });
    alice.request(INVITE);
    await on.pass(10);
    on.dispatcher.transactions.unreachable(udpFlow(gone.leg.local, { address: "192.0.2.1", port: 5060 }));
    await on.pass(10);
    good.reply(good.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  });

  test("a phone that is silent: the lower one is called after 32 s", async () => {
    const on = await stage();
    const [alice, silent, good] = [on.phone("alice"), on.phone("silent"), on.phone("good")];
    on.bind("bob", silent);
    on.bind("bob", good, { qMilli: 1 });
    alice.request(INVITE);
    await on.pass(33_000);
    good.reply(good.lastRequest("INVITE"), 200);
    await on.pass(20);
    expect(alice.statuses).toEqual([100, 200]);
  });

  test("nonsense in a response is dropped, and the next response counts", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request(INVITE);
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    for (const nonsense of [
      "SIP/2.0 2000 OK\r\n\r\n",
      "SIP/2.0 200 OK\r\n\r\n",
      "SIP/2.0 200\r\nVia: x\r\n\r\n",
      "\0\r\n",
    ])
      bob.send(nonsense);
    await on.pass(10);
    expect(alice.statuses).toEqual([100]);
    bob.reply(invite, 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  });
});

test("F4 no room for another client transaction: 503 with Retry-After", async () => {
  const on = await stage({ transactions: { maxClients: 1 } });
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  alice.request(INVITE);
  alice.request({ ...INVITE, callId: "second" });
  await on.pass(10);
  expect(bob.requests).toHaveLength(1);
  const refusal = alice.responses.find(({ status }) => status >= 300);
  expect(refusal?.status).toBe(503);
  expect(refusal?.headers.get("retry-after")).toBe("10");
});

test("F4 no room for another server transaction: 503 with Retry-After, and the call that rings goes on", async () => {
  const on = await stage({ maxTransactions: 1 });
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  alice.request(INVITE);
  await on.pass(10);
  bob.reply(bob.lastRequest("INVITE"), 180);
  alice.request({ ...INVITE, callId: "second" });
  await on.pass(10);
  expect(bob.requests).toHaveLength(1);
  expect(alice.statuses).toEqual([100, 180, 503]);
  expect(Number(alice.responses.at(-1)?.headers.get("retry-after"))).toBeGreaterThanOrEqual(5);
  bob.reply(bob.lastRequest("INVITE"), 200);
  await on.pass(10);
  expect(alice.statuses).toEqual([100, 180, 503, 200]);
});

describe("RFC 5626 §7: one branch for each instance", () => {
  const instance = "<urn:uuid:00000000-0000-1000-8000-000a95a0e128>";

  test("the latest flow first, the other when it is dead", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob", "tcp")];
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("bob", bob, { instance, regId: 1, flow: bob.serverFlow });
    on.bind("bob", bob, { instance, regId: 2, flow: "tcp:gone:1", updatedAtMs: on.clock.nowMs() + 1 });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE"]);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  });

  test.each([430, 408])("the other when the first answers %i", async (status) => {
    const on = await stage();
    const [alice, edge, bob] = [on.phone("alice"), answering(on.phone("edge"), status), on.phone("bob")];
    on.bind("bob", bob, { instance, regId: 1 });
    on.bind("bob", edge, { instance, regId: 2, updatedAtMs: on.clock.nowMs() + 1 });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE"]);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  });

  test("no other flow after any other answer: the instance has spoken", async () => {
    const on = await stage();
    const [alice, one, two] = [on.phone("alice"), on.phone("one"), answering(on.phone("two"), 486)];
    on.bind("bob", one, { instance, regId: 1 });
    on.bind("bob", two, { instance, regId: 2, updatedAtMs: on.clock.nowMs() + 1 });
    alice.request(INVITE);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 486]);
    expect(one.messages).toEqual([]);
  });

  test("§11.5 no endpoint gets a 430: 480 when every flow has failed", async () => {
    const on = await stage();
    const [alice, one, two] = [
      on.phone("alice"),
      answering(on.phone("one"), 430),
      answering(on.phone("two"), 430),
    ];
    on.bind("bob", one, { instance, regId: 1 });
    on.bind("bob", two, { instance, regId: 2, updatedAtMs: on.clock.nowMs() + 1 });
    alice.request(INVITE);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 480]);
  });

  test("a flow that dies while the phone rings ends its branch at once", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob", "ws")];
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("bob", bob, { flow: bob.serverFlow });
    alice.request(INVITE);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    bob.hangUp();
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 180, 480]);
  });
});

describe("RFC 5393 §5: Max-Breadth", () => {
  async function fork(given: string | null, phones: number) {
    const on = await stage();
    const alice = on.phone("alice");
    const all = Array.from({ length: phones }, (_, i) => on.phone(`p${i}`));
    for (const phone of all) on.bind("bob", phone);
    alice.request({
      ...INVITE,
      headers: given === null ? [] : [{ name: "Max-Breadth", value: given }],
    });
    await on.pass(10);
    return { on, alice, all };
  }

  test.each<[string | null, string[]]>([
    [null, ["20", "20", "20"]],
    ["10", ["4", "3", "3"]],
    ["3", ["1", "1", "1"]],
    ["1000", ["20", "20", "20"]],
    ["none", ["20", "20", "20"]],
  ])("%s is shared among the branches: %j", async (given, shares) => {
    const { all } = await fork(given, 3);
    expect(all.map((phone) => phone.lastRequest("INVITE").headers.all("max-breadth"))).toEqual(
      shares.map((share) => [share]),
    );
  });

  test("where it is too small, the others follow in turn", async () => {
    const { on, alice, all } = await fork("2", 3);
    expect(all.map(({ requests }) => requests.length)).toEqual([1, 1, 0]);
    all[0]?.reply(all[0].lastRequest("INVITE"), 486);
    await on.pass(10);
    expect(all[2]?.requests).toEqual([]);
    all[1]?.reply(all[1].lastRequest("INVITE"), 486);
    await on.pass(10);
    expect(all[2]?.lastRequest("INVITE").headers.get("max-breadth")).toBe("2");
    all[2]?.reply(all[2].lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  });
});

describe("Path (RFC 3327 §5.4)", () => {
  test("becomes Route, in front of what is there, and names the next hop", async () => {
    const on = await stage();
    const [alice, edge] = [on.phone("alice"), on.phone("edge")];
    const path = [`<sip:token@${edge.address};lr>`, "<sip:inner.example;lr>"];
    on.bind("bob", edge, { path, uri: "sip:bob@10.1.2.3:5060" });
    alice.request(INVITE);
    await on.pass(10);
    const invite = edge.lastRequest("INVITE");
    expect(invite.uri).toBe("sip:bob@10.1.2.3:5060");
    expect(invite.headers.all("route")).toEqual(path);
  });

  test("whose first element is a strict router: §16.6 step 6", async () => {
    const on = await stage();
    const [alice, edge] = [on.phone("alice"), on.phone("edge")];
    on.bind("bob", edge, {
      path: [`<sip:${edge.address}>`, "<sip:inner.example;lr>"],
      uri: "sip:bob@10.1.2.3",
    });
    alice.request(INVITE);
    await on.pass(10);
    const invite = edge.lastRequest("INVITE");
    expect(invite.uri).toBe(`sip:${edge.address}`);
    expect(invite.headers.all("route")).toEqual(["<sip:inner.example;lr>", "<sip:bob@10.1.2.3>"]);
  });
});

describe("NAT: where a UDP binding is reached", () => {
  test("at the address its REGISTER came from, when its contact is another", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob, { uri: "sip:bob@10.0.0.7:5062" });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.lastRequest("INVITE").uri).toBe("sip:bob@10.0.0.7:5062");
  });

  test("at the port of its contact, when the address is the same", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob", "udp", { port: 5099 })];
    on.bind("bob", bob, { received: `udp:${bob.leg.local.address}:41234` });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.lastRequest("INVITE").uri).toBe(bob.contact);
  });

  test("RFC 5626 §7: at the port its REGISTER came from, when it has a reg-id", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob, {
      uri: `sip:bob@${bob.leg.local.address}:9`,
      instance: "<urn:uuid:00000000-0000-1000-8000-000a95a0e128>",
      regId: 1,
    });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
  });

  test("at its contact, when farContacts says so", async () => {
    const on = await stage({ proxy: { farContacts: "contact" } });
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob, { received: "udp:198.51.100.7:1024" });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
  });
});

describe("what may not stand in a Request-URI is left out (§16.6 step 2)", () => {
  test.each([
    ["sip:bob@ADDRESS?Subject=x&Priority=urgent", "sip:bob@ADDRESS"],
    ["sip:bob@ADDRESS;method=BYE", "sip:bob@ADDRESS"],
    ["sip:bob@ADDRESS;METHOD=BYE;user=phone?a=b", "sip:bob@ADDRESS;user=phone"],
    ["sip:bob@ADDRESS;methodology=x", "sip:bob@ADDRESS;methodology=x"],
  ])("%s", async (contact, expected) => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob, { uri: contact.replace("ADDRESS", bob.address) });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.lastRequest("INVITE").uri).toBe(expected.replace("ADDRESS", bob.address));
  });
});

describe("RFC 5630 §5.3: sips", () => {
  test("a request for sips reaches sips contacts alone; 480 with a warning when there is none", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request({ ...INVITE, uri: "sips:bob@example.com" });
    await on.pass(10);
    expect(bob.messages).toEqual([]);
    expect(alice.statuses).toEqual([480]);
    expect(alice.lastResponse().headers.get("warning")).toContain("380");
  });

  test("a request for sip goes to a sips contact under the sip scheme, over its flow", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob", "tls")];
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("bob", bob, { uri: "sips:bob@client.example", flow: bob.serverFlow });
    alice.request(INVITE);
    await on.pass(10);
    expect(bob.lastRequest("INVITE").uri).toBe("sip:bob@client.example");
  });
});
