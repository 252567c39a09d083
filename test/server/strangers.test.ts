import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { ha1For } from "../../src/auth/digest.js";
import type { SipResponse } from "../../src/message/message.js";
import { NO_LOG } from "../../src/port/log.js";
import { loadConfig } from "../../src/server/config-load.js";
import { startServer } from "../../src/server/serve.js";
import { parseChallenge } from "../auth/challenge-reader.js";
import { UdpPhone, type WireRequest } from "../support/udp-phone.js";
import { credentials, hasher } from "./authorize-rig.js";

const endings: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A server for example.com with alice (password "secret") and bob, and a phone that talks to it. */
async function serving(open: boolean, lines: readonly string[] = []) {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-strangers-"));
  endings.push(() => rmSync(folder, { recursive: true, force: true }));
  const accounts = join(folder, "accounts");
  const lineOf = (user: string): string => {
    const account = { user, realm: "example.com", password: "secret" };
    return `${user}:example.com:${ha1For(hasher, account, "MD5")}\n`;
  };
  writeFileSync(accounts, lineOf("alice") + lineOf("bob"));
  const file = join(folder, "rollcall.yaml");
  const config = [
    "listen: [udp:127.0.0.1:0]",
    "domains: [example.com]",
    "store: 'memory:'",
    `open: ${open}`,
    "admin: off",
    `accounts: [{ htdigest: '${accounts}' }]`,
    ...lines,
  ];
  writeFileSync(file, config.join("\n"));
  const server = await startServer(loadConfig(file, {}), { log: NO_LOG });
  endings.push(() => server.close());
  const port = Number(server.listeners[0]!.split(":").at(-1));
  const newPhone = async (): Promise<UdpPhone> => {
    const phone = await UdpPhone.open(port);
    endings.push(() => phone.close());
    return phone;
  };
  return { phone: await newPhone(), newPhone, port };
}

let calls = 0;

/** Asks, and once more with credentials of alice when those are asked for. */
async function loggedIn(
  phone: UdpPhone,
  request: Omit<WireRequest, "callId" | "cseq">,
): Promise<SipResponse> {
  const callId = `call-${++calls}`;
  const first = await phone.ask({ ...request, callId, cseq: 1 });
  const name = first.status === 401 ? "Authorization" : "Proxy-Authorization";
  const challenge = first.headers.get(first.status === 401 ? "www-authenticate" : "proxy-authenticate");
  if (challenge === undefined) return first;
  const method = request.method ?? "REGISTER";
  const uri = method === "REGISTER" ? "sip:example.com" : request.aor;
  const answer = credentials(parseChallenge(challenge), { method, uri });
  return phone.ask({ ...request, callId, cseq: 2, lines: [...(request.lines ?? []), `${name}: ${answer}`] });
}

/** What a caller sees of an answer: status line and the names of its header fields. */
function shapeOf(answer: SipResponse): string {
  const names: string[] = [];
  for (let i = 0; i < answer.headers.length; i++) names.push(answer.headers.nameAt(i));
  return `${answer.status} ${answer.reason} ${names.join(" ")}`;
}

describe("who has an account is no stranger's business", () => {
  const CALLER = "sip:mallory@elsewhere.example.net";
  const ask = (phone: UdpPhone, user: string) =>
    phone.ask({
      method: "OPTIONS",
      aor: `sip:${user}@example.com`,
      from: CALLER,
      callId: `ask-${user}`,
      cseq: 1,
    });

  it("at a closed server a stranger hears the same for users known and unknown", async () => {
    const { phone } = await serving(false);
    const [known, unknown] = [await ask(phone, "bob"), await ask(phone, "nobody")];
    expect(known.status).toBe(480);
    expect(shapeOf(unknown)).toBe(shapeOf(known));
  });

  it("who logged in hears 404 and 480 (D3)", async () => {
    const { phone } = await serving(false);
    const from = "sip:alice@example.com";
    const call = (user: string) =>
      loggedIn(phone, { method: "OPTIONS", aor: `sip:${user}@example.com`, from });
    expect((await call("bob")).status).toBe(480);
    expect((await call("nobody")).status).toBe(404);
  });

  it("who is gone for good is told to everybody", async () => {
    const { phone } = await serving(false, ["proxy: { goneUsers: ['sip:carol@example.com'] }"]);
    expect((await ask(phone, "carol")).status).toBe(410);
  });
});

describe("RFC 3325 §5: whom a phone is told that it is called by", () => {
  const ASSERTED = "P-Asserted-Identity: <sip:director@example.com>";
  const call = { method: "OPTIONS", aor: "sip:alice@example.com", lines: [ASSERTED] };

  it.each([
    [
      "nothing of what a stranger asserts, at a closed server",
      false,
      "sip:mallory@elsewhere.example.net",
      false,
    ],
    ["what somebody asserts who logged in", false, "sip:alice@example.com", true],
    ["what anybody asserts, at an open server", true, "sip:mallory@elsewhere.example.net", true],
  ])("%s", async (_, open, from, isTold) => {
    const { phone: caller, newPhone } = await serving(open);
    const alice = await newPhone();
    const contact = `sip:alice@127.0.0.1:${alice.port}`;
    expect((await loggedIn(alice, { aor: "sip:alice@example.com", contact })).status).toBe(200);
    expect((await loggedIn(caller, { ...call, from })).status).toBe(200);
    expect(alice.heard.at(-1)?.includes(ASSERTED)).toBe(isTold);
  });
});

describe("clients that know no qop (RFC 2069)", () => {
  it.each([
    ["are refused", [], 401],
    ["may register where auth.allowWithoutQop says so", ["auth: { allowWithoutQop: true }"], 200],
  ])("%s", async (_, lines, status) => {
    const { phone } = await serving(false, lines);
    const register = { aor: "sip:alice@example.com", contact: "sip:alice@192.0.2.7", callId: "old" };
    const first = await phone.register({ ...register, cseq: 1 });
    const challenge = parseChallenge(first.headers.get("www-authenticate")!);
    const answer = `Authorization: ${credentials(challenge, { qop: null })}`;
    expect((await phone.register({ ...register, cseq: 2, lines: [answer] })).status).toBe(status);
    // nothing counts the requests, so the nonce serves no other
    expect((await phone.register({ ...register, cseq: 3, lines: [answer] })).status).toBe(401);
  });
});
