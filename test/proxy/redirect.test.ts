import { describe, expect, test } from "vitest";
import { Redirect } from "../../src/proxy/redirect.js";
import { stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:bob@example.com" };

async function redirecting() {
  const on = await stage();
  on.dispatcher.setReceiver(
    new Redirect({ dispatcher: on.dispatcher, store: on.store, domains: ["example.com"] }),
  );
  return { on, alice: on.phone("alice"), bob: on.phone("bob"), desk: on.phone("desk"), pad: on.phone("pad") };
}

describe("D5 redirect server (RFC 3261 §8.3)", () => {
  test("302 with every contact, highest q first", async () => {
    const { on, alice, bob, desk, pad } = await redirecting();
    on.bind("bob", desk, { qMilli: 300 });
    on.bind("bob", bob);
    on.bind("bob", pad, { qMilli: 300 });
    alice.request(INVITE);
    await on.pass(10);
    expect(alice.statuses).toEqual([302]);
    expect(alice.lastResponse().headers.all("contact")).toEqual([
      `<${bob.contact}>;q=1`,
      `<${desk.contact}>;q=0.3`,
      `<${pad.contact}>;q=0.3`,
    ]);
    expect(bob.messages).toEqual([]);
  });

  test("the same each time, without a transaction", async () => {
    const { on, alice, bob } = await redirecting();
    on.bind("bob", bob);
    for (let i = 0; i < 2; i++) alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await on.pass(10);
    const [first, second] = alice.responses;
    expect(first?.text).toBe(second?.text);
    expect(on.dispatcher.transactions.counts().servers).toBe(0);
  });

  test("404 for whom nobody knows; ACK, CANCEL, REGISTER and what is not ours pass by", async () => {
    const { on, alice } = await redirecting();
    alice.request(INVITE);
    alice.request({ ...INVITE, method: "ACK" });
    alice.request({ ...INVITE, method: "CANCEL" });
    alice.request({ ...INVITE, uri: "sip:bob@example.net" });
    alice.request({ ...INVITE, method: "OPTIONS", uri: "sip:example.com" });
    await on.pass(10);
    // 404 by the redirect server, the others by the last word of the chain
    expect(alice.statuses).toEqual([404, 481, 405, 200]);
  });

  test("unknown options and missing ones throw", async () => {
    const { on } = await redirecting();
    const { dispatcher, store } = on;
    expect(() => new Redirect({ dispatcher, store, colour: "red" } as never)).toThrow(/colour/);
    expect(() => new Redirect({ store } as never)).toThrow(TypeError);
    expect(() => new Redirect({ dispatcher } as never)).toThrow(TypeError);
  });
});
