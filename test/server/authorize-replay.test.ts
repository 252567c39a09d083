import { describe, expect, it } from "vitest";
import { sharedLedger } from "../auth/ledger.js";
import { sharedSecrets } from "../auth/secrets.js";
import { answering, credentials, request, rig, udpFlow } from "./authorize-rig.js";

describe("FEATURES B2: an invented nonce", () => {
  it.each([
    ["free text", "dcd98b7102dd2f0e8b11d0f600bfb0c093"],
    ["nothing", ""],
    ["of the right shape", "00".padEnd(54, "0123456789abcdef")],
  ])("%s: a fresh challenge without stale, although the response is right for it", async (_, nonce) => {
    const { ask, authorize } = rig();
    const outcome = await ask(answering({ realm: "example.com", nonce }));
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).not.toHaveProperty("stale");
    expect(outcome.context.identity).toBeUndefined();
    expect(authorize.counters.accepted).toBe(0);
  });

  it("of another server's key: likewise", async () => {
    const stranger = rig({ seed: 2 });
    const outcome = await rig().ask(answering(await stranger.challenge()));
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).not.toHaveProperty("stale");
  });
});

describe("FEATURES B2: an old nonce (RFC 7616 §3.3 stale)", () => {
  it("with the right response: stale=true, and the new nonce serves", async () => {
    const { ask, challenge, clock } = rig({ nonceSeconds: 60 });
    const old = await challenge();
    clock.advance(60_001);
    const outcome = await ask(answering(old));
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).toMatchObject({ stale: "true" });
    expect((await ask(answering(outcome.challenges[0]!))).context.identity?.user).toBe("alice");
  });

  it("with a wrong response: no stale, for the password is not known to be right", async () => {
    const { ask, challenge, clock } = rig({ nonceSeconds: 60 });
    const old = await challenge();
    clock.advance(60_001);
    const outcome = await ask(answering(old, { password: "guess" }));
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).not.toHaveProperty("stale");
  });

  it("serves to the end of its time", async () => {
    const { ask, challenge, clock } = rig({ nonceSeconds: 60 });
    const nonce = await challenge();
    clock.advance(60_000);
    expect((await ask(answering(nonce))).status).toBeUndefined();
  });
});

describe("FEATURES B2: credentials that were used", () => {
  it("a refresh counts nc up and is let through without a new challenge", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    for (let nc = 1; nc <= 5; nc++)
      expect((await ask(answering(nonce, { nc }, { cseq: nc }))).context.identity?.user).toBe("alice");
  });

  it("datagrams that overtake each other are both let through", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    expect((await ask(answering(nonce, { nc: 2 }, { cseq: 2 }))).status).toBeUndefined();
    expect((await ask(answering(nonce, { nc: 1 }, { cseq: 1 }))).status).toBeUndefined();
  });

  it("a retransmission is let through as often as it comes, for the answer was lost", async () => {
    const { ask, challenge, clock } = rig();
    const again = answering(await challenge());
    for (let i = 0; i < 11; i++) {
      expect((await ask(again)).context.identity?.user).toBe("alice");
      clock.advance(2900);
    }
  });

  it("long after, the same datagram is a replay", async () => {
    const { ask, challenge, clock } = rig();
    const captured = answering(await challenge());
    await ask(captured);
    clock.advance(33_000);
    expect((await ask(captured)).status).toBe(401);
  });

  /** What somebody does with an Authorization field that was accepted and overheard. */
  it.each([
    ["another contact", { contact: "sip:mallory@203.0.113.66" }],
    ["another contact, everything else the same", { contact: "sip:alice@203.0.113.66:5060" }],
    ["a higher CSeq", { cseq: 9999 }],
    ["another Call-ID", { callId: "mallory@203.0.113.66" }],
    ["another body", { body: "x" }],
    ["another From", { from: "sip:mallory@example.com" }],
  ])("on a request with %s: refused", async (_, changed) => {
    const { ask, challenge, authorize } = rig();
    const header = `Authorization: ${credentials(await challenge())}`;
    expect((await ask(request({ headers: [header] }))).status).toBeUndefined();
    const replay = await ask(request({ ...changed, headers: [header] }), udpFlow("203.0.113.66"));
    expect(replay.status).toBe(401);
    expect(replay.context.identity).toBeUndefined();
    expect(authorize.counters).toMatchObject({ accepted: 1, replayed: 1 });
  });

  it("the very same octets from elsewhere: refused", async () => {
    const { ask, challenge } = rig();
    const captured = answering(await challenge());
    await ask(captured, udpFlow("192.0.2.7", 5060));
    expect((await ask(captured, udpFlow("192.0.2.7", 5061))).status).toBe(401);
    expect((await ask(captured, udpFlow("203.0.113.66", 5060))).status).toBe(401);
    expect((await ask(captured, udpFlow("192.0.2.7", 5060))).status).toBeUndefined();
  });

  it("with another nc: the response does not fit it", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    await ask(answering(nonce));
    const spoiled = await ask(answering(nonce, { overrides: { nc: "00000002" } }));
    expect(spoiled.status).toBe(401);
    expect(spoiled.challenges[0]).not.toHaveProperty("stale");
  });

  it("for another method or user: the response does not fit it", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    expect((await ask(answering(nonce, { method: "INVITE" }))).status).toBe(401);
    expect((await ask(answering(nonce, { overrides: { username: '"bob"' } }))).status).toBe(401);
  });

  it("a phone that never counts nc gets stale=true and is through at the next try", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    await ask(answering(nonce, {}, { cseq: 1 }));
    const second = await ask(answering(nonce, {}, { cseq: 2 }));
    expect(second.challenges[0]).toMatchObject({ stale: "true" });
    const third = await ask(answering(second.challenges[0]!, {}, { cseq: 3 }));
    expect(third.context.identity?.user).toBe("alice");
  });

  it("when there was no room to remember a nonce, it is stale and never served again", async () => {
    const { ask, challenge, clock } = rig({ nonceCapacity: 2 });
    const first = answering(await challenge());
    await ask(first);
    for (let i = 0; i < 3; i++) {
      clock.advance(10);
      await ask(answering(await challenge(), {}, { callId: `other${i}` }));
    }
    const again = await ask(first);
    expect(again.status).toBe(401);
    expect(again.challenges[0]).toMatchObject({ stale: "true" });
  });
});

