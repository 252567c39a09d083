import { describe, expect, test } from "vitest";
import { aBinding } from "../../src/testing/bindings.js";
import { chainStage } from "../support/chain-stage.js";

const AOR = "sip:bob@example.com";

describe("C9: pings of phones behind a NAT", () => {
  test("one that leaves them unanswered is told of and not called, until it answers again", async () => {
    const on = await chainStage("nat: { pingSeconds: 40, pingMisses: 2 }");
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    let answers = true;
    bob.onRequest = (request) => {
      if (answers) bob.reply(request, 200);
    };
    bob.request({
      method: "REGISTER",
      uri: "sip:example.com",
      from: AOR,
      to: AOR,
      contact: bob.contact,
      headers: [{ name: "Expires", value: "3600" }],
    });
    await on.pass(50_000);
    expect(bob.statuses).toEqual([200]);
    expect(bob.requests.map(({ method }) => method)).toContain("OPTIONS");
    const binding = aBinding({ uri: bob.contact });
    expect(on.chain.reachability(AOR, binding)).toMatchObject({ reachable: true, misses: 0 });

    answers = false;
    await on.pass(160_000);
    expect(on.log).toContain("phone does not answer");
    expect(on.chain.reachability(AOR, binding)).toMatchObject({ reachable: false });
    alice.request({ method: "MESSAGE", uri: AOR, callId: "1" });
    await on.pass(100);
    expect(alice.statuses).toEqual([480]);

    answers = true;
    await on.pass(45_000);
    expect(on.log).toContain("phone answers again");
    alice.request({ method: "MESSAGE", uri: AOR, callId: "2" });
    await on.pass(100);
    expect(alice.statuses).toEqual([480, 200]);
    await on.chain.close();
  });

  test("nobody is pinged by default", async () => {
    const on = await chainStage("");
    const bob = on.phone("bob");
    bob.request({ method: "REGISTER", uri: "sip:example.com", from: AOR, to: AOR, contact: bob.contact });
    await on.pass(120_000);
    expect(bob.requests).toEqual([]);
    expect(on.chain.reachability(AOR, aBinding({ uri: bob.contact }))).toBeUndefined();
    await on.chain.close();
  });
});
