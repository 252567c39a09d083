import { describe, expect, it } from "vitest";
import { contactsOf, rig } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

describe("A3: Contact: * only alone and with Expires: 0 (RFC 3261 §10.2.2, §10.3 step 6)", () => {
  it("alone, with Expires: 0: every binding goes, of any Call-ID", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], callId: "one" });
    await r.register({ contacts: ["<sip:alice@192.0.2.8>"], callId: "two" });
    const answer = await r.register({ contacts: ["*"], expires: 0, callId: "three" });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toEqual([]);
    expect(await r.bindings()).toEqual([]);
  });

  it("an AoR without bindings: 200", async () => {
    expect((await rig().register({ contacts: ["*"], expires: 0 })).status).toBe(200);
  });

  it.each([
    ["without Expires", { contacts: ["*"] }],
    ["with another Expires", { contacts: ["*"], expires: 60 }],
    ["with a malformed Expires, which counts as 3600", { contacts: ["*"], expires: "never" }],
    ["with its own expires parameter", { contacts: ["*;expires=0"], expires: 0 }],
    ["in brackets", { contacts: ["<*>"], expires: 0 }],
    ["behind a contact", { contacts: [PHONE, "*"], expires: 0 }],
    ["before a contact", { contacts: ["*", PHONE], expires: 0 }],
    ["before a contact on one line", { contacts: [`*, ${PHONE}`], expires: 0 }],
    ["twice", { contacts: ["*", "*"], expires: 0 }],
  ])("%s: 400, and nothing changes", async (_what, parts) => {
    const r = rig();
    await r.register({ contacts: [PHONE], callId: "before" });
    const before = await r.bindings();
    expect((await r.register({ ...parts, cseq: 9 })).status).toBe(400);
    expect(await r.bindings()).toEqual(before);
  });
});

describe("A7: queries and removals (RFC 3261 §10.2.2, §10.2.3)", () => {
  const two = async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, callId: "one" });
    await r.register({ contacts: ["<sip:alice@192.0.2.8>;q=0.4"], expires: 90, callId: "two" });
    return r;
  };

  it("no Contact: the set, unchanged", async () => {
    const r = await two();
    const before = await r.bindings();
    const answer = await r.register({ callId: "fetch", expires: 3600 });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toEqual([
      "<sip:alice@192.0.2.7:5060>;expires=60",
      "<sip:alice@192.0.2.8>;expires=90;q=0.4",
    ]);
    expect(await r.bindings()).toEqual(before);
  });

  it("no Contact with Expires: 0 is a query all the same", async () => {
    const r = await two();
    expect(contactsOf(await r.register({ callId: "fetch", expires: 0 }))).toHaveLength(2);
    expect(await r.bindings()).toHaveLength(2);
  });

  it("an AoR that nobody registered: 200 without Contact", async () => {
    const answer = await rig().register({});
    expect(answer.status).toBe(200);
    expect(answer.headers.has("contact")).toBe(false);
  });

  it.each([
    ["by parameter", { contacts: [`${PHONE};expires=0`] }],
    ["by header", { contacts: [PHONE], expires: 0 }],
    ["by parameter against the header", { contacts: [`${PHONE};expires=0`], expires: 3600 }],
    ["by a quoted parameter", { contacts: [`${PHONE};expires="0"`] }],
  ])("expires=0 %s takes away that one", async (_what, parts) => {
    const r = await two();
    const answer = await r.register({ ...parts, callId: "one", cseq: 2 });
    expect(contactsOf(answer)).toEqual(["<sip:alice@192.0.2.8>;expires=90;q=0.4"]);
    expect(await r.bindings()).toHaveLength(1);
  });

  it("removing what is not there: 200 and the set", async () => {
    const r = await two();
    const answer = await r.register({ contacts: ["<sip:nobody@192.0.2.200>"], expires: 0, callId: "x" });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toHaveLength(2);
  });

  it("removing and binding in one request", async () => {
    const r = await two();
    const answer = await r.register({
      contacts: [`${PHONE};expires=0`, "<sip:alice@192.0.2.9>;expires=45"],
      callId: "one",
      cseq: 2,
    });
    expect(contactsOf(answer)).toEqual([
      "<sip:alice@192.0.2.8>;expires=90;q=0.4",
      "<sip:alice@192.0.2.9>;expires=45",
    ]);
  });

  it("a second phone evicts nobody", async () => {
    expect(await (await two()).bindings()).toHaveLength(2);
  });
});
