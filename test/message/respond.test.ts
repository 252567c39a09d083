import { describe, expect, it } from "vitest";
import { parseMessage } from "../../src/message/parse.js";
import { answerVia, reasonPhrase, respond } from "../../src/message/respond.js";
import { request, requestText, response } from "./texts.js";

const source = { address: "198.51.100.7", port: 7000 };
const parts = { status: 200, toTag: "t1" };

describe("RFC 3261 §8.2.6.2: what a response copies", () => {
  it("is Via, From, To with a tag, Call-ID and CSeq, in one form", () => {
    const text = respond(request({ fields: { "Record-Route": "<sip:p;lr>" } }), source, parts);
    expect(text).toBe(
      [
        "SIP/2.0 200 OK",
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;received=198.51.100.7",
        "From: <sip:alice@example.com>;tag=f1",
        "To: <sip:alice@example.com>;tag=t1",
        "Call-ID: c1@192.0.2.1",
        "CSeq: 1 REGISTER",
        "Content-Length: 0",
        "",
        "",
      ].join("\r\n"),
    );
  });

  it.each([
    ["leaves a tag as it is", "<sip:a@h>;tag=old", 200, "<sip:a@h>;tag=old"],
    ["adds one behind an addr-spec", "sip:a@h", 200, "sip:a@h;tag=t1"],
    ["adds none to a 100", "<sip:a@h>", 100, "<sip:a@h>"],
    ["a URI parameter is no tag", "<sip:a@h;tag=no>", 200, "<sip:a@h;tag=no>;tag=t1"],
    ["adds one to a To that cannot be read", '"Mr. J. User <sip:j@h>', 400, '"Mr. J. User <sip:j@h>;tag=t1'],
    [
      "leaves the tag of a To that cannot be read",
      '"Mr. J. User <sip:j@h>; Tag = 9',
      400,
      '"Mr. J. User <sip:j@h>; Tag = 9',
    ],
  ])("To: %s", (_, to, status, expected) => {
    expect(
      response(respond(request({ fields: { To: to } }), source, { ...parts, status })).headers.get("to"),
    ).toBe(expected);
  });

  it("§8.2.6.1: Timestamp goes back in a 100, and only there", () => {
    const stamped = request({ fields: { Timestamp: "54.21" } });
    expect(response(respond(stamped, source, { ...parts, status: 100 })).headers.get("timestamp")).toBe(
      "54.21",
    );
    expect(response(respond(stamped, source, parts)).headers.has("timestamp")).toBe(false);
  });

  it("has its own header fields, body and reason", () => {
    const text = respond(request(), source, {
      ...parts,
      status: 423,
      reason: "Too Brief",
      headers: [{ name: "Min-Expires", value: "30" }],
      body: "\xff\x00",
    });
    const answer = response(text);
    expect([answer.status, answer.reason, answer.headers.get("min-expires"), answer.body]).toEqual([
      423,
      "Too Brief",
      "30",
      "\xff\x00",
    ]);
  });
});

describe("§18.2.1, RFC 3581 §4: the Vias of a response", () => {
  it("are all there in order, the topmost with where the request came from", () => {
    const message = request({
      fields: { Via: ['SIP/2.0/UDP a ;branch=1;x="," , SIP/2.0/UDP b;branch=2', "SIP/2.0/TCP c;branch=3"] },
    });
    expect(response(respond(message, source, parts)).headers.all("via")).toEqual([
      'SIP/2.0/UDP a;branch=1;x=",";received=198.51.100.7, SIP/2.0/UDP b;branch=2',
      "SIP/2.0/TCP c;branch=3",
    ]);
  });

  it("fills in rport", () => {
    const message = request({ fields: { Via: "SIP/2.0/UDP a;rport;branch=1" } });
    expect(response(respond(message, source, parts)).via?.params).toEqual([
      { name: "branch", value: "1" },
      { name: "received", value: "198.51.100.7" },
      { name: "rport", value: "7000" },
    ]);
  });

  it("RFC 4475 §3.1.2.1: a broken one goes back as it came, and still says where to", () => {
    const message = request({ fields: { Via: "SIP/2.0/UDP 192.0.2.15;;,;,," } });
    expect(respond(message, source, parts)).toContain("\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n");
    expect(answerVia(message)).toMatchObject({ host: "192.0.2.15", transport: "UDP" });
  });

  it("says where to answer by the topmost alone, and nothing when it says nothing", () => {
    expect(answerVia(request())?.port).toBe(5060);
    expect(answerVia(request({ fields: { Via: "nonsense" } }))).toBeUndefined();
    expect(answerVia(request({ fields: { Via: null } }))).toBeUndefined();
  });
});

describe("no line can be smuggled in", () => {
  it("by a folded value, or a lone CR or LF in a request that is refused", () => {
    for (const line of ["\r\n ", "\n", "\r", "\n\r"]) {
      const parsed = parseMessage(requestText({ fields: { "Call-ID": `a${line}Via: SIP/2.0/UDP evil` } }));
      const message = parsed.ok ? parsed.message : parsed.request;
      if (message?.kind !== "request") throw new Error("no request");
      const answer = response(respond(message, source, parts));
      expect(answer.headers.get("call-id")).toBe("a Via: SIP/2.0/UDP evil");
      expect(answer.headers.count("via")).toBe(1);
    }
  });

  it("by a reason or a header field that a caller hands in", () => {
    const text = respond(request(), source, {
      ...parts,
      reason: "OK\r\nVia: evil",
      headers: [
        { name: "Warning", value: '399 h "a\r\nVia: evil"' },
        { name: "X\r\nVia", value: "evil" },
        { name: "Y", value: "a\n\nb" },
      ],
    });
    expect(text.split("\r\n").filter((line) => /^v(ia)?:/i.test(line))).toHaveLength(1);
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });
});

describe("§21 reason phrases", () => {
  it.each([
    [200, "OK"],
    [423, "Interval Too Brief"],
    [439, "First Hop Lacks Outbound Support"],
    [555, "Push Notification Service Not Supported"],
    [199, "Trying"],
    [299, "OK"],
    [599, "Error"],
  ])("%i %s", (status, phrase) => {
    expect(reasonPhrase(status)).toBe(phrase);
  });
});
