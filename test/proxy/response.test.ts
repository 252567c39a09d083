import { describe, expect, test } from "vitest";
import type { HeaderField } from "../../src/message/result.js";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:bob@example.com" };

async function fork(count: number, method = "INVITE"): Promise<{ on: Stage; alice: Phone; phones: Phone[] }> {
  const on = await stage();
  const alice = on.phone("alice");
  const phones = Array.from({ length: count }, (_, i) => on.phone(`phone${i}`));
  for (const phone of phones) on.bind("bob", phone);
  alice.request({ ...INVITE, method });
  await on.pass(10);
  return { on, alice, phones };
}

/** What the caller gets in the end when its branches answer these statuses, in this order. */
async function outcome(statuses: readonly number[], method = "INVITE"): Promise<number[]> {
  const { on, alice, phones } = await fork(statuses.length, method);
  for (const [i, status] of statuses.entries()) {
    phones[i]!.reply(phones[i]!.lastRequest(method), status);
    await on.pass(5);
  }
  return alice.statuses.filter((status) => status !== 100);
}

describe("RFC 3261 §16.7 step 6: the best response", () => {
  test.each<[number[], number]>([
    [[486], 486],
    [[302, 486], 302],
    [[486, 302], 302],
    [[500, 404], 404],
    [[404, 500], 404],
    [[486, 603], 603],
    [[603, 486], 603],
    [[404, 401], 401],
    [[404, 407], 407],
    [[404, 415], 415],
    [[404, 420], 420],
    [[404, 484], 484],
    [[480, 486], 486],
    [[408, 480], 480],
    [[487, 408], 408],
    [[503, 407, 501, 404], 407],
    [[503, 500], 500],
    [[503, 599], 599],
    [[500, 503], 500],
    [[503], 500],
    [[503, 503], 500],
    [[430], 480],
    [[699, 600], 699],
  ])("of %j it is %i", async (statuses, best) => {
    expect(await outcome(statuses)).toEqual([best]);
  });

  test("the response goes on as it came, without our Via", async () => {
    const { on, alice, phones } = await fork(1);
    const [bob] = phones as [Phone];
    bob.reply(bob.lastRequest("INVITE"), 486, {
      headers: [{ name: "Warning", value: '399 bob "no"' }],
      body: "because",
    });
    await on.pass(10);
    const response = alice.lastResponse();
    expect(response.headers.get("warning")).toBe('399 bob "no"');
    expect(response.body).toBe("because");
    expect(response.headers.all("via")).toEqual([
      `SIP/2.0/UDP ${alice.address};branch=z9hG4bK-alice-1;received=192.0.2.2;rport=5060`,
    ]);
    expect(response.toTag).toBe("phone0-tag");
  });

  test("of no response at all it is 408", async () => {
    const { on, alice } = await fork(2);
    await on.pass(33_000);
    expect(alice.statuses.slice(0, 2)).toEqual([100, 408]);
  });
});

describe("§16.7 step 7: challenges are gathered", () => {
  const www = (realm: string): HeaderField => ({
    name: "WWW-Authenticate",
    value: `Digest realm="${realm}"`,
  });
  const proxy = (realm: string): HeaderField => ({
    name: "Proxy-Authenticate",
    value: `Digest realm="${realm}"`,
  });

  test("of every 401 and 407, whichever is chosen", async () => {
    const { on, alice, phones } = await fork(4);
    const replies: [number, HeaderField[]][] = [
      [401, [www("one")]],
      [407, [proxy("two"), proxy("three")]],
      [404, [www("never")]],
      [401, [www("four")]],
    ];
    for (const [i, [status, headers]] of replies.entries())
      phones[i]!.reply(phones[i]!.lastRequest("INVITE"), status, { headers });
    await on.pass(10);
    const response = alice.lastResponse();
    expect(response.status).toBe(401);
    const found = [
      ...response.headers.all("www-authenticate"),
      ...response.headers.all("proxy-authenticate"),
    ];
    expect(found.sort()).toEqual(
      ['Digest realm="four"', 'Digest realm="one"', 'Digest realm="three"', 'Digest realm="two"'].sort(),
    );
  });

  test("a single one goes through untouched", async () => {
    const { on, alice, phones } = await fork(1);
    phones[0]!.reply(phones[0]!.lastRequest("INVITE"), 407, { headers: [proxy("only")] });
    await on.pass(10);
    expect(alice.lastResponse().headers.all("proxy-authenticate")).toEqual(['Digest realm="only"']);
  });
});

