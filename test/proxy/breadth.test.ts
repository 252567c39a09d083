import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { SipRequest } from "../../src/message/message.js";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

const DEFAULT_BREADTH = 60;

/** Users `u0`, `u1`, …, each of whom registers addresses-of-record of others; `targets[i]` are those of `ui`, the first one first. */
async function ring(targets: readonly (readonly number[])[], q: "equal" | "falling" = "equal") {
  const on = await stage();
  const [caller, phone] = [on.phone("caller"), on.phone("phone")];
  targets.forEach((others, user) => {
    others.forEach((other, place) => {
      on.bind(`u${user}`, phone, {
        uri: `sip:u${other}@example.com`,
        callId: `${place}`,
        qMilli: q === "equal" ? 1000 : 1000 - place,
      });
    });
  });
  return { on, caller };
}

/** Each of `users` points to all others: to the same ones first, or each to another. */
function everybody(users: number, order: "same" | "turned"): number[][] {
  return Array.from({ length: users }, (_, user) =>
    Array.from({ length: users }, (_, i) => (order === "same" ? i : (user + i) % users)).filter(
      (other) => other !== user,
    ),
  );
}

/** Packets that the server put on the wire, but for what it repeats because this caller acknowledges nothing. */
function sentByServer(on: Stage, caller: Phone): number {
  const { packets } = on.network;
  const toCaller = packets.filter(({ to }) => to === caller.address);
  const fromCaller = packets.filter(({ from }) => from === caller.address);
  return (
    packets.length - fromCaller.length - toCaller.length + new Set(toCaller.map(({ text }) => text)).size
  );
}

function breadthOf(request: SipRequest): string | undefined {
  return request.headers.get("max-breadth");
}

