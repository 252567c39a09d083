import { describe, expect, test } from "vitest";
import { calleeRoutes, callerRoutes, type Phone, type RequestParts } from "../support/phone.js";
import { type StageOptions, stage } from "../support/proxy-stage.js";

const STRANGER = "<sip:x@other.org>;tag=F";

/** Nobody is one of ours who does not prove it; alice does, when she calls. */
const CLOSED: StageOptions = {
  proved: ["alice"],
  proxy: { mayAssertIdentity: (caller) => caller !== undefined },
};

interface CallParts {
  readonly from?: string;
  readonly to?: string;
  /** What bob answers. */
  readonly status?: number;
  /** The phone that calls; the other one is there all the same. */
  readonly caller?: "alice" | "stranger";
  readonly overTcp?: boolean;
}

/** A call to bob, whose phone has a neighbour at another port of its address. */
async function call(parts: CallParts = {}, options: StageOptions = CLOSED) {
  const on = await stage(options);
  const { from = STRANGER, to = "<sip:bob@example.com>", status = 180 } = parts;
  const [alice, stranger, victim] = [on.phone("alice"), on.phone("stranger"), on.phone("victim")];
  const bob = on.phone("bob", parts.overTcp === true ? "tcp" : "udp");
  const neighbour = on.phone("neighbour", "udp", { address: bob.leg.local.address, port: 22_300 });
  if (parts.overTcp === true) {
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    on.bind("bob", bob, { flow: bob.serverFlow });
  } else on.bind("bob", bob);
  const caller = parts.caller === "alice" ? alice : stranger;
  caller.request({ method: "INVITE", uri: "sip:bob@example.com", from, to, callId: "c" });
  await on.pass(10);
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, status, { headers: status < 300 ? [] : recordRoutes(invite) });
  await on.pass(10);
  const answer = caller.lastResponse();
  const dialog = { from, to: `${to};tag=bob-tag`, callId: "c", cseq: 2, routes: callerRoutes(answer) };
  const back = { from: dialog.to, to: from, callId: "c", routes: calleeRoutes(invite) };
  const phones = [alice, bob, stranger, victim, neighbour];
  for (const phone of phones) phone.messages.length = 0;
  return { on, alice, bob, stranger, victim, neighbour, phones, invite, dialog, back };
}

type Call = Awaited<ReturnType<typeof call>>;

function recordRoutes(invite: Phone["requests"][number]) {
  return invite.headers.all("record-route").map((value) => ({ name: "Record-Route", value }));
}

const METHODS = ["INVITE", "MESSAGE", "INFO", "ACK"];

/** Names of the phones that got a request of this method. */
function reached({ phones }: Call, method: string): string[] {
  return phones
    .filter(({ requests }) => requests.some((request) => request.method === method))
    .map(({ name }) => name);
}

const elsewhere: [string, (call: Call) => Partial<RequestParts>][] = [
  ["another host", ({ victim }) => ({ uri: `sip:+900123@${victim.address}` })],
  [
    "another host by maddr",
    ({ bob, victim }) => ({ uri: `${bob.contact};maddr=${victim.leg.local.address}` }),
  ],
  [
    "a further Route",
    ({ bob, victim, dialog }) => ({
      uri: bob.contact,
      routes: [...dialog.routes, `<sip:${victim.address};lr>`],
    }),
  ],
  [
    "a further Route of a strict router",
    ({ bob, victim, dialog }) => ({
      uri: bob.contact,
      routes: [...dialog.routes, `<sip:${victim.address}>`],
    }),
  ],
  [
    "a further Route to another port",
    ({ bob, neighbour, dialog }) => ({
      uri: bob.contact,
      routes: [...dialog.routes, `<sip:${neighbour.address};lr>`],
    }),
  ],
  [
    "a further Route by name",
    ({ bob, dialog }) => ({ uri: bob.contact, routes: [...dialog.routes, "<sip:gw.example.net;lr>"] }),
  ],
];