describe("§16.7 step 5: what goes on at once", () => {
  test("101 to 199 of every branch, never 100", async () => {
    const { on, alice, phones } = await fork(2);
    for (const phone of phones) {
      phone.reply(phone.lastRequest("INVITE"), 100);
      phone.reply(phone.lastRequest("INVITE"), 183);
    }
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 183, 183]);
    expect(alice.responses.map(({ toTag }) => toTag)).toEqual([undefined, "phone0-tag", "phone1-tag"]);
  });

  test("after a 6xx nobody new is called, those who ring are cancelled, and it goes back when they are done", async () => {
    const { on, alice, phones } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    const below = on.phone("below");
    on.bind("bob", below, { qMilli: 1 });
    two.reply(two.lastRequest("INVITE"), 180);
    await on.pass(5);
    one.reply(one.lastRequest("INVITE"), 600);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 180]);
    two.reply(two.lastRequest("CANCEL"), 200);
    two.reply(two.lastRequest("INVITE"), 487);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 180, 600]);
    expect(below.messages).toEqual([]);
  });

  test("a 2xx that crosses with a 6xx wins", async () => {
    const { on, alice, phones } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    two.reply(two.lastRequest("INVITE"), 180);
    await on.pass(5);
    one.reply(one.lastRequest("INVITE"), 600);
    two.reply(two.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 180, 200]);
  });

  test("each 2xx to an INVITE, of every branch and however often, until 64*T1 later", async () => {
    const { on, alice, phones } = await fork(2);
    const [one, two] = phones as [Phone, Phone];
    one.reply(one.lastRequest("INVITE"), 200);
    two.reply(two.lastRequest("INVITE"), 200);
    await on.pass(500);
    one.reply(one.lastRequest("INVITE"), 200);
    await on.pass(31_000);
    one.reply(one.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200, 200, 200, 200]);
    expect(alice.responses.slice(1).map(({ toTag }) => toTag)).toEqual([
      "phone0-tag",
      "phone1-tag",
      "phone0-tag",
      "phone0-tag",
    ]);
    await on.pass(2_000);
    one.reply(one.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toHaveLength(5);
  });

  test("one 2xx to any other request, and no more", async () => {
    const { on, alice, phones } = await fork(2, "MESSAGE");
    for (const phone of phones) phone.reply(phone.lastRequest("MESSAGE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([200]);
  });
});

describe("a callee that answers twice, late or never", () => {
  test("180 after 486 goes nowhere; another 486 is acknowledged and goes nowhere", async () => {
    const { on, alice, phones } = await fork(1);
    const [bob] = phones as [Phone];
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 486);
    await on.pass(5);
    alice.request({
      ...INVITE,
      method: "ACK",
      branch: "z9hG4bK-alice-1",
      to: alice.lastResponse().headers.get("to") ?? "",
    });
    bob.reply(invite, 180);
    bob.reply(invite, 486);
    bob.reply(invite, 603);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 486]);
    expect(bob.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK", "ACK", "ACK"]);
  });

  test("RFC 6026 §7.2: a stray response goes nowhere, though its next Via would have it sent", async () => {
    const on = await stage();
    const [bob, victim] = [on.phone("bob"), on.phone("victim")];
    bob.send(
      [
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKinvented",
        `Via: SIP/2.0/UDP ${victim.address};branch=z9hG4bKx`,
        "From: <sip:a@example.com>;tag=a",
        "To: <sip:b@example.com>;tag=b",
        "Call-ID: x",
        "CSeq: 1 INVITE",
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    );
    await on.pass(10);
    expect(victim.messages).toEqual([]);
    expect(on.dispatcher.counters.strayResponses).toBe(1);
  });

  test("the caller repeats its INVITE while it rings: the last provisional response again, nothing to the phone", async () => {
    const { on, alice, phones } = await fork(1);
    const [bob] = phones as [Phone];
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    alice.request({ ...INVITE, branch: "z9hG4bK-alice-1" });
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 180, 180]);
    expect(bob.requests).toHaveLength(1);
  });
});

