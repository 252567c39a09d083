import { describe, expect, test } from "vitest";
import { DEFAULT_LIMITS } from "../../src/message/limits.js";
import { parsedRequest } from "../../src/transaction/client.js";
import { acknowledge, cancellation } from "../../src/transaction/requests.js";
import { lines, requestOf } from "../support/texts.js";

const INVITE = requestOf(
  lines(
    "INVITE sip:bob@biloxi.com SIP/2.0",
    "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff, SIP/2.0/UDP below.example;branch=z9hG4bKb",
    "To: Bob <sip:bob@biloxi.com>",
    "From: Alice <sip:alice@atlanta.com>;tag=88sja8x",
    "Route: <sip:one.example;lr>, <sip:two.example;lr>",
    "route: <sip:three.example;lr>",
    "Max-Forwards: 70",
    "Call-ID: 987asjd97y7atg",
    "CSeq: 986759 INVITE",
    "Proxy-Authorization: Digest secret",
    "Content-Length: 0",
  ),
);

test("RFC 3261 §17.1.1.3: the ACK has the To of the response, one Via, and the Route of the INVITE", () => {
  expect(acknowledge(INVITE, "Bob <sip:bob@biloxi.com>;tag=99sa0xk")).toBe(
    lines(
      "ACK sip:bob@biloxi.com SIP/2.0",
      "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff",
      "Route: <sip:one.example;lr>, <sip:two.example;lr>",
      "Route: <sip:three.example;lr>",
      "Max-Forwards: 70",
      "From: Alice <sip:alice@atlanta.com>;tag=88sja8x",
      "To: Bob <sip:bob@biloxi.com>;tag=99sa0xk",
      "Call-ID: 987asjd97y7atg",
      "CSeq: 986759 ACK",
      "Content-Length: 0",
    ),
  );
});

describe("§9.1: the CANCEL has the To, Via, Route and CSeq number of the INVITE", () => {
  test("without a reason", () => {
    expect(cancellation(INVITE, undefined)).toBe(
      lines(
        "CANCEL sip:bob@biloxi.com SIP/2.0",
        "Via: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bKkjshdyff",
        "Route: <sip:one.example;lr>, <sip:two.example;lr>",
        "Route: <sip:three.example;lr>",
        "Max-Forwards: 70",
        "From: Alice <sip:alice@atlanta.com>;tag=88sja8x",
        "To: Bob <sip:bob@biloxi.com>",
        "Call-ID: 987asjd97y7atg",
        "CSeq: 986759 CANCEL",
        "Content-Length: 0",
      ),
    );
  });

  test("RFC 3326: with one", () => {
    const cancel = requestOf(cancellation(INVITE, 'SIP;cause=200;text="Call completed elsewhere"'));
    expect(cancel.headers.get("reason")).toBe('SIP;cause=200;text="Call completed elsewhere"');
  });
});

test("an INVITE that our own fields carried over the limits of what is received has its ACK and CANCEL all the same", () => {
  const bulk = `X-Bulk: ${"x".repeat(DEFAULT_LIMITS.headerOctets)}\r\n`;
  const sent = parsedRequest(INVITE.text.replace("Content-Length", `${bulk}Content-Length`));
  expect(acknowledge(sent!, "<sip:bob@biloxi.com>;tag=1")).toMatch(/^ACK sip:bob@biloxi.com /);
});