describe("D3 a stranger that called a user of ours reaches that user along the route, and nobody else", () => {
  test.each(elsewhere)("%s: 403", async (_what, difference) => {
    for (const status of [180, 486, 200]) {
      const people = await call({ status });
      const { on, stranger, dialog } = people;
      for (const to of [dialog.to, "<sip:bob@example.com>;tag=anything"]) {
        for (const method of METHODS) {
          stranger.messages.length = 0;
          stranger.request({ method, uri: "", ...dialog, to, ...difference(people) });
          await on.pass(20);
          expect(reached(people, method)).toEqual([]);
          // §17: nobody is told of an ACK that cannot go on
          expect(stranger.statuses).toEqual(method === "ACK" ? [] : [403]);
        }
      }
    }
  });

  test.each<[string, (call: Call) => string]>([
    ["its contact", ({ bob }) => bob.contact],
    ["another port of its host", ({ neighbour }) => `sip:+900123@${neighbour.address}`],
    ["another transport of its host", ({ bob }) => `sip:bob@${bob.address};transport=tcp`],
    ["a name, which may be its own", () => "sip:bob@pbx.example.net"],
    ["its address-of-record", () => "sip:bob@example.com"],
  ])("%s: to its address, the Request-URI as it is", async (_what, uriOf) => {
    for (const method of METHODS) {
      const people = await call();
      const { on, stranger, bob, dialog } = people;
      stranger.request({ ...dialog, method, uri: uriOf(people) });
      await on.pass(20);
      expect(reached(people, method)).toEqual(["bob"]);
      expect(bob.lastRequest(method).uri).toBe(uriOf(people));
    }
  });

  test("RFC 5626 §5.3: over its connection, whatever private address its Contact has; no further Route", async () => {
    const people = await call({ overTcp: true });
    const { on, stranger, dialog } = people;
    const routes = [...dialog.routes, "<sip:10.0.0.5;lr>"];
    stranger.request({ ...dialog, method: "INFO", uri: "sip:bob@10.0.0.5:5060;transport=tcp" });
    stranger.request({ ...dialog, method: "MESSAGE", uri: "sip:bob@10.0.0.5:5060;transport=tcp", routes });
    await on.pass(20);
    expect(reached(people, "INFO")).toEqual(["bob"]);
    expect(reached(people, "MESSAGE")).toEqual([]);
    expect(stranger.statuses).toContain(403);
  });

  test.each<[string, string, string[], number[]]>([
    ["udp", "EDGE", ["edge"], []],
    ["tcp", "EDGE", ["edge"], []],
    ["udp", "OTHER", [], [403]],
    ["tcp", "OTHER", [], [403]],
  ])("RFC 3327: behind an edge over %s by %s", async (transport, named, expected, statuses) => {
    const on = await stage(CLOSED);
    const [stranger, victim] = [on.phone("stranger"), on.phone("victim")];
    const edge = on.phone("edge", transport === "tcp" ? "tcp" : "udp");
    const param = transport === "tcp" ? ";transport=tcp" : "";
    on.bind("bob", edge, { uri: "sip:bob@10.0.0.5", path: [`<sip:token@${edge.address}${param};lr>`] });
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com", from: STRANGER });
    await on.pass(10);
    const invite = edge.lastRequest("INVITE");
    edge.reply(invite, 200);
    await on.pass(10);
    const host = named === "EDGE" ? edge.address : victim.address;
    const routes = [...callerRoutes(stranger.lastResponse()), `<sip:${host}${param};lr>`];
    stranger.messages.length = 0;
    const to = "<sip:bob@example.com>;tag=edge-tag";
    stranger.request({ method: "BYE", uri: "sip:bob@10.0.0.5", from: STRANGER, to, cseq: 2, routes });
    await on.pass(20);
    const got = [edge, victim].filter(({ requests }) => requests.some(({ method }) => method === "BYE"));
    expect(got.map(({ name }) => name)).toEqual(expected);
    expect(stranger.statuses.filter((status) => status !== 100)).toEqual(statuses);
  });

  test("nor does calling itself one of ours help, where that needs proof", async () => {
    const people = await call({ from: "<sip:stranger@example.com>;tag=F" });
    const { on, stranger, neighbour, dialog } = people;
    stranger.request({ ...dialog, method: "BYE", uri: `sip:bob@${neighbour.address}` });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual(["bob"]);
  });

  test.each<[string, string, string]>([
    ["<sip:stranger@example.com>;tag=F", "one of ours may follow", "neighbour"],
    [STRANGER, "a stranger may not", "bob"],
  ])("where nobody is asked for proof: %s, %s, to another port of the callee", async (from, _what, to) => {
    const people = await call({ from }, {});
    const { on, stranger, neighbour, dialog } = people;
    stranger.request({ ...dialog, method: "BYE", uri: `sip:bob@${neighbour.address}` });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual([to]);
  });
});

