import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSipUri } from "../../src/message/uri.js";
import { type Side, Sides, udpPeer } from "../../src/proxy/side.js";
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
