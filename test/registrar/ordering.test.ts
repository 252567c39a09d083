import { describe, expect, it } from "vitest";
import { memoryStore } from "../../src/storage/memory.js";
import { manualClock } from "../../src/testing/clock.js";
import { contactsOf, parseRequest, parseResponse, registerText, rig, testFlow } from "./rig.js";
import { slowStore } from "./slow-store.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";
const INSTANCE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"';

describe("A2: Call-ID and CSeq (RFC 3261 §10.3 steps 6 and 7)", () => {
  it.each([
    ["lower", 6, 500],
    ["higher", 8, 200],
  ])("same Call-ID, %s CSeq: %i is answered %i", async (_what, cseq, status) => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 7 });
    r.clock.advance(1000);
    expect((await r.register({ contacts: [PHONE], expires: 120, cseq })).status).toBe(status);
    const [binding] = await r.bindings();
    expect(binding?.cseq).toBe(status === 200 ? cseq : 7);
  });

  it("another Call-ID may have any CSeq", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 7 });
    expect((await r.register({ contacts: [PHONE], expires: 120, cseq: 1, callId: "other" })).status).toBe(
      200,
    );
    expect(await r.bindings()).toMatchObject([{ callId: "other", cseq: 1 }]);
  });

  it.each([
    ["the same contact", `${PHONE};${INSTANCE}`],
    ["another contact of the device", `<sip:alice@192.0.2.99>;${INSTANCE}`],
  ])("a lower CSeq is refused for +sip.instance, too: %s", async (_what, contact) => {
    const r = rig();
    await r.register({ contacts: [`${PHONE};${INSTANCE}`], expires: 60, cseq: 7 });
    const before = await r.bindings();
    expect((await r.register({ contacts: [contact], expires: 60, cseq: 6 })).status).toBe(500);
    expect(await r.bindings()).toEqual(before);
  });

  it.each([
    ["lower", 6, 500, 1],
    ["equal", 7, 500, 1],
    ["higher", 8, 200, 0],
  ])("Contact: * with a %s CSeq (%i)", async (_what, cseq, status, left) => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 7 });
    expect((await r.register({ contacts: ["*"], expires: 0, cseq })).status).toBe(status);
    expect(await r.bindings()).toHaveLength(left);
  });

  it("Contact: * out of order for one binding leaves those of other Call-IDs as well (step 6: aborted)", async () => {
    const r = rig();
    await r.register({ contacts: ["<sip:alice@192.0.2.1>"], callId: "other", cseq: 99 });
    await r.register({ contacts: [PHONE], cseq: 7 });
    expect((await r.register({ contacts: ["*"], expires: 0, cseq: 6 })).status).toBe(500);
    expect(await r.bindings()).toHaveLength(2);
  });

  it("an expired binding's CSeq binds nobody", async () => {
    const r = rig({ expireEvery: 0 });
    await r.register({ contacts: [PHONE], expires: 60, cseq: 7 });
    r.clock.advance(60_000);
    expect((await r.register({ contacts: [PHONE], expires: 60, cseq: 1 })).status).toBe(200);
  });
});