describe("RFC 3261 §12.2.1.1: From and To keep the URIs of a dialog", () => {
  test.each<[string, (call: Call) => Partial<RequestParts>]>([
    ["the caller under another name", () => ({ from: "<sip:alice@example.com>;tag=F" })],
    ["the caller under a name of another server", () => ({ from: "<sip:y@other.org>;tag=F" })],
    ["to another callee", () => ({ to: "<sip:carol@example.com>;tag=bob-tag" })],
    ["as if the callee sent it", ({ dialog }) => ({ from: dialog.to, to: dialog.from })],
  ])("%s: 403, and nobody gets it", async (_what, difference) => {
    const people = await call();
    const { on, stranger, bob, dialog } = people;
    for (const method of METHODS) {
      stranger.request({ ...dialog, method, uri: bob.contact, ...difference(people) });
      await on.pass(20);
      expect(reached(people, method)).toEqual([]);
    }
    expect(stranger.statuses.filter((status) => status !== 100)).toEqual([403, 403, 403]);
  });

  test("the callee under another name: 403", async () => {
    const people = await call({ caller: "alice", from: "<sip:alice@example.com>;tag=F", status: 200 });
    const { on, bob, alice, back } = people;
    const from = "<sip:carol@example.com>;tag=bob-tag";
    bob.request({ ...back, from, method: "MESSAGE", uri: alice.contact });
    await on.pass(20);
    expect(reached(people, "MESSAGE")).toEqual([]);
    expect(bob.statuses).toEqual([403]);
  });

  test("a caller that put a name of ours into To cannot take that for its own", async () => {
    const people = await call({ to: "<sip:alice@example.com>" });
    const { on, stranger, bob, dialog } = people;
    const swapped = { from: "<sip:alice@example.com>;tag=t", to: STRANGER };
    for (const routes of [dialog.routes, [...dialog.routes].reverse()])
      stranger.request({ ...dialog, ...swapped, routes, method: "MESSAGE", uri: bob.contact });
    await on.pass(20);
    expect(reached(people, "MESSAGE").filter((name) => name !== "stranger")).toEqual([]);
  });

  test("however they are spelled", async () => {
    const people = await call();
    const { on, stranger, bob, dialog } = people;
    const from = '"X" <sips:%78@OTHER.org;user=ip>;tag=F';
    stranger.request({ ...dialog, from, method: "BYE", uri: bob.contact });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual(["bob"]);
  });
});

describe("RFC 3261 §12.2.1.2: who was known when the dialog began follows its peer to where that has moved", () => {
  const ALICE = { caller: "alice", from: "<sip:alice@example.com>;tag=F", status: 200 } as const;

  test("a caller, from its own flow", async () => {
    const people = await call(ALICE);
    const { on, alice, victim: moved, dialog } = people;
    alice.request({ ...dialog, method: "BYE", uri: `sip:bob@${moved.address}` });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual(["victim"]);
  });

  test("not from another port of its address: that is asked for credentials", async () => {
    const people = await call(ALICE);
    const { on, alice, victim: moved, dialog } = people;
    const other = on.phone("other", "udp", { address: alice.leg.local.address, port: 6000 });
    other.request({ ...dialog, method: "BYE", uri: `sip:bob@${moved.address}` });
    await on.pass(20);
    expect(other.statuses).toEqual([403]);
    expect(reached(people, "BYE")).toEqual([]);
  });

  test("but to the address of its peer, by whatever Route that asked for; and an ACK, which cannot be asked", async () => {
    const people = await call(ALICE);
    const { on, alice, bob, victim: moved, dialog } = people;
    const other = on.phone("other", "udp", { address: alice.leg.local.address, port: 6000 });
    const routes = [...dialog.routes, "<sip:gw.example.net;lr>"];
    other.request({ ...dialog, method: "BYE", uri: bob.contact, routes });
    other.request({ ...dialog, method: "ACK", uri: `sip:bob@${moved.address}` });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual(["bob"]);
    expect(reached(people, "ACK")).toEqual(["bob"]);
  });

  test("there too with credentials", async () => {
    const people = await call(ALICE, { ...CLOSED, identified: ["alice"] });
    const { on, alice, victim: moved, dialog } = people;
    const other = on.phone("other", "udp", { address: alice.leg.local.address, port: 6000 });
    other.request({ ...dialog, method: "BYE", uri: `sip:bob@${moved.address}` });
    await on.pass(20);
    expect(reached(people, "BYE")).toEqual(["victim"]);
  });

  test("a registered callee, also over its connection", async () => {
    for (const overTcp of [false, true]) {
      const people = await call({ status: 200, overTcp });
      const { on, bob, victim: moved, back } = people;
      bob.request({ ...back, method: "BYE", uri: `sip:x@${moved.address}` });
      await on.pass(20);
      expect(reached(people, "BYE")).toEqual(["victim"]);
    }
  });
});

