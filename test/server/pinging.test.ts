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

  test("a reload forgets neither who does not answer nor round trips, unless it ends the pings", async () => {
    const pings = "nat: { pingSeconds: 3, pingMisses: 2 }";
    const on = await chainStage(pings);
    const [alice, bob, carol] = [on.phone("alice"), on.phone("bob"), on.phone("carol")];
    carol.onRequest = (request) => carol.reply(request, 200);
    const register = { method: "REGISTER", uri: "sip:example.com" };
    const other = "sip:carol@example.com";
    bob.request({ ...register, from: AOR, to: AOR, contact: bob.contact });
    carol.request({ ...register, from: other, to: other, contact: carol.contact });
    await on.pass(10_000);
    const binding = aBinding({ uri: bob.contact });
    expect(on.chain.reachability(AOR, binding)).toMatchObject({ reachable: false });

    await on.reload(pings);
    expect(on.chain.reachability(AOR, binding)).toMatchObject({ reachable: false });
    expect(on.chain.reachability(other, aBinding({ uri: carol.contact }))?.roundTripMs).toBeTypeOf("number");
    alice.request({ method: "MESSAGE", uri: AOR, callId: "1" });
    await on.pass(100);
    expect(alice.statuses).toEqual([480]);
    expect(on.log.filter((text) => text === "phone does not answer")).toHaveLength(1);

    await on.reload("nat: { pingSeconds: 0 }");
    bob.onRequest = (request) => bob.reply(request, 200);
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
