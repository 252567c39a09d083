import { describe, expect, it } from "vitest";
import { parseNetworks, sourceKey, sourceOctets } from "../../src/server/guard-networks.js";

describe("RFC 4632 §3.1, RFC 4291 §2.3: networks", () => {
  it.each([
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["192.0.2.128/25", "192.0.2.128", true],
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["::/0", "2001:db8::1", true],
    ["::/0", "192.0.2.1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::1", "::1", true],
    ["::1", "::2", false],
    ["fe80::/10", "fe80::1%eth0", true],
    // an IPv4 address that a socket for both families gives
    ["192.0.2.0/24", "::ffff:192.0.2.9", true],
    ["::ffff:192.0.2.0", "192.0.2.0", true],
  ])("%s holds %s: %s", (network, address, held) => {
    expect(parseNetworks([network]).has(sourceOctets(address)!)).toBe(held);
  });

  it.each([
    "",
    "example.com",
    "192.0.2.0/33",
    "192.0.2.0/",
    "192.0.2.0/-1",
    "192.0.2/24",
    "2001:db8::/129",
    "192.0.2.1/24",
    "2001:db8::1/64",
    "192.0.2.0/024x",
  ])("%j is none", (text) => {
    expect(() => parseNetworks([text])).toThrow(TypeError);
  });
});

describe("what an address is counted as", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
  ])("%s as %s", (address, key) => {
    expect(sourceKey(sourceOctets(address)!)).toBe(key);
  });
});