describe("RFC 5627 §6.1: a GRUU of ours within a dialog", () => {
  const GRUU = "sip:bob@example.com;gr=urn:one";

  /** bob's phone, whose Contact is a GRUU, answers; then its connection goes, and it registers on another one, or not. */
  async function reconnected({ again, alive = false }: { again: boolean; alive?: boolean }) {
    const on = await stage({
      proxy: {
        mayAssertIdentity: (caller) => caller !== undefined,
        resolveGruu: ({ params }) =>
          params.some(({ name, value }) => name === "gr" && value === "urn:one")
            ? {
                ok: true,
                aor: "sip:bob@example.com",
                bindings: (live) => {
                  const value = live.filter(({ callId }) => callId === "register-again");
                  return value.length > 0
                    ? { ok: true, value }
                    : { ok: false, status: 480, reason: "Temporarily Unavailable", headers: [] };
                },
              }
            : undefined,
      },
    });
    const [stranger, bob, next] = [on.phone("stranger"), on.phone("bob", "ws"), on.phone("again", "ws")];
    for (const phone of [bob, next]) {
      await phone.connect();
      phone.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    }
    await on.pass(10);
    on.bind("bob", bob, { uri: "sip:bob@a.invalid", flow: bob.serverFlow });
    stranger.request({ method: "INVITE", uri: "sip:bob@example.com", from: STRANGER });
    await on.pass(10);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 200, { contact: GRUU });
    await on.pass(10);
    if (!alive) bob.hangUp();
    if (again) on.bind("bob", next, { uri: "sip:bob@b.invalid", flow: next.serverFlow });
    await on.pass(10);
    const answer = stranger.lastResponse();
    stranger.messages.length = 0;
    const to = "<sip:bob@example.com>;tag=bob-tag";
    const within = { uri: GRUU, from: STRANGER, to, cseq: 2, routes: callerRoutes(answer) };
    return { on, stranger, bob, next, within };
  }

  test.each(["BYE", "INFO", "ACK"])("%s goes to where its instance is now", async (method) => {
    const { on, stranger, next, within } = await reconnected({ again: true });
    stranger.request({ ...within, method });
    await on.pass(20);
    const got = next.lastRequest(method);
    expect(got.uri).toBe("sip:bob@b.invalid");
    expect(got.headers.has("route")).toBe(false);
  });

  test("to the flow of the dialog when nothing is registered any more", async () => {
    for (const method of ["BYE", "ACK"]) {
      const { on, stranger, bob, within } = await reconnected({ again: false, alive: true });
      stranger.request({ ...within, method });
      await on.pass(20);
      expect(bob.lastRequest(method).uri).toBe(GRUU);
    }
  });

  test("480 when that is gone, too", async () => {
    const { on, stranger, within } = await reconnected({ again: false });
    stranger.request({ ...within, method: "BYE" });
    await on.pass(20);
    expect(stranger.statuses.at(-1)).toBe(480);
  });

  test("not with a further Route", async () => {
    const { on, stranger, next, within } = await reconnected({ again: true });
    stranger.request({ ...within, method: "BYE", routes: [...within.routes, "<sip:192.0.2.77;lr>"] });
    await on.pass(20);
    expect(stranger.statuses).toEqual([403]);
    expect(next.requests.filter(({ method }) => method === "BYE")).toEqual([]);
  });
});

test("RFC 5626 §11.5: the callee, too, hears 480 when the connection of its caller is gone", async () => {
  const on = await stage(CLOSED);
  const [caller, bob] = [on.phone("stranger", "tcp"), on.phone("bob")];
  await caller.connect();
  on.bind("bob", bob);
  caller.request({ method: "INVITE", uri: "sip:bob@example.com", from: STRANGER });
  await on.pass(10);
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, 200);
  await on.pass(10);
  caller.hangUp();
  await on.pass(10);
  const from = "<sip:bob@example.com>;tag=bob-tag";
  bob.request({
    method: "BYE",
    uri: caller.contact,
    from,
    to: STRANGER,
    callId: invite.callId,
    routes: calleeRoutes(invite),
  });
  await on.pass(20);
  expect(bob.statuses.filter((status) => status !== 100)).toEqual([480]);
});
