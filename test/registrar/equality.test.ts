import { describe, expect, it } from "vitest";
import { rig } from "./rig.js";

/** §19.1.4 and its examples, as contacts of one address-of-record. */
const SAME = [
  ["the transport's case", "sip:alice@192.0.2.7;transport=udp", "sip:alice@192.0.2.7;transport=UDP"],
  ["the host's case", "sip:alice@phone.example.com", "sip:alice@PHONE.Example.COM"],
  ["an escape of an unreserved character", "sip:%61lice@192.0.2.7", "sip:alice@192.0.2.7"],
  [
    "the case of a parameter's name",
    "sip:%61lice@atlanta.com;transport=TCP",
    "sip:alice@AtLanTa.CoM;Transport=tcp",
  ],
  ["a parameter that only one has", "sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
  ["the order of parameters", "sip:a@b.com;x=1;transport=tcp;y=2", "sip:a@b.com;transport=tcp;y=2;x=1"],
  [
    "the order of header components",
    "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
    "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
  ],
  ["the scheme's case", "SIP:alice@192.0.2.7", "sip:alice@192.0.2.7"],
] as const;

const OTHER = [
  ["the user's case", "sip:alice@192.0.2.7", "sip:ALICE@192.0.2.7"],
  ["another user", "sip:alice@192.0.2.7", "sip:alice2@192.0.2.7"],
  ["no user", "sip:alice@192.0.2.7", "sip:192.0.2.7"],
  ["an explicit default port", "sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
  ["a transport that only one has", "sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
  ["port and transport", "sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
  ["a header component", "sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
  ["name and address", "sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
  ["maddr in only one", "sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=192.0.2.4"],
  ["a parameter of both that differs", "sip:a@b.com;x=1", "sip:a@b.com;x=2"],
  ["the transport", "sip:a@b.com;transport=tcp", "sip:a@b.com;transport=ws"],
  ["the password", "sip:alice:one@b.com", "sip:alice:two@b.com"],
] as const;

describe("A4: URI equality decides which binding a contact refreshes (RFC 3261 §19.1.4)", () => {
  it.each(SAME)("the same but for %s: one binding, as written last", async (_what, first, second) => {
    const r = rig();
    await r.register({ contacts: [`<${first}>`], expires: 60, cseq: 1 });
    expect((await r.register({ contacts: [`<${second}>`], expires: 90, cseq: 2 })).status).toBe(200);
    expect(await r.bindings()).toMatchObject([{ uri: second, cseq: 2 }]);
  });

  it.each(SAME)("the same but for %s: a lower CSeq is out of order", async (_what, first, second) => {
    const r = rig();
    await r.register({ contacts: [`<${first}>`], expires: 60, cseq: 2 });
    expect((await r.register({ contacts: [`<${second}>`], expires: 90, cseq: 1 })).status).toBe(500);
  });

  it.each(OTHER)("another: %s", async (_what, first, second) => {
    const r = rig();
    await r.register({ contacts: [`<${first}>`], expires: 60, cseq: 1 });
    await r.register({ contacts: [`<${second}>`], expires: 60, cseq: 2 });
    expect(await r.bindings()).toHaveLength(2);
    await r.register({ contacts: [`<${first}>`], expires: 0, cseq: 3 });
    expect((await r.bindings()).map(({ uri }) => uri)).toEqual([second]);
  });

  it("sip and sips are never equal", async () => {
    const r = rig();
    await r.register({ uri: "sips:example.com", contacts: ["<sip:alice@192.0.2.7>"], cseq: 1 });
    await r.register({ uri: "sips:example.com", contacts: ["<sips:alice@192.0.2.7>"], cseq: 2 });
    expect(await r.bindings()).toHaveLength(2);
  });

  it("equality is not transitive: a contact that equals two bindings becomes the only one", async () => {
    const r = rig();
    await r.register({ contacts: ["<sip:c@b.com;security=on>"], callId: "1" });
    await r.register({ contacts: ["<sip:c@b.com;security=off>"], callId: "2" });
    expect(await r.bindings()).toHaveLength(2);
    await r.register({ contacts: ["<sip:c@b.com>"], callId: "3" });
    expect(await r.bindings()).toMatchObject([{ uri: "sip:c@b.com" }]);
  });

  it("one resource named twice in a request is bound once, as named last", async () => {
    const r = rig();
    const answer = await r.register({
      contacts: ["<sip:alice@192.0.2.7>;expires=60", "<sip:%61lice@192.0.2.7>;expires=90"],
    });
    expect(answer.status).toBe(200);
    expect(await r.bindings()).toMatchObject([{ uri: "sip:%61lice@192.0.2.7" }]);
  });

  it("contacts of other schemes (§10.2.1) are the same when their text is", async () => {
    const r = rig();
    await r.register({ contacts: ["<tel:+15551234>"], cseq: 1 });
    await r.register({ contacts: ["<tel:+15551234>", "<mailto:alice@example.com>"], cseq: 2 });
    expect((await r.bindings()).map(({ uri }) => uri)).toEqual(["tel:+15551234", "mailto:alice@example.com"]);
    await r.register({ contacts: ["<tel:+15551234>"], expires: 0, cseq: 3 });
    expect((await r.bindings()).map(({ uri }) => uri)).toEqual(["mailto:alice@example.com"]);
  });
});
