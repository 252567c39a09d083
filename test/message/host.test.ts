import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalHost,
  canonicalIpv6,
  isIpv4,
  isIpv6,
  parseHostPort,
  unmapped,
} from "../../src/message/host.js";

describe("RFC 3261 §25.1 host", () => {
  it.each([
    ["example.com", "example.com"],
    ["Example.COM", "example.com"],
    ["example.com.", "example.com"],
    ["EXAMPLE.com.", "example.com"],
    ["a", "a"],
    ["my_host.local", "my_host.local"],
    ["3f2a9c0b11de", "3f2a9c0b11de"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["192.0.2.1", "192.0.2.1"],
    ["[2001:DB8::1]", "[2001:db8::1]"],
    ["", undefined],
    [".", undefined],
    [".a", undefined],
    ["a..b", undefined],
    ["a b", undefined],
    ["b\xfccher.example", undefined],
    ["256.0.2.1", undefined],
    ["192.0.2", undefined],
    ["192.0.2.1.5", undefined],
    ["192.0.2.1.", undefined],
    ["12345", undefined],
    ["2001:db8::1", undefined],
    ["[2001:db8::1", undefined],
    ["[192.0.2.1]", undefined],
    ["[]", undefined],
    [`${"a".repeat(63)}.b`, `${"a".repeat(63)}.b`],
    [`${"a".repeat(64)}.b`, undefined],
    [`${"a.".repeat(126)}b`, `${"a.".repeat(126)}b`],
    [`${"a.".repeat(127)}b`, undefined],
  ])("%j is %j", (text, expected) => {
    expect(canonicalHost(text)).toBe(expected);
  });
});

describe("RFC 3261 §25.1 hostport", () => {
  it.each([
    ["example.com", { host: "example.com", port: null }],
    ["example.com:5060", { host: "example.com", port: 5060 }],
    ["[2001:db8::10]:5070", { host: "[2001:db8::10]", port: 5070 }],
    ["[2001:db8::10:5070]", { host: "[2001:db8::10:5070]", port: null }],
    ["example.com:65535", { host: "example.com", port: 65_535 }],
    ["example.com:", undefined],
    ["example.com:0", undefined],
    ["example.com:65536", undefined],
    ["example.com:+5", undefined],
    ["example.com:5060:5061", undefined],
    ["2001:db8::10", undefined],
    ["[2001:db8::10]5070", undefined],
    ["[2001:db8::10]:", undefined],
    [":5060", undefined],
    ["", undefined],
  ])("%j", (text, expected) => {
    expect(parseHostPort(text)).toEqual(expected);
  });
});

describe("IPv4 addresses", () => {
  it.each([
    ["0.0.0.0", true],
    ["255.255.255.255", true],
    ["192.000.002.001", true],
    ["1.2.3", false],
    ["1.2.3.4.5", false],
    ["1..3.4", false],
    ["1.2.3.", false],
    ["1.2.3.0004", false],
    ["1.2.3.-4", false],
    ["", false],
  ])("%j: %s", (text, expected) => {
    expect(isIpv4(text)).toBe(expected);
  });
});

describe("RFC 5954 §4.1, RFC 5952: IPv6 addresses", () => {
  it.each([
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
    ["::FFFF:c000:0201", "::ffff:192.0.2.1"],
    ["::192.0.2.1", "::c000:201"],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
    ["2001:db8:::192.0.2.1", "2001:db8::c000:201"],
    [":::192.0.2.1", "::c000:201"],
    ["", undefined],
    [":", undefined],
    [":::", undefined],
    ["1", undefined],
    ["1:2:3:4:5:6:7", undefined],
    ["1:2:3:4:5:6:7:8:9", undefined],
    ["1:2:3:4:5:6:7:8::", undefined],
    ["::1:2:3:4:5:6:7:8", undefined],
    ["1:2:3:4:5:6:7:", undefined],
    [":1:2:3:4:5:6:7", undefined],
    ["1::2::3", undefined],
    ["2001:db8:::1", undefined],
    ["12345::", undefined],
    ["g::", undefined],
    ["::192.0.2.1:1", undefined],
    ["::192.0.2", undefined],
    ["::192.0.2.256", undefined],
    ["1:2:3:4:5:6:7:192.0.2.1", undefined],
    ["fe80::1%eth0", undefined],
    ["0".repeat(50), undefined],
  ])("%j is %j", (text, expected) => {
    expect(canonicalIpv6(text)).toBe(expected);
    expect(isIpv6(text)).toBe(expected !== undefined);
  });

  it("any spelling of the same groups has one canonical form, which reads back to itself", () => {
    const group = fc.oneof(
      { weight: 2, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }) },
    );
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.boolean(), (groups, wide) => {
        const full = groups.map((g) => g.toString(16).padStart(wide ? 4 : 1, "0")).join(":");
        const canonical = canonicalIpv6(full);
        expect(canonical).toBeDefined();
        expect(canonicalIpv6(canonical!)).toBe(canonical);
        expect(canonicalIpv6(full.toUpperCase())).toBe(canonical);
        const last = `${groups[6]! >> 8}.${groups[6]! & 255}.${groups[7]! >> 8}.${groups[7]! & 255}`;
        expect(canonicalIpv6([...full.split(":").slice(0, 6), last].join(":"))).toBe(canonical);
        // what a system that knows addresses makes of it
        expect(new URL(`http://[${full}]/`).hostname).toBe(new URL(`http://[${canonical}]/`).hostname);
      }),
    );
  });
});

describe("RFC 4291 §2.5.5.2: IPv4-mapped addresses", () => {
  it.each([
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["192.0.2.1", "192.0.2.1"],
    ["::192.0.2.1", "::192.0.2.1"],
    ["::ffff:0:192.0.2.1", "::ffff:0:192.0.2.1"],
    ["::ffff:1", "::ffff:1"],
    ["example.com", "example.com"],
  ])("%s is %s", (text, expected) => {
    expect(unmapped(text)).toBe(expected);
  });

  it("in any spelling, by way of the canonical one", () => {
    for (const text of ["::FFFF:C000:201", "0:0:0:0:0:ffff:192.0.2.1", "0::ffff:c000:0201"])
      expect(unmapped(canonicalIpv6(text)!)).toBe("192.0.2.1");
  });
});
