import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ha1For } from "../../src/auth/digest.js";
import { parseChallenge } from "../auth/challenge-reader.js";
import { chainStage } from "../support/chain-stage.js";
import { calleeRoutes, callerRoutes, type Phone, type RequestParts } from "../support/phone.js";
import { credentials, hasher } from "./authorize-rig.js";

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

const ALICE = "<sip:alice@example.com>;tag=F";
const STRANGER = "<sip:x@other.org>;tag=F";

/** A stranger has called bob, who rings or has refused; carol is a user of ours, too. The server is closed. */
async function strangerCall(status: number) {
  let open = true;
  const on = await chainStage("", () => open);
  const [stranger, bob, carol, gateway] = ["stranger", "bob", "carol", "gateway"].map((name) =>
    on.phone(name),
  ) as [Phone, Phone, Phone, Phone];
  for (const phone of [bob, carol])
    phone.request({ method: "REGISTER", uri: "sip:example.com", to: `<sip:${phone.name}@example.com>` });
  await on.pass(100);
  open = false;
  stranger.request({ method: "INVITE", uri: "sip:bob@example.com", from: STRANGER });
  await on.pass(100);
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, 180);
  await on.pass(100);
  const ringing = stranger.lastResponse();
  if (status !== 180) bob.reply(invite, status);
  await on.pass(5000);
  for (const phone of [stranger, bob, carol, gateway]) phone.messages.length = 0;
  const dialog = { to: "<sip:bob@example.com>;tag=bob-tag", cseq: 2, routes: callerRoutes(ringing) };
  return { on, stranger, bob, carol, gateway, dialog: { ...dialog, callId: ringing.callId, from: STRANGER } };
}

type StrangerCall = Awaited<ReturnType<typeof strangerCall>>;

test.each<[string, number, (people: StrangerCall) => Partial<RequestParts>]>([
  ["to another host", 403, ({ gateway }) => ({ uri: `sip:+900123@${gateway.address}` })],
  [
    "by a further Route",
    403,
    ({ gateway, dialog }) => ({
      uri: "sip:x@anything.example",
      routes: [...dialog.routes, `<sip:${gateway.address};lr>`],
    }),
  ],
  ["as a user of ours, to the callee", 407, ({ bob }) => ({ uri: bob.contact, from: ALICE })],
  ["as a user of ours, to another", 407, ({ carol }) => ({ uri: carol.contact, from: ALICE })],
  ["as a user of ours, to her address", 407, () => ({ uri: "sip:carol@example.com", from: ALICE })],
  ["as a user of ours, elsewhere", 407, ({ gateway }) => ({ uri: gateway.contact, from: ALICE })],
])("D3 the route that a stranger was given does not serve it %s: %i", async (_what, status, difference) => {
  for (const answered of [180, 486]) {
    const people = await strangerCall(answered);
    const { on, stranger, bob, carol, gateway, dialog } = people;
    for (const method of ["INVITE", "MESSAGE", "INFO", "REFER", "ACK"])
      stranger.request({ method, uri: "", ...dialog, ...difference(people) });
    await on.pass(200);
    const got = [bob, carol, gateway].flatMap(({ requests }) => requests.map(({ method }) => method));
    expect(got).toEqual([]);
    // nobody acknowledged the refusal, so it may come once more
    expect(stranger.statuses.filter((code) => code !== 486)).toEqual([status, status, status, status]);
  }
});

/** alice has called bob with her password; nobody else has shown one. */
async function provedCall() {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-in-dialog-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const accounts = join(folder, "accounts");
  const account = { user: "alice", realm: "example.com", password: "secret" };
  writeFileSync(accounts, `alice:example.com:${ha1For(hasher, account, "MD5")}\n`);
  let open = true;
  const on = await chainStage(`accounts: [{ htdigest: '${accounts}' }]\n`, () => open);
  const [alice, bob, moved] = [on.phone("alice"), on.phone("bob"), on.phone("moved")];
  bob.request({ method: "REGISTER", uri: "sip:example.com", to: "<sip:bob@example.com>" });
  await on.pass(100);
  open = false;
  /** Sends a request, and once more with her password when she is asked for it. */
  const loggedIn = async (phone: Phone, parts: RequestParts) => {
    phone.request(parts);
    await on.pass(100);
    const { status, headers } = phone.lastResponse();
    if (status !== 407) return;
    const challenge = parseChallenge(headers.get("proxy-authenticate") ?? "");
    const value = credentials(challenge, { method: parts.method, uri: parts.uri });
    phone.request({
      ...parts,
      cseq: (parts.cseq ?? 1) + 1,
      headers: [{ name: "Proxy-Authorization", value }],
    });
    await on.pass(100);
  };
  await loggedIn(alice, { method: "INVITE", uri: "sip:bob@example.com" });
  const invite = bob.lastRequest("INVITE");
  bob.reply(invite, 200);
  await on.pass(100);
  const answer = alice.lastResponse();
  for (const phone of [alice, bob]) phone.messages.length = 0;
  const dialog = {
    from: answer.headers.get("from") ?? "",
    to: answer.headers.get("to") ?? "",
    callId: answer.callId,
    cseq: 3,
    routes: callerRoutes(answer),
  };
  return { on, alice, bob, moved, dialog, loggedIn };
}

test("RFC 3261 §22.3: who was asked when the dialog began is not asked again, wherever its peer has moved", async () => {
  const { on, alice, bob, moved, dialog } = await provedCall();
  alice.request({ ...dialog, method: "ACK", uri: bob.contact });
  alice.request({ ...dialog, method: "BYE", uri: moved.contact });
  await on.pass(100);
  expect(bob.requests.map(({ method }) => method)).toEqual(["ACK"]);
  expect(moved.requests.map(({ method }) => method)).toEqual(["BYE"]);
  expect(alice.statuses.filter((status) => status !== 100)).toEqual([]);
});

test("from elsewhere it is asked, and goes on with its password", async () => {
  const { bob, moved, dialog, loggedIn, on } = await provedCall();
  const roaming = on.phone("roaming");
  await loggedIn(roaming, { ...dialog, method: "REFER", uri: moved.contact });
  expect(roaming.statuses.filter((status) => status !== 100)).toEqual([407]);
  expect(moved.requests.map(({ method }) => method)).toEqual(["REFER"]);
  expect(bob.requests).toEqual([]);
});
