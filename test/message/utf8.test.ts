import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeUtf8, encodeUtf8 } from "../../src/message/utf8.js";

describe("UTF-8 in latin1 texts (RFC 3261 §25.1 TEXT-UTF8)", () => {
  it.each([
    ["plain", "plain"],
    ["J\xc3\xb6rg", "Jörg"],
    ["\xe2\x82\xac", "€"],
    ["\xf0\x9f\x93\x9e", "📞"],
    ["100% \xc3\xa9", "100% é"],
  ])("%j reads %s", (octets, text) => {
    expect(decodeUtf8(octets)).toBe(text);
    expect(encodeUtf8(text)).toBe(octets);
  });

  it.each(["\xff", "\xc3", "\xc3(", "\xed\xa0\x80", "\xc0\x80", "a\x80b"])(
    "%j is no UTF-8, and shown octet by octet",
    (octets) => {
      expect(decodeUtf8(octets)).toBe(octets);
    },
  );

  it("agrees with the platform, and both ways round", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(encodeUtf8(text)).toBe(Buffer.from(text, "utf8").toString("latin1"));
        expect(decodeUtf8(encodeUtf8(text))).toBe(text);
      }),
    );
  });

  it("makes half a surrogate pair the replacement character", () => {
    expect(encodeUtf8("a\ud800b")).toBe("a\xef\xbf\xbdb");
  });
});
