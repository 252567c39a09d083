import { expect, test } from "vitest";
import { chainStage } from "../support/chain-stage.js";
import { calleeRoutes, callerRoutes } from "../support/phone.js";

/** alice has called bob, while nobody was asked for credentials; now everybody is. */
async function call(mode = "proxy") {
  let open = true;
  const on = await chainStage(`proxy: {mode: ${mode}}\n`, () => open);
  const [alice, bob, thief] = [on.phone("alice"), on.phone("bob"), on.phone("thief")];
  bob.request({ method: "REGISTER", uri: "sip:example.com", to: "<sip:bob@example.com>" });
  await on.pass(100);
  alice.request({ method: "INVITE", uri: "sip:bob@example.com" });
  await on.pass(100);
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, 200);
  await on.pass(100);
  const answer = alice.lastResponse();
  for (const phone of [alice, bob]) phone.messages.length = 0;
  open = false;
  const { callId } = answer;
  const [from, to] = [answer.headers.get("from") ?? "", answer.headers.get("to") ?? ""];
  const toBob = { uri: bob.contact, from, to, callId, cseq: 2, routes: callerRoutes(answer) };
  const toAlice = { uri: alice.contact, from: to, to: from, callId, routes: calleeRoutes(invite) };
  return { on, alice, bob, thief, toBob, toAlice };
}

test.each(["proxy", "stateless"])(
  "%s: what goes along our Record-Route needs no credentials",
  async (mode) => {
    const { on, alice, bob, toBob, toAlice } = await call(mode);
    for (const method of ["ACK", "INVITE", "BYE"]) alice.request({ ...toBob, method });
    for (const method of ["INVITE", "BYE"]) bob.request({ ...toAlice, method });
    await on.pass(100);
    expect(bob.requests.map(({ method }) => method)).toEqual(["ACK", "INVITE", "BYE"]);
    expect(alice.requests.map(({ method }) => method)).toEqual(["INVITE", "BYE"]);
    expect([...alice.statuses, ...bob.statuses].filter((status) => status >= 200)).toEqual([]);
  },
);

type Call = Awaited<ReturnType<typeof call>>;

/** The same routes under another tag of the caller. */
const renamed = (name: string): string => name.replace("tag=alice", "tag=other");

test.each<[string, (call: Call) => object]>([
  ["no Route", () => ({ routes: [] })],
  ["an invented Route", () => ({ routes: ["<sip:192.0.2.1;lr>"] })],
  ["an invented token", () => ({ routes: [`<sip:rr-bw+${"0".repeat(16)}@192.0.2.1;lr>`] })],
  ["half of the route", ({ toBob }) => ({ routes: toBob.routes.slice(0, 1) })],
  ["the other half", ({ toBob }) => ({ routes: toBob.routes.slice(1) })],
  ["the route of another dialog", () => ({ callId: "another" })],
  ["the route of another caller", ({ toBob }) => ({ from: renamed(toBob.from) })],
  ["no To tag", () => ({ to: "<sip:bob@example.com>" })],
])("RFC 3261 §22.3: %s is no dialog, and is asked", async (_what, difference) => {
  const people = await call();
  const { on, alice, bob, toBob } = people;
  alice.request({ ...toBob, method: "MESSAGE", ...difference(people) });
  await on.pass(100);
  expect(alice.statuses).toEqual([407]);
  expect(bob.requests).toEqual([]);
});

test("the route of a dialog from somebody else's flow is no dialog, and is asked", async () => {
  const { on, bob, thief, toBob } = await call();
  thief.request({ ...toBob, method: "MESSAGE" });
  await on.pass(100);
  expect(thief.statuses).toEqual([407]);
  expect(bob.requests).toEqual([]);
});
