import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseMessage } from "../../src/message/parse.js";
import { parseSipUri } from "../../src/message/uri.js";
import { dialogKeys, type Side, Sides, udpPeer } from "../../src/proxy/side.js";
import { sipHashKey } from "../../src/proxy/siphash.js";

const sides = new Sides(sipHashKey("000102030405060708090a0b0c0d0e0f"));
const other = new Sides(sipHashKey("100102030405060708090a0b0c0d0e0f"));

const tokens = fc.oneof(
  fc.constantFrom(
    "",
    "udp:198.51.100.4:61002",
    "udp:2001:db8::1:5060",
    "udp:fe80::1%eth0:5060",
    "uri:[::1]:5060",
  ),
  fc.stringMatching(/^(tcp|tls|ws|wss):[0-9a-f]{16}:[0-9a-z]{1,6}$/),
);
const anySide: fc.Arbitrary<Side> = fc.record({
  role: fc.constantFrom("caller", "callee"),
  local: fc.boolean(),
  nat: fc.boolean(),
  flow: tokens,
  edge: fc.constantFrom("", "edge.example.net", "192.0.2.9", "[2001:db8::9]"),
});

/** The keys of a request from one to the other. */
function keysOf(from: string, to: string): ReturnType<typeof dialogKeys> {
  const text = `INFO sip:x SIP/2.0\r\nFrom: ${from}\r\nTo: ${to}\r\nCall-ID: c\r\n\r\n`;
  const parsed = parseMessage(text);
  if (!parsed.ok || parsed.message.kind !== "request") throw new Error("no request");
  return dialogKeys(parsed.message);
}

describe("RFC 3261 §12.2.1.1: what a dialog is known by", () => {
  const alice = "<sip:alice@example.com>;tag=a";
  const bob = "<sip:bob@example.org>;tag=b";

  test("is the same whichever side sends", () => {
    expect(keysOf(bob, alice).asCallee).toBe(keysOf(alice, bob).asCaller);
  });

  test.each([
    '"Alice" <sip:alice@EXAMPLE.com;transport=tcp>;tag=a',
    "sip:%61lice@example.com;tag=a",
    "<sips:alice@example.com>;tag=a",
  ])("is the same for %s", (from) => {
    expect(keysOf(from, bob).asCaller).toBe(keysOf(alice, bob).asCaller);
  });

  test.each([
    ["another caller", "<sip:carol@example.com>;tag=a", bob],
    ["another domain", "<sip:alice@example.net>;tag=a", bob],
    ["another tag", "<sip:alice@example.com>;tag=c", bob],
    ["another callee", alice, "<sip:carol@example.org>;tag=b"],
    ["a number", "<tel:+4930123456>;tag=a", bob],
    ["none", "nonsense", bob],
  ])("is another for %s", (_what, from, to) => {
    expect(keysOf(from, to).asCaller).not.toBe(keysOf(alice, bob).asCaller);
  });

  test("does not depend on the tag of the callee, which nobody knows when it is signed", () => {
    expect(keysOf(alice, "<sip:bob@example.org>").asCaller).toBe(keysOf(alice, bob).asCaller);
  });

  test("tells numbers apart", () => {
    expect(keysOf("<tel:+1>;tag=a", bob).asCaller).not.toBe(keysOf("<tel:+2>;tag=a", bob).asCaller);
  });
});

describe("the user part of our Record-Route URIs", () => {
  test("is read back as it was written, under the same Call-ID and key", () => {
    fc.assert(
      fc.property(anySide, fc.string(), (side, callId) => {
        const user = sides.write(side, callId);
        expect(sides.read(user, callId)).toEqual(side);
        expect(sides.read(user, `${callId}x`)).toBe("forged");
        expect(other.read(user, callId)).toBe("forged");
      }),
    );
  });

  test("is a user part, as it stands", () => {
    fc.assert(
      fc.property(anySide, (side) => {
        const user = sides.write(side, "c");
        expect(parseSipUri(`sip:${user}@192.0.2.1:5060;lr`)?.user).toBe(user);
      }),
    );
  });

  test("cannot be changed in any place", () => {
    fc.assert(
      fc.property(anySide, fc.nat(), fc.constantFrom(..."abc019+-"), (side, at, char) => {
        const user = sides.write(side, "c");
        const place = at % user.length;
        fc.pre(user[place] !== char);
        const changed = user.slice(0, place) + char + user.slice(place + 1);
        expect([undefined, "forged"]).toContain(sides.read(changed, "c"));
      }),
    );
  });

  test.each(["", "bob", "rr", "rr-", "rr-a", "rr-z0123456789abcdef", "RR-a0123456789abcdef"])(
    "%s is none of ours",
    (user) => {
      expect([undefined, "forged"]).toContain(sides.read(user, "c"));
    },
  );
});

describe("the peer of a UDP flow token", () => {
  test.each([
    ["udp:198.51.100.4:61002", { address: "198.51.100.4", port: 61_002 }],
    ["udp:2001:db8::1:5060", { address: "2001:db8::1", port: 5060 }],
    ["tcp:0123456789abcdef:1", undefined],
    ["udp:", undefined],
    ["udp:1", undefined],
    ["udp:host:port", undefined],
    ["", undefined],
  ])("%s", (token, peer) => {
    expect(udpPeer(token)).toEqual(peer);
  });
});
