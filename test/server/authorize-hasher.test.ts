import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { nodeHasher } from "../../src/server/hasher.js";

const hasher = nodeHasher();
/** Texts of octets, as everything that is hashed is. */
const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });

describe("hashes of latin1 text", () => {
  it.each([
    ["MD5", "md5", 32],
    ["SHA-256", "sha256", 64],
    ["SHA-512-256", "sha512-256", 64],
  ] as const)("%s is of the octets, in lower-case hexadecimal", (algorithm, openssl, length) => {
    fc.assert(
      fc.property(octets, (text) => {
        const digest = hasher.digest(algorithm, text);
        expect(digest).toBe(createHash(openssl).update(text, "latin1").digest("hex"));
        expect(digest).toHaveLength(length);
      }),
    );
  });

  it("hmac is RFC 2104 with SHA-256, for keys shorter and longer than a block", () => {
    const key = octets.chain((some) => fc.constantFrom(some, some.padEnd(64, "k"), some.padEnd(100, "k")));
    fc.assert(
      fc.property(key, octets, (secret, text) => {
        const expected = createHmac("sha256", Buffer.from(secret, "latin1"))
          .update(text, "latin1")
          .digest("hex");
        expect(hasher.hmac(secret, text)).toBe(expected);
      }),
    );
  });
});

describe("comparison", () => {
  it("is of whole texts, short and long", () => {
    fc.assert(
      fc.property(octets, octets, (a, b) => {
        expect(hasher.equal(a, a)).toBe(true);
        expect(hasher.equal(a, b)).toBe(a === b);
        const long = a.padEnd(200, "x");
        expect(hasher.equal(long, long)).toBe(true);
        expect(hasher.equal(long, `${long.slice(0, -1)}y`)).toBe(false);
      }),
    );
  });

  it("does not mistake one half of a text for the other", () => {
    expect(hasher.equal("ab", "ac")).toBe(false);
    expect(hasher.equal("ab", "ab")).toBe(true);
    expect(hasher.equal("", "")).toBe(true);
  });
});
