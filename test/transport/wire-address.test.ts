import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ipv4Texts, ipv4Word } from "../../src/transport/wire-address.js";

describe("IPv4 addresses as numbers", () => {
  it("reads and writes every address, whatever the cache held before", () => {
    const texts = new Ipv4Texts();
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        expect(texts.text(ipv4Word(address))).toBe(address);
      }),
      { numRuns: 5000 },
    );
  });

  it("gives a peer heard again the same text", () => {
    const texts = new Ipv4Texts();
    expect(texts.text(0)).toBe("0.0.0.0");
    expect(texts.text(0xffff_ffff)).toBe("255.255.255.255");
    expect(texts.text(0xc000_0201)).toBe("192.0.2.1");
  });
});