describe("RFC 4320: requests other than INVITE", () => {
  test("nobody answers: no 408, no answer at all, and the transaction ends", async () => {
    const { on, alice } = await fork(1, "MESSAGE");
    await on.pass(33_000);
    expect(alice.statuses).toEqual([100]);
    expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
    expect(on.proxy.counts().pending).toBe(0);
  });

  test("a 408 from further on is not passed back", async () => {
    expect(await outcome([408], "MESSAGE")).toEqual([]);
    expect(await outcome([408, 480], "MESSAGE")).toEqual([480]);
  });

  test("100 after 3.5 s and no other provisional response", async () => {
    const { on, alice, phones } = await fork(1, "MESSAGE");
    const [bob] = phones as [Phone];
    bob.reply(bob.lastRequest("MESSAGE"), 183);
    await on.pass(3_400);
    expect(alice.statuses).toEqual([]);
    await on.pass(200);
    expect(alice.statuses).toEqual([100]);
    bob.reply(bob.lastRequest("MESSAGE"), 202);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 202]);
  });

  test("a late answer goes nowhere", async () => {
    const { on, alice, phones } = await fork(1, "MESSAGE");
    await on.pass(33_000);
    const [bob] = phones as [Phone];
    bob.reply(bob.lastRequest("MESSAGE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100]);
  });

  test.each(["MESSAGE", "OPTIONS", "SUBSCRIBE", "REFER", "PUBLISH", "INFO", "NOTIFY"])(
    "%s goes the same way",
    async (method) => {
      expect(await outcome([200], method)).toEqual([200]);
      expect(await outcome([404, 489], method)).toEqual([404]);
    },
  );

  test.each<[string, boolean]>([
    ["INVITE", true],
    ["SUBSCRIBE", true],
    ["REFER", true],
    ["NOTIFY", true],
    ["MESSAGE", false],
    ["OPTIONS", false],
    ["PUBLISH", false],
  ])("%s gets a Record-Route: %s", async (method, expected) => {
    const { phones } = await fork(1, method);
    expect(phones[0]!.lastRequest(method).headers.has("record-route")).toBe(expected);
  });
});

describe("§16.7 step 3: a response that has no Via but ours tells the caller nothing, and 502 is said instead", () => {
  /** bob answers as a phone would that copies only the topmost Via. */
  async function answer(method: string, status: number) {
    const cast = await fork(1, method);
    const [bob] = cast.phones as [Phone];
    const { headers } = bob.lastRequest(method);
    const copied = ["From", "Call-ID", "CSeq"].map((name) => `${name}: ${headers.get(name.toLowerCase())}`);
    bob.send(
      [
        `SIP/2.0 ${status} Whatever`,
        `Via: ${headers.all("via")[0]}`,
        "To: <sip:bob@example.com>;tag=bob",
        ...copied,
        "Content-Length: 0\r\n\r\n",
      ].join("\r\n"),
    );
    await cast.on.pass(10);
    return cast;
  }

  test.each([
    ["INVITE", 200],
    ["INVITE", 486],
    ["INVITE", 401],
    ["OPTIONS", 200],
    ["OPTIONS", 404],
  ] as const)("%s, %i", async (method, status) => {
    const { on, alice } = await answer(method, status);
    expect(alice.statuses.filter((each) => each !== 100)).toEqual([502]);
    expect(on.proxy.counts().pending).toBe(0);
  });
});
