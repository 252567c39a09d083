import { describe, expect, test } from "vitest";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:bob@example.com", branch: "z9hG4bKcall" };
const CANCEL = { ...INVITE, method: "CANCEL" };

async function calling(
  options: Parameters<typeof stage>[0] = {},
): Promise<{ on: Stage; alice: Phone; bob: Phone }> {
  const on = await stage(options);
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  alice.request(INVITE);
  await on.pass(10);
  return { on, alice, bob };
}

/** `200 CANCEL`: what came, in order. */
function answers(phone: Phone): string[] {
  return phone.responses.map(({ status, cseq }) => `${status} ${cseq?.method}`);
}

function methods(phone: Phone): string[] {
  return phone.requests.map(({ method }) => method);
}

describe("RFC 3261 §16.10 CANCEL", () => {
  test("while it rings: 200 at once, CANCEL on, 487 back, ACK on", async () => {
    const { on, alice, bob } = await calling();
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    alice.request({ ...CANCEL, headers: [{ name: "Reason", value: "SIP;cause=487" }] });
    await on.pass(10);
    const cancel = bob.lastRequest("CANCEL");
    expect(cancel.headers.get("reason")).toBe("SIP;cause=487");
    expect(cancel.uri).toBe(bob.lastRequest("INVITE").uri);
    bob.reply(cancel, 200);
    bob.reply(bob.lastRequest("INVITE"), 487);
    await on.pass(10);
    expect(answers(alice)).toEqual(["100 INVITE", "180 INVITE", "200 CANCEL", "487 INVITE"]);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL", "ACK"]);
    alice.request({ ...INVITE, method: "ACK", to: alice.lastResponse().headers.get("to") ?? "" });
    await on.pass(60_000);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL", "ACK"]);
    expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
  });

  test("before anything was heard of the phone: it waits for the first provisional response (§9.1)", async () => {
    const { on, alice, bob } = await calling();
    alice.request(CANCEL);
    await on.pass(10);
    expect(answers(alice)).toEqual(["100 INVITE", "200 CANCEL"]);
    expect(methods(bob)).toEqual(["INVITE"]);
    bob.reply(bob.lastRequest("INVITE"), 100);
    await on.pass(10);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL"]);
  });

  test("crossing with the 200: the call stands", async () => {
    const { on, alice, bob } = await calling();
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    alice.request(CANCEL);
    await on.pass(10);
    expect(answers(alice)).toEqual(["100 INVITE", "180 INVITE", "200 INVITE", "200 CANCEL"]);
    expect(methods(bob)).toEqual(["INVITE"]);
  });

  test("nobody else is called after it", async () => {
    const { on, alice, bob } = await calling();
    const second = on.phone("second");
    on.bind("bob", second, { qMilli: 1 });
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    alice.request(CANCEL);
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 487);
    await on.pass(60_000);
    expect(second.messages).toEqual([]);
    expect(answers(alice).at(-1)).toBe("487 INVITE");
  });

  test("a phone that goes silent after it: 408 to the caller 64*T1 later, and nothing is left", async () => {
    const { on, alice, bob } = await calling();
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    alice.request(CANCEL);
    await on.pass(33_000);
    expect(
      answers(alice)
        .filter((answer) => answer.endsWith("INVITE"))
        .slice(0, 3),
    ).toEqual(["100 INVITE", "180 INVITE", "408 INVITE"]);
    await on.pass(70_000);
    expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
    expect(on.proxy.counts().pending).toBe(0);
  });

  test("sent twice it is answered twice and goes on once", async () => {
    const { on, alice, bob } = await calling();
    bob.onRequest = (request) => {
      if (request.method === "CANCEL") bob.reply(request, 200);
    };
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    alice.request(CANCEL);
    alice.request(CANCEL);
    await on.pass(10);
    expect(answers(alice).filter((answer) => answer === "200 CANCEL")).toHaveLength(2);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL"]);
  });

  test("that belongs to nothing: 481", async () => {
    const { on, alice } = await calling();
    alice.request({ ...CANCEL, branch: "z9hG4bKother" });
    await on.pass(10);
    expect(answers(alice)).toEqual(["100 INVITE", "481 CANCEL"]);
  });

  test("of somebody else with the same branch: 481", async () => {
    const { on, bob } = await calling();
    const mallory = on.phone("mallory");
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(10);
    mallory.request(CANCEL);
    await on.pass(10);
    expect(answers(mallory)).toEqual(["481 CANCEL"]);
    expect(methods(bob)).toEqual(["INVITE"]);
  });
});

/** Answers the CANCEL, and lets the INVITE wait. */
function takesCancel(phone: Phone): void {
  phone.onRequest = (request) => {
    if (request.method === "CANCEL") phone.reply(request, 200);
  };
}

describe("§16.8 timer C", () => {
  test("no final response in 185 s: CANCEL, then the 487 goes back", async () => {
    const { on, alice, bob } = await calling();
    takesCancel(bob);
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(184_000);
    expect(methods(bob)).toEqual(["INVITE"]);
    await on.pass(2_000);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL"]);
    bob.reply(bob.lastRequest("INVITE"), 487);
    await on.pass(10);
    expect(answers(alice)).toEqual(["100 INVITE", "180 INVITE", "487 INVITE"]);
  });

  test("§16.7 step 2: each provisional response but 100 gives it all its time again", async () => {
    const { on, bob } = await calling();
    takesCancel(bob);
    const invite = bob.lastRequest("INVITE");
    bob.reply(invite, 180);
    for (let i = 0; i < 3; i++) {
      await on.pass(150_000);
      bob.reply(invite, 183);
    }
    await on.pass(184_000);
    expect(methods(bob)).toEqual(["INVITE"]);
    bob.reply(invite, 100);
    await on.pass(2_000);
    expect(methods(bob)).toEqual(["INVITE", "CANCEL"]);
  });

  test("the lower contact is called when it has run out on the first", async () => {
    const { on, alice, bob } = await calling();
    const second = on.phone("second");
    bob.reply(bob.lastRequest("INVITE"), 486);
    await on.pass(10);
    expect(answers(alice).at(-1)).toBe("486 INVITE");
    on.bind("bob", second, { qMilli: 1 });
    alice.request({ ...INVITE, branch: "z9hG4bKagain", cseq: 2 });
    await on.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 180);
    await on.pass(186_000);
    bob.reply(bob.lastRequest("INVITE"), 487);
    await on.pass(10);
    expect(methods(second)).toEqual(["INVITE"]);
  });

  test("must be more than three minutes", async () => {
    await expect(stage({ proxy: { timerCSec: 180 } })).rejects.toThrow(TypeError);
  });
});
