import { networkInterfaces } from "node:os";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WireAddresses } from "../../src/transport/wire-address.js";

/** What comes back of an address that was written into an entry. */
function through(addresses: WireAddresses, address: string): string | undefined {
  const entries = new Uint32Array(16);
  return addresses.write(entries, 8, address) ? addresses.read(entries, 8) : undefined;
}

describe("addresses in the addon's entries", () => {
  it("reads and writes every IPv4 address, whatever the cache held before", () => {
    const addresses = new WireAddresses(4);
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(through(addresses, address)).toBe(address);
      }),
      { numRuns: 3000 },
    );
  });

  it("reads and writes every IPv6 address, in the form of RFC 5952", () => {
    const addresses = new WireAddresses(6);
    const group = fc.oneof(fc.constant(0), fc.nat(0xffff));
    fc.assert(
      fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
        const address = groups.map((each) => each.toString(16)).join(":");
        // the URL standard writes addresses the same way
        const canonical = new URL(`http://[${address}]`).hostname.slice(1, -1);
        fc.pre((groups[0]! & 0xffc0) !== 0xfe80);
        expect(through(addresses, address)).toBe(canonical);
        expect(through(addresses, canonical)).toBe(canonical);
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    [4, "0.0.0.0"],
    [4, "255.255.255.255"],
    [6, "::"],
    [6, "::1"],
    [6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ] as const)("IPv%s %s", (family, address) => {
    expect(through(new WireAddresses(family), address)).toBe(address);
  });

  it("keeps the zone of a link-local address (RFC 4007 §11)", () => {
    const addresses = new WireAddresses(6);
    expect(through(addresses, "fe80::1%none-of-ours")).toBe("fe80::1");
    for (const [name, each] of Object.entries(networkInterfaces())) {
      if (!each?.some((one) => one.family === "IPv6" && one.scopeid > 0)) continue;
      expect(through(addresses, `fe80::2%${name}`)).toBe(`fe80::2%${name}`);
    }
  });

  it("refuses the other family, and what is no address", () => {
    expect(through(new WireAddresses(4), "::1")).toBeUndefined();
    expect(through(new WireAddresses(6), "192.0.2.1")).toBeUndefined();
    expect(through(new WireAddresses(6), "a:b")).toBeUndefined();
  });
});