describe("A2: a retransmission gets the same answer and writes nothing", () => {
  const watched = () => {
    const clock = manualClock();
    const store = memoryStore({ clock });
    let writes = 0;
    store.watch(() => writes++);
    return { store, writes: () => writes };
  };

  it.each([
    ["a binding made", { contacts: [PHONE], expires: 60 }],
    ["two bindings made", { contacts: [PHONE, "<sip:alice@192.0.2.8>;q=0.1;expires=90"], expires: 60 }],
    ["one contact twice", { contacts: [`${PHONE};expires=60`, `${PHONE};expires=90`] }],
    ["an interval cut to the maximum", { contacts: [PHONE], expires: 86_400 }],
    ["a device", { contacts: [`${PHONE};${INSTANCE};methods="INVITE, BYE"`], expires: 60 }],
    ["nothing asked for", { contacts: [PHONE] }],
    ["one made and one removed", { contacts: [PHONE, "<sip:alice@192.0.2.1>;expires=0"], expires: 60 }],
    ["a removal", { contacts: ["<sip:alice@192.0.2.1>"], expires: 0 }],
    ["all removed", { contacts: ["*"], expires: 0 }],
    ["a fetch", {}],
  ])("%s", async (_what, parts) => {
    const { store, writes } = watched();
    const r = rig({ store });
    await r.register({ contacts: ["<sip:alice@192.0.2.1>"], callId: "before", expires: 200 });
    const first = await r.register({ ...parts, cseq: 2 });
    expect(first.status).toBe(200);
    const written = writes();
    const bindings = await r.bindings();
    const again = await r.register({ ...parts, cseq: 2 });
    expect(again.text).toBe(first.text);
    expect(writes()).toBe(written);
    expect(await r.bindings()).toEqual(bindings);
  });

  it("later, the remaining time has moved on", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60 });
    r.clock.advance(10_000);
    const again = await r.register({ contacts: [PHONE], expires: 60 });
    expect(contactsOf(again)).toEqual([`${PHONE};expires=50`]);
  });

  it.each([
    ["removes instead", { contacts: [PHONE], expires: 0 }],
    ["asks for another lifetime", { contacts: [PHONE], expires: 61 }],
    ["brings another contact as well", { contacts: [PHONE, "<sip:alice@192.0.2.8>"], expires: 60 }],
    ["spells the contact otherwise", { contacts: ["<sip:%61lice@192.0.2.7:5060>"], expires: 60 }],
    ["has another preference", { contacts: [`${PHONE};q=0.5`], expires: 60 }],
  ])("the same CSeq in a request that %s is out of order", async (_what, parts) => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 3 });
    const before = await r.bindings();
    expect((await r.register({ ...parts, cseq: 3 })).status).toBe(500);
    expect(await r.bindings()).toEqual(before);
  });

  it("an old REGISTER that comes again after a newer one is refused", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE, "<sip:alice@192.0.2.8>"], expires: 60, cseq: 3 });
    await r.register({ contacts: ["<sip:alice@192.0.2.8>"], expires: 0, cseq: 4 });
    expect(
      (await r.register({ contacts: [PHONE, "<sip:alice@192.0.2.8>"], expires: 60, cseq: 3 })).status,
    ).toBe(500);
    expect(await r.bindings()).toHaveLength(1);
  });
});

describe("A2: REGISTERs of one AoR take effect in the order of arrival, whatever the store's latency", () => {
  it("the later wins, a fetch in between sees what was before it, and each is answered when it is stored", async () => {
    const store = slowStore();
    const r = rig({ store });
    const send = (parts: Parameters<typeof registerText>[0]) =>
      r.registrar.receive(parseRequest(registerText(parts)), r.leg, testFlow());
    const first = send({ contacts: [PHONE], expires: 60, cseq: 1 });
    const fetch = send({ callId: "fetch" });
    const second = send({ contacts: [PHONE], expires: 0, cseq: 2 });
    const bob = send({ to: "<sip:bob@example.com>", contacts: ["<sip:bob@192.0.2.9>"], expires: 60 });
    expect(r.leg.sent).toEqual([]);

    await store.release("sip:bob@example.com");
    expect(await bob).toBe(200);
    expect(r.leg.sent).toHaveLength(1);
    await store.release();
    expect(await first).toBe(200);
    expect(store.waiting()).toBe(2);
    await store.release();
    expect(await fetch).toBe(200);
    await store.release();
    expect(await second).toBe(200);

    const [, made, seen, removed] = r.leg.sent.map(parseResponse).map(contactsOf);
    expect(made).toEqual([`${PHONE};expires=60`]);
    expect(seen).toEqual([`${PHONE};expires=60`]);
    expect(removed).toEqual([]);
  });

  it("two overlapping requests in the wrong order: the lower CSeq is refused", async () => {
    const store = slowStore();
    const r = rig({ store });
    const send = (cseq: number) =>
      r.registrar.receive(
        parseRequest(registerText({ contacts: [PHONE], expires: 60, cseq })),
        r.leg,
        testFlow(),
      );
    const newer = send(9);
    const older = send(8);
    await store.release();
    await store.release();
    expect(await newer).toBe(200);
    expect(await older).toBe(500);
  });

  it("a retransmission that overlaps its original is answered alike", async () => {
    const store = slowStore();
    const r = rig({ store });
    const text = registerText({ contacts: [PHONE], expires: 60 });
    const both = [0, 1].map(() => r.registrar.receive(parseRequest(text), r.leg, testFlow()));
    await store.release();
    await store.release();
    expect(await Promise.all(both.map((status) => Promise.resolve(status)))).toEqual([200, 200]);
    expect(r.leg.sent[1]).toBe(r.leg.sent[0]);
  });
});