describe("FEATURES B2: over processes and restarts", () => {
  it("a challenge of one process is answered at another, and its credentials serve once over all", async () => {
    const shared = { secrets: sharedSecrets(), ledger: sharedLedger() };
    const one = rig({ ...shared, seed: 1 });
    const two = rig({ ...shared, seed: 2, clock: one.clock });
    const answer = answering(await one.challenge());
    expect((await two.ask(answer)).context.identity?.user).toBe("alice");
    const replay = await one.ask(answering(await one.challenge(), {}, { contact: "sip:m@203.0.113.66" }));
    expect(replay.context.identity?.user).toBe("alice");
    const captured = await one.ask(answer);
    expect(captured.status).toBe(401);
    expect(captured.challenges[0]).toMatchObject({ stale: "true" });
  });

  it("without a ledger the other process asks once more with stale=true, and nothing is served twice", async () => {
    const secrets = sharedSecrets();
    const one = rig({ secrets, seed: 1 });
    const two = rig({ secrets, seed: 2, clock: one.clock });
    const answer = answering(await one.challenge());
    await one.ask(answer);
    const outcome = await two.ask(answer);
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).toMatchObject({ stale: "true" });
    expect((await two.ask(answering(outcome.challenges[0]!))).context.identity?.user).toBe("alice");
  });

  it("after a restart an old challenge is stale and no invented one", async () => {
    const secrets = sharedSecrets();
    const before = rig({ secrets, seed: 1 });
    const nonce = await before.challenge();
    before.authorize.close();
    const after = rig({ secrets, seed: 2, clock: before.clock });
    const outcome = await after.ask(answering(nonce));
    expect(outcome.challenges[0]).toMatchObject({ stale: "true" });
    const wrong = await after.ask(answering(nonce, { password: "guess" }));
    expect(wrong.challenges[0]).not.toHaveProperty("stale");
  });

  it("a change of keys locks nobody out, and the other process learns of the new key when it first sees one", async () => {
    const shared = { secrets: sharedSecrets(), ledger: sharedLedger(), nonceSeconds: 300, keySeconds: 600 };
    const one = rig({ ...shared, seed: 1 });
    const old = await one.challenge();
    // two wakes just before the key is due, so that one changes it and two has not looked since
    const two = rig({ ...shared, seed: 2, clock: one.clock });
    await two.challenge();
    two.authorize.close();
    one.clock.advance(299_000);
    expect((await one.ask(answering(old))).context.identity?.user).toBe("alice");
    for (let i = 0; i < 6; i++) {
      one.clock.advance(60_000);
      await Promise.resolve().then(() => one.challenge());
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    }
    const fresh = await one.challenge();
    expect(fresh.nonce?.slice(0, 2)).toBe("01");
    expect((await two.ask(answering(fresh))).context.identity?.user).toBe("alice");
  });
});

describe("a request that was let through comes again, octet for octet", () => {
  it("is marked as repeated, so that nobody behind carries it out anew; the first one and a later nc are not", async () => {
    const { ask, challenge } = rig();
    const nonce = await challenge();
    const message = answering(nonce);
    expect((await ask(message)).context.repeated).toBeUndefined();
    expect((await ask(message)).context).toMatchObject({ identity: { user: "alice" }, repeated: true });
    expect((await ask(answering(nonce, { nc: 2 }))).context.repeated).toBeUndefined();
  });
});