describe("RFC 5393 §5.3.3: registrations that lead back here share the Max-Breadth for good", () => {
  test.each(["MESSAGE", "INVITE"])(
    "two users who point at each other: fewer than ten packets: %s",
    async (method) => {
      const { on, caller } = await ring([[1], [0]]);
      caller.request({ method, uri: "sip:u0@example.com" });
      await on.pass(40_000);
      expect(caller.statuses.find((status) => status >= 200)).toBe(482);
      expect(on.network.count(`${method} `)).toBe(3);
      expect(sentByServer(on, caller)).toBeLessThan(10);
    },
  );

  test.each([
    ["MESSAGE", "same", "equal", 121],
    ["MESSAGE", "turned", "equal", 278],
    ["MESSAGE", "same", "falling", 121],
    ["MESSAGE", "turned", "falling", 278],
    ["INVITE", "same", "equal", 121],
    ["INVITE", "turned", "equal", 278],
    ["INVITE", "turned", "falling", 278],
  ] as const)(
    "ten users who each point to all others: %s, %s first, q %s: %i requests",
    async (method, order, q, most) => {
      const { on, caller } = await ring(everybody(10, order), q);
      caller.request({ method, uri: "sip:u0@example.com" });
      await on.pass(40_000);
      expect(caller.statuses.find((status) => status >= 200)).toBe(482);
      expect(on.network.count(`${method} `)).toBeLessThanOrEqual(most);
      // each is answered by 482, and an INVITE by 100 and the ACK of that besides
      expect(sentByServer(on, caller)).toBeLessThan(most * (method === "INVITE" ? 4 : 2));
      await on.pass(70_000);
      expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
      expect(on.proxy.counts().pending).toBe(0);
    },
  );

  test("an INVITE with a To tag, and the ACKs to its refusals, grow no further", async () => {
    const { on, caller } = await ring(everybody(10, "turned"));
    caller.request({ method: "INVITE", uri: "sip:u0@example.com", to: "<sip:u0@example.com>;tag=b" });
    await on.pass(40_000);
    expect(on.network.count("INVITE ")).toBeLessThanOrEqual(278);
    expect(on.network.count("ACK ")).toBeLessThanOrEqual(278);
  });

  test.each([
    ["two", [[1], [0]], 3],
    ["ten", everybody(10, "turned"), 278],
  ] as const)("an ACK that names a user in a ring of %s finds its end", async (_, targets, most) => {
    const { on, caller } = await ring(targets);
    caller.request({ method: "ACK", uri: "sip:u0@example.com", to: "<sip:u0@example.com>;tag=b" });
    await on.pass(1_000);
    expect(on.network.count("ACK ")).toBeGreaterThan(2);
    expect(on.network.count("ACK ")).toBeLessThanOrEqual(most);
  });

  test("whoever points to whom, at once or in turn: no more ways than the Max-Breadth, each through a user once", async () => {
    const graph = fc.integer({ min: 1, max: 8 }).chain((users) =>
      fc.array(fc.array(fc.nat({ max: users - 1 }), { maxLength: 8 }), {
        minLength: users,
        maxLength: users,
      }),
    );
    await fc.assert(
      fc.asyncProperty(
        graph,
        fc.constantFrom<"equal" | "falling">("equal", "falling"),
        fc.integer({ min: 1, max: DEFAULT_BREADTH }),
        async (targets, q, breadth) => {
          const { on, caller } = await ring(targets, q);
          const headers = [{ name: "Max-Breadth", value: String(breadth) }];
          caller.request({ method: "MESSAGE", uri: "sip:u0@example.com", headers });
          await on.pass(1_000);
          expect(on.network.count("MESSAGE ")).toBeLessThanOrEqual(1 + breadth * targets.length);
          expect(caller.statuses).toHaveLength(1);
          expect(on.proxy.counts().pending).toBe(0);
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("RFC 5393 §5.3.3: what a target that leads back here gets", () => {
  /** `team` points to `members`, each of whom has a phone. */
  async function team(members: number, q: "equal" | "falling" = "equal") {
    const on = await stage();
    const caller = on.phone("caller");
    const phones = Array.from({ length: members }, (_, i) => on.phone(`m${i}`));
    phones.forEach((phone, i) => {
      on.bind(`m${i}`, phone);
      const qMilli = q === "equal" ? 1000 : 1000 - i;
      on.bind("team", phone, { uri: `sip:m${i}@example.com`, callId: `${i}`, qMilli });
    });
    return { on, caller, phones };
  }

  const INVITE = { method: "INVITE", uri: "sip:team@example.com" };
  const withBreadth = (value: string) => ({ ...INVITE, headers: [{ name: "Max-Breadth", value }] });

  test("one alone: all there is", async () => {
    const { on, caller, phones } = await team(1);
    caller.request(withBreadth("7"));
    await on.pass(20);
    expect(phones.map((phone) => breadthOf(phone.lastRequest("INVITE")))).toEqual(["7"]);
  });

  test("several at once: a share each", async () => {
    const { on, caller, phones } = await team(3);
    caller.request(withBreadth("7"));
    await on.pass(20);
    expect(phones.map((phone) => breadthOf(phone.lastRequest("INVITE")))).toEqual(["3", "2", "2"]);
  });

  test("several in turn: a share each, not all there is each time", async () => {
    const { on, caller, phones } = await team(3, "falling");
    for (const phone of phones)
      phone.onRequest = (request) => {
        if (request.method === "INVITE") phone.reply(request, 486);
      };
    caller.request(withBreadth("7"));
    await on.pass(100);
    expect(phones.map((phone) => breadthOf(phone.lastRequest("INVITE")))).toEqual(["3", "2", "2"]);
    expect(caller.statuses.slice(0, 2)).toEqual([100, 486]);
  });

  test("those for whom none is left are not tried, and what the others say is the answer", async () => {
    const { on, caller, phones } = await team(5);
    caller.request(withBreadth("2"));
    await on.pass(20);
    expect(phones.map(({ requests }) => requests.length)).toEqual([1, 1, 0, 0, 0]);
    for (const phone of phones.slice(0, 2)) phone.reply(phone.lastRequest("INVITE"), 480);
    await on.pass(100);
    expect(phones.map(({ messages }) => messages.length > 0)).toEqual([true, true, false, false, false]);
    expect(caller.statuses.slice(0, 2)).toEqual([100, 480]);
  });

  test("440 where the others were worse than that", async () => {
    const { on, caller, phones } = await team(2);
    caller.request(withBreadth("1"));
    await on.pass(20);
    phones[0]?.reply(phones[0].lastRequest("INVITE"), 500);
    await on.pass(20);
    expect(phones[1]?.messages).toEqual([]);
    expect(caller.statuses.slice(0, 2)).toEqual([100, 440]);
  });

  test("a caller who gives up hears 487", async () => {
    const { on, caller, phones } = await team(4);
    caller.request({ ...withBreadth("2"), branch: "z9hG4bKcall" });
    await on.pass(20);
    for (const phone of phones) {
      phone.onRequest = (request) => {
        if (request.method !== "CANCEL") return;
        phone.reply(request, 200);
        phone.reply(phone.lastRequest("INVITE"), 487);
      };
    }
    for (const phone of phones.slice(0, 2)) phone.reply(phone.lastRequest("INVITE"), 180);
    await on.pass(20);
    caller.request({ ...INVITE, method: "CANCEL", branch: "z9hG4bKcall" });
    await on.pass(50);
    const finals = caller.responses.filter(({ status, cseq }) => status >= 200 && cseq?.method === "INVITE");
    expect(finals[0]?.status).toBe(487);
  });

  test("beside a phone: no more than an even share, as RFC 5393 wants it of what is there at once", async () => {
    const { on, caller, phones } = await team(1);
    const desk = on.phone("desk");
    on.bind("team", desk);
    caller.request(withBreadth("9"));
    await on.pass(20);
    expect([...phones, desk].map((phone) => breadthOf(phone.lastRequest("INVITE")))).toEqual(["5", "4"]);
  });

  test("phones tried in turn get all there is each time, beside those that lead back here, too", async () => {
    const { on, caller, phones } = await team(2, "falling");
    const desk = on.phone("desk");
    on.bind("team", desk, { qMilli: 1 });
    for (const phone of phones)
      phone.onRequest = (request) => {
        if (request.method === "INVITE") phone.reply(request, 486);
      };
    caller.request(withBreadth("9"));
    await on.pass(100);
    expect([...phones, desk].map((phone) => breadthOf(phone.lastRequest("INVITE")))).toEqual(["5", "4", "9"]);
  });

  test("the ACK of a caller that follows no route goes the same ways", async () => {
    const { on, caller, phones } = await team(3);
    caller.request({ ...withBreadth("2"), method: "ACK", to: "<sip:team@example.com>;tag=b" });
    await on.pass(20);
    expect(phones.map(({ messages }) => messages.length)).toEqual([1, 1, 0]);
  });
});
