import { describe, expect, it } from "vitest";
import { contactsOf, rig, testFlow } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

describe("A6: the full 200 (RFC 3261 §10.3 step 8)", () => {
  it("every binding, with the time that remains, its preference and its own parameters", async () => {
    const r = rig();
    await r.register({
      callId: "desk",
      contacts: [
        `"Desk" <sip:alice@192.0.2.7:5060;transport=tcp>;q=0.25;methods="INVITE, BYE";+sip.instance="<urn:x:1>";audio`,
      ],
      expires: 200,
    });
    r.clock.advance(60_000);
    await r.register({ callId: "cell", contacts: ["sip:alice@192.0.2.8;q=1.0;expires=100;mobility=mobile"] });
    r.clock.advance(500);
    const answer = await r.register({
      callId: "soft",
      contacts: ["<sip:alice@192.0.2.9>;q=0"],
      expires: 300,
    });
    expect(contactsOf(answer)).toEqual([
      '<sip:alice@192.0.2.7:5060;transport=tcp>;expires=140;q=0.25;methods="INVITE, BYE";+sip.instance="<urn:x:1>";audio',
      "<sip:alice@192.0.2.8>;expires=100;q=1.0;mobility=mobile",
      "<sip:alice@192.0.2.9>;expires=300;q=0",
    ]);
  });

  it("remaining time is never given as 0 while the binding lives, and never above what was granted", async () => {
    const r = rig({ expireEvery: 0 });
    await r.register({ contacts: [PHONE], expires: 60 });
    for (const [afterMs, left] of [
      [1, 60],
      [999, 59],
      [58_999, 1],
      [1, undefined],
    ] as const) {
      r.clock.advance(afterMs);
      const contacts = contactsOf(await r.register({ callId: "fetch" }));
      expect(contacts).toEqual(left === undefined ? [] : [`${PHONE};expires=${left}`]);
    }
  });

  it("Date (§20.17) tells the time and moves on with it", async () => {
    const r = rig();
    expect((await r.register({})).headers.get("date")).toBe("Thu, 01 Jan 2026 00:00:00 GMT");
    r.clock.advance(61_500);
    expect((await r.register({})).headers.get("date")).toBe("Thu, 01 Jan 2026 00:01:01 GMT");
  });

  it("To gets a tag (§8.2.6.2), the same for a retransmission, another for another request", async () => {
    const r = rig();
    const tag = async (cseq: number) => (await r.register({ cseq })).toTag;
    const first = await tag(1);
    expect(first).toMatch(/^[a-z0-9]{8,}$/);
    expect(await tag(1)).toBe(first);
    expect(await tag(2)).not.toBe(first);
    expect((await rig().register({ to: "<sip:alice@example.com>;tag=theirs" })).toTag).toBe("theirs");
  });

  it("Record-Route is ignored and never in the answer (§10.3); Via, From, Call-ID and CSeq are the request's", async () => {
    const r = rig();
    const answer = await r.register({
      contacts: [PHONE],
      lines: ["Record-Route: <sip:p1.example.com;lr>"],
      vias: ["SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bKa", "SIP/2.0/TCP p2.example.com;branch=z9hG4bKb"],
    });
    expect(answer.headers.has("record-route")).toBe(false);
    expect(answer.headers.all("via")).toEqual([
      "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKa;received=198.51.100.4;rport=61002",
      "SIP/2.0/TCP p2.example.com;branch=z9hG4bKb",
    ]);
    expect(answer.fromTag).toBe("9fxced76sl");
    expect(answer.callId).toBe("1j9FpLxk3uxtm8tn@phone");
    expect(answer.cseq).toEqual({ sequence: 1, method: "REGISTER" });
  });

  it("what a binding keeps of its REGISTER", async () => {
    const r = rig();
    const nowMs = r.clock.nowMs();
    await r.register(
      { contacts: [`${PHONE};+sip.instance="<urn:x:1>"`], expires: 60, lines: ["User-Agent: Desk/1.0"] },
      testFlow({ address: "2001:db8::7", port: 5062 }),
    );
    r.clock.advance(5000);
    await r.register({ contacts: [`${PHONE};+sip.instance="<urn:x:1>"`], expires: 90, cseq: 2 });
    expect(await r.bindings()).toEqual([
      {
        uri: "sip:alice@192.0.2.7:5060",
        params: ';+sip.instance="<urn:x:1>"',
        expiresAtMs: nowMs + 95_000,
        qMilli: 1000,
        callId: "1j9FpLxk3uxtm8tn@phone",
        cseq: 2,
        userAgent: null,
        received: "udp:198.51.100.4:61002",
        flow: null,
        path: [],
        instance: "<urn:x:1>",
        regId: null,
        registeredAtMs: nowMs,
        updatedAtMs: nowMs + 5000,
      },
    ]);
  });

  it("an IPv6 source is kept in brackets", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE] }, testFlow({ address: "2001:db8::7", port: 5062 }));
    expect((await r.bindings())[0]?.received).toBe("udp:[2001:db8::7]:5062");
  });
});
