import { describe, expect, it } from "vitest";
import { Removals } from "../../src/registrar/removals.js";
import { contactsOf, rig } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";
const REPEATED = { repeated: true };

describe("what was removed stays removed, although an older REGISTER comes again (RFC 3261 §10.3 step 7)", () => {
  it.each([
    ["by its Contact", { contacts: [PHONE], expires: 0 }],
    ["by Contact: *", { contacts: ["*"], expires: 0 }],
  ])("%s: the REGISTER before it is out of order, also at an open registrar", async (_, removal) => {
    const r = rig();
    const first = { contacts: [PHONE], expires: 60, cseq: 10 };
    await r.register(first);
    expect((await r.register({ ...removal, cseq: 11 })).status).toBe(200);
    expect((await r.register(first)).status).toBe(500);
    expect(await r.bindings()).toEqual([]);
    // the removal itself may be retransmitted
    const again = await r.register({ ...removal, cseq: 11 });
    expect([again.status, contactsOf(again)]).toEqual([200, []]);
    expect((await r.register({ ...first, cseq: 12 })).status).toBe(200);
    expect(await r.bindings()).toHaveLength(1);
  });

  it("another Call-ID and another address are not touched by it", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 0, cseq: 11 });
    expect((await r.register({ contacts: [PHONE], cseq: 10, callId: "other" })).status).toBe(200);
    expect((await r.register({ contacts: [PHONE], cseq: 10, to: "<sip:bob@example.com>" })).status).toBe(200);
  });

  it("is remembered for 64*T1, and not when the removal was refused", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 20 });
    expect((await r.register({ contacts: ["*"], expires: 0, cseq: 19 })).status).toBe(500);
    expect((await r.register({ contacts: ["<sip:alice@192.0.2.8>"], cseq: 18 })).status).toBe(200);
    await r.register({ contacts: ["*"], expires: 0, cseq: 21 });
    r.clock.advance(31_999);
    expect((await r.register({ contacts: [PHONE], cseq: 20 })).status).toBe(500);
    r.clock.advance(1);
    expect((await r.register({ contacts: [PHONE], cseq: 20 })).status).toBe(200);
  });
});

describe("a REGISTER whose very octets were let through before writes nothing", () => {
  it("the set shows its effect: the same 200", async () => {
    const r = rig();
    const message = { contacts: [PHONE], expires: 60, cseq: 10 };
    const first = await r.register(message);
    const before = await r.bindings();
    const again = await r.register(message, undefined, REPEATED);
    expect([again.status, contactsOf(again)]).toEqual([200, contactsOf(first)]);
    expect(await r.bindings()).toEqual(before);
  });

  it.each([
    ["another Call-ID removed its binding", { contacts: ["*"], expires: 0, callId: "other" }, 0],
    ["another Call-ID took its binding over", { contacts: [PHONE], expires: 90, callId: "other" }, 1],
  ])("%s: 500, and nothing is written", async (_, meanwhile, left) => {
    const r = rig();
    const message = { contacts: [PHONE], expires: 60, cseq: 10 };
    await r.register(message);
    await r.register(meanwhile);
    const before = await r.bindings();
    expect((await r.register(message, undefined, REPEATED)).status).toBe(500);
    expect(await r.bindings()).toEqual(before);
    expect(before).toHaveLength(left);
  });

  it("a binding that expired meanwhile does not come back either", async () => {
    const r = rig({ expireEvery: 0 });
    const message = { contacts: [PHONE], expires: 30, cseq: 10 };
    await r.register(message);
    r.clock.advance(30_000);
    expect((await r.register(message, undefined, REPEATED)).status).toBe(500);
  });

  it("a removal of all takes away nothing that came after it", async () => {
    const r = rig();
    const message = { contacts: ["*"], expires: 0, cseq: 10 };
    await r.register(message);
    expect((await r.register(message, undefined, REPEATED)).status).toBe(200);
    await r.register({ contacts: [PHONE], callId: "other" });
    expect((await r.register(message, undefined, REPEATED)).status).toBe(500);
    expect(await r.bindings()).toHaveLength(1);
  });

  it("a fetch is answered with what there is", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE] });
    expect(contactsOf(await r.register({ callId: "fetch" }, undefined, REPEATED))).toHaveLength(1);
  });
});

describe("the memory of removals", () => {
  it("is bounded, whatever comes, and empty again when nothing came for its time", () => {
    const removals = new Removals();
    for (let i = 0; i < 10_100; i++) removals.note({ aor: `sip:u${i}@example.com`, callId: "x", cseq: 1 }, i);
    expect(removals.size).toBe(10_000);
    const last = { aor: "sip:u10099@example.com", callId: "x", cseq: 1 };
    expect(removals.isNewer(last, 10_100)).toBe(true);
    expect(removals.isNewer({ ...last, aor: "sip:u0@example.com" }, 10_100)).toBe(false);
    expect(removals.isNewer(last, 50_000)).toBe(false);
    expect(removals.size).toBe(0);
  });
});
