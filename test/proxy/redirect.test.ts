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
    expect(alice.statuses).toEqual([100, 302]);
    expect(alice.lastResponse().headers.all("contact")).toEqual([
      `<${bob.contact}>;q=1`,
      `<${desk.contact}>;q=0.3`,
      `<${pad.contact}>;q=0.3`,
    ]);
    expect(bob.messages).toEqual([]);
  });

  test("§17.2.1: a 302 to an INVITE is repeated until its ACK comes, and a CANCEL is answered (§9.2)", async () => {
    const { on, alice, bob } = await redirecting();
    on.bind("bob", bob);
    alice.request({ ...INVITE, branch: "z9hG4bKonce" });
    await on.pass(1600);
    // T1, and twice as long
    expect(alice.statuses.filter((status) => status === 302)).toHaveLength(3);
    alice.request({ ...INVITE, method: "CANCEL", branch: "z9hG4bKonce" });
    await on.pass(10);
    expect(alice.statuses.at(-1)).toBe(200);
  });

  test("the same each time, without a transaction, for other methods", async () => {
    const { on, alice, bob } = await redirecting();
    on.bind("bob", bob);
    const message = { ...INVITE, method: "MESSAGE", branch: "z9hG4bKsame" };
    for (let i = 0; i < 2; i++) alice.request(message);
    await on.pass(10);
    const [first, second] = alice.responses;
    expect(first?.text).toBe(second?.text);
    expect(on.dispatcher.transactions.counts().servers).toBe(0);
  });

  test.each(["Require", "Proxy-Require"])("§8.2.2.3: an extension in %s is not here", async (name) => {
    const { on, alice, bob } = await redirecting();
    on.bind("bob", bob);
    alice.request({ ...INVITE, headers: [{ name, value: "foo" }] });
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 420]);
    expect(alice.lastResponse().headers.get("unsupported")).toBe("foo");
  });

  test("§12.2.2: a request of a dialog finds none", async () => {
    const { on, alice, bob } = await redirecting();
    on.bind("bob", bob);
    alice.request({ ...INVITE, method: "BYE", to: "<sip:bob@example.com>;tag=b" });
    await on.pass(10);
    expect(alice.statuses).toEqual([481]);
  });

  test("404 for whom nobody knows; ACK, CANCEL, REGISTER and what is not ours pass by", async () => {
    const { on, alice } = await redirecting();
    alice.request(INVITE);
    alice.request({ ...INVITE, method: "ACK" });
    alice.request({ ...INVITE, method: "CANCEL" });
    alice.request({ ...INVITE, uri: "sip:bob@example.net" });
    alice.request({ ...INVITE, method: "OPTIONS", uri: "sip:example.com" });
    await on.pass(10);
    // 100 and 404 by the redirect server, the others by the last word of the chain
    expect(alice.statuses).toEqual([100, 404, 481, 405, 200]);
  });

  test("unknown options and missing ones throw", async () => {
    const { on } = await redirecting();
    const { dispatcher, store } = on;
    expect(() => new Redirect({ dispatcher, store, colour: "red" } as never)).toThrow(/colour/);
    expect(() => new Redirect({ store } as never)).toThrow(TypeError);
    expect(() => new Redirect({ dispatcher } as never)).toThrow(TypeError);
  });
});
