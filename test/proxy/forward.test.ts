import { describe, expect, test } from "vitest";
import { type Copy, forwardText, withoutTopVia } from "../../src/proxy/forward.js";
import { lines, requestOf, responseOf } from "../support/texts.js";

const SOURCE = { address: "198.51.100.1", port: 1024 };
const COPY: Copy = {
  uri: "sip:bob@10.0.0.1",
  via: "SIP/2.0/UDP us;branch=z9hG4bKnew",
  recordRoutes: [],
  routes: null,
  maxForwards: 69,
  maxBreadth: 60,
  consumedRealm: null,
  dropsAsserted: false,
};

const ASSERTING = lines(
  "INVITE sip:bob@example.com SIP/2.0",
  "Via: SIP/2.0/UDP phone;branch=z9hG4bKa",
  "P-Asserted-Identity: <sip:director@example.com>",
  "p-asserted-identity: <tel:+15551234>",
  "Subject: call",
  "P-Preferred-Identity: <sip:director@example.com>",
  "Remote-Party-ID: <sip:director@example.com>;party=calling",
  "Content-Length: 0",
);

describe("RFC 3325 §5: what a caller asserts of its identity", () => {
  test.each([
    ["goes on as it came", false, 4],
    ["is dropped where the caller is not trusted", true, 0],
  ])("%s", (_, dropsAsserted, kept) => {
    const text = forwardText(requestOf(ASSERTING), SOURCE, { ...COPY, dropsAsserted });
    expect(
      text.match(/^(?:p-asserted-identity|p-preferred-identity|remote-party-id):/gim) ?? [],
    ).toHaveLength(kept);
    expect(text).toContain("\r\nSubject: call\r\n");
    expect(text).toMatch(/\r\nContent-Length: 0\r\n\r\n$/);
  });
});

describe("RFC 3261 §16.6: the copy of a request", () => {
  const REQUEST = lines(
    "INVITE sip:bob@example.com SIP/2.0",
    "v: SIP/2.0/UDP phone;branch=z9hG4bKa",
    "Via: SIP/2.0/TCP before;branch=z9hG4bKb",
    "Max-Forwards: 70",
    "Route: <sip:one;lr>",
    "ROUTE: <sip:two;lr>",
    "f: <sip:a@x>;tag=a",
    "To: <sip:b@x>",
    "Max-Breadth: 7",
    "Call-ID: c",
    "CSeq: 1 INVITE",
    "Subject: one",
    "  and two",
    "l: 0",
  );

  test("our fields on top, what is replaced is gone, everything else is as it came", () => {
    const text = forwardText(requestOf(REQUEST), SOURCE, {
      ...COPY,
      recordRoutes: ["<sip:rr1;lr>", "<sip:rr2;lr>"],
      routes: ["<sip:three;lr>"],
    });
    expect(text).toBe(
      lines(
        "INVITE sip:bob@10.0.0.1 SIP/2.0",
        "Via: SIP/2.0/UDP us;branch=z9hG4bKnew",
        "Record-Route: <sip:rr1;lr>",
        "Record-Route: <sip:rr2;lr>",
        "Via: SIP/2.0/UDP phone;branch=z9hG4bKa;received=198.51.100.1",
        "Route: <sip:three;lr>",
        "Max-Forwards: 69",
        "Max-Breadth: 60",
        "Via: SIP/2.0/TCP before;branch=z9hG4bKb",
        "f: <sip:a@x>;tag=a",
        "To: <sip:b@x>",
        "Call-ID: c",
        "CSeq: 1 INVITE",
        "Subject: one",
        "  and two",
        "l: 0",
      ),
    );
  });

  test("Route stays where it is unless it changed, and goes when nothing is left of it", () => {
    expect(forwardText(requestOf(REQUEST), SOURCE, COPY)).toContain(
      "\r\nRoute: <sip:one;lr>\r\nROUTE: <sip:two;lr>\r\n",
    );
    expect(forwardText(requestOf(REQUEST), SOURCE, { ...COPY, routes: [] })).not.toMatch(/^route:/im);
  });

  test("step 9: a Content-Length where there was none", () => {
    const bare = requestOf(REQUEST.replace("\r\nl: 0\r\n\r\n", "\r\n\r\nbody"));
    expect(forwardText(bare, SOURCE, COPY)).toMatch(/\r\nContent-Length: 4\r\n\r\nbody$/);
  });

  test("what stood behind Content-Length in a datagram is left behind", () => {
    const longer = requestOf(REQUEST.replace("l: 0\r\n\r\n", "l: 4\r\n\r\nbody and more"));
    expect(forwardText(longer, SOURCE, COPY)).toMatch(/\r\nl: 4\r\n\r\nbody$/);
  });
});

describe("§16.7 step 3: a response without our Via", () => {
  function response(...vias: readonly string[]): string {
    return lines(
      "SIP/2.0 200 OK",
      ...vias,
      "From: <sip:a@x>;tag=a",
      "To: <sip:b@x>;tag=b",
      "Content-Length: 0",
    );
  }

  test.each<[string, string[], string[]]>([
    ["on its own line", ["Via: SIP/2.0/UDP us;branch=1", "Via: SIP/2.0/UDP a"], ["Via: SIP/2.0/UDP a"]],
    ["together with the next", ["Via: SIP/2.0/UDP us;branch=1, SIP/2.0/UDP a"], ["Via: SIP/2.0/UDP a"]],
    [
      "with commas in quotes",
      ['v:SIP/2.0/UDP us;x="1,2" ,SIP/2.0/UDP a;y="3,4",SIP/2.0/TCP b'],
      ['Via: SIP/2.0/UDP a;y="3,4",SIP/2.0/TCP b'],
    ],
    [
      "over several lines",
      ["Via: SIP/2.0/UDP us;branch=1,", " SIP/2.0/UDP a", "Via: SIP/2.0/TCP b"],
      ["Via: SIP/2.0/UDP a", "Via: SIP/2.0/TCP b"],
    ],
    [
      "not on top of the message",
      ["Subject: first", "Via: SIP/2.0/UDP us", "Via: SIP/2.0/UDP a"],
      ["Subject: first", "Via: SIP/2.0/UDP a"],
    ],
  ])("%s", (_what, vias, left) => {
    expect(withoutTopVia(responseOf(response(...vias)))).toBe(response(...left));
  });

  test.each([
    ["no other Via", response("Via: SIP/2.0/UDP us")],
    ["no Via at all", response()],
  ])("%s: it was for us", (_what, text) => {
    expect(withoutTopVia(responseOf(text))).toBeUndefined();
  });

  test("a body is kept, a missing Content-Length is written", () => {
    const text = response("Via: SIP/2.0/UDP us", "Via: SIP/2.0/UDP a").replace(
      "Content-Length: 0\r\n\r\n",
      "\r\nbody",
    );
    expect(withoutTopVia(responseOf(text))).toMatch(
      /^SIP\/2\.0 200 OK\r\nVia: SIP\/2\.0\/UDP a\r\n.*Content-Length: 4\r\n\r\nbody$/s,
    );
  });
});
