import { describe, expect, it } from "vitest";
import { contactsOf, rig } from "./rig.js";

const GOOD = "<sip:alice@192.0.2.7:5060>";

describe("A1: a REGISTER is carried out completely or not at all (RFC 3261 §10.3)", () => {
  const bad = [
    ["an interval below the minimum", `${GOOD};expires=600, <sip:alice@192.0.2.8>;expires=5`, 423],
    ["an interval below the minimum, first", `<sip:alice@192.0.2.8>;expires=5, ${GOOD};expires=600`, 423],
    ["a URI without host", `${GOOD};expires=600, <sip:alice@>`, 400],
    ["a bracket that never closes", `${GOOD};expires=600, <sip:alice@192.0.2.8`, 400],
    ["a malformed q", `${GOOD};expires=600, <sip:alice@192.0.2.8>;q=2`, 400],
    ["a star beside it", `${GOOD};expires=600, *`, 400],
    ["an empty element", `${GOOD};expires=600, , <sip:alice@192.0.2.8>`, 400],
  ] as const;

  it.each(bad)(
    "one good contact and %s: an error, and the set is as before",
    async (_what, contacts, status) => {
      const r = rig();
      await r.register({ contacts: ["<sip:alice@192.0.2.1>"], callId: "before", expires: 60 });
      const before = await r.bindings();
      const answer = await r.register({ contacts: [contacts], cseq: 5 });
      expect(answer.status).toBe(status);
      expect(contactsOf(answer)).toEqual([]);
      expect(await r.bindings()).toEqual(before);
    },
  );

  it("a good removal beside a bad contact removes nothing", async () => {
    const r = rig();
    await r.register({ contacts: [GOOD], expires: 60 });
    const answer = await r.register({
      contacts: [`${GOOD};expires=0`, "<sip:alice@192.0.2.8>;expires=5"],
      cseq: 2,
    });
    expect(answer.status).toBe(423);
    expect(await r.bindings()).toHaveLength(1);
  });

  it("a contact out of order beside a new one binds neither (step 7)", async () => {
    const r = rig();
    await r.register({ contacts: [GOOD], expires: 60, cseq: 7 });
    const before = await r.bindings();
    const answer = await r.register({ contacts: ["<sip:alice@192.0.2.8>", GOOD], expires: 60, cseq: 6 });
    expect(answer.status).toBe(500);
    expect(await r.bindings()).toEqual(before);
  });

  it("more contacts than an AoR may have: none of them is bound", async () => {
    const r = rig({ maxContacts: 2 });
    const answer = await r.register({
      contacts: ["<sip:alice@192.0.2.1>", "<sip:alice@192.0.2.2>", "<sip:alice@192.0.2.3>"],
    });
    expect(answer.status).toBe(403);
    expect(await r.bindings()).toEqual([]);
  });

  it("two good contacts in one field and one in another are bound together", async () => {
    const r = rig();
    const answer = await r.register({
      contacts: [`${GOOD};expires=600, <sip:alice@192.0.2.8>`, '"Al, Ice" <sip:alice@192.0.2.9>;q=0.2'],
      expires: 60,
    });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toEqual([
      "<sip:alice@192.0.2.7:5060>;expires=300",
      "<sip:alice@192.0.2.8>;expires=60",
      "<sip:alice@192.0.2.9>;expires=60;q=0.2",
    ]);
  });
});
