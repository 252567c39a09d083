import { expect, test } from "vitest";
import { sipHash, sipHashKey } from "../../src/proxy/siphash.js";

const KEY = sipHashKey("000102030405060708090a0b0c0d0e0f");

// vectors of the reference implementation: the input is the octets 0, 1, 2, … of the given length
test.each([
  [0, "310e0edd47db6f72"],
  [1, "fd67dc93c539f874"],
  [7, "37d1018bf50002ab"],
  [8, "6224939a79f5f593"],
  [15, "e545be4961ca29a1"],
  [16, "db9bc2577fcc2a3f"],
  [63, "724506eb4c328a95"],
])("SipHash-2-4 of %i octets", (length, expected) => {
  let input = "";
  for (let i = 0; i < length; i++) input += String.fromCharCode(i);
  expect(sipHash(KEY, input)).toBe(expected);
});

test("another key gives another hash", () => {
  expect(sipHash(sipHashKey("100102030405060708090a0b0c0d0e0f"), "")).not.toBe("310e0edd47db6f72");
});

test.each(["", "0123", "zz0102030405060708090a0b0c0d0e0f"])(
  "a key must be 32 hexadecimal digits: %s",
  (hex) => {
    expect(() => sipHashKey(hex)).toThrow(TypeError);
  },
);
