import { hash, timingSafeEqual } from "node:crypto";
import type { DigestAlgorithm, Hasher } from "../auth/source.js";

/** OpenSSL's names of the algorithms of RFC 7616 §6.1; SHA-512-256 is SHA-512/256 of FIPS 180-4, not a cut SHA-512. */
const OPENSSL_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  MD5: "md5",
  "SHA-256": "sha256",
  "SHA-512-256": "sha512-256",
};

/** Block and output of SHA-256 in octets (RFC 2104 §2). */
const BLOCK_OCTETS = 64;
const OUTPUT_OCTETS = 32;

/** Padded keys kept ready: a current and a previous one are in use at a time, for one or two stores. */
const MOST_KEYS = 8;

/** One character outside US-ASCII: such a text is hashed by its latin1 octets, which a string argument would not give. */
const NOT_ASCII = /[^\0-\x7f]/;

interface PaddedKey {
  readonly inner: string;
  /** The outer pad, with room for the inner hash behind it. */
  readonly outer: Buffer;
}

/** Hash functions of Node.js (`node:crypto`): one call a hash, no hash object in between. */
export function nodeHasher(): Hasher {
  const keys = new Map<string, PaddedKey>();
  const scratch = new Map<number, readonly [Buffer, Buffer]>();
  const padded = (key: string): PaddedKey => {
    let pads = keys.get(key);
    if (pads === undefined) {
      pads = padKey(key);
      if (keys.size >= MOST_KEYS) keys.clear();
      keys.set(key, pads);
    }
    return pads;
  };
  return {
    digest: (algorithm, text) => hash(OPENSSL_NAMES[algorithm], octets(text), "hex"),
    hmac(key, text) {
      const { inner, outer } = padded(key);
      // as text and not as a buffer: that makes no object
      outer.write(hash("sha256", octets(inner + text), "binary"), BLOCK_OCTETS, "latin1");
      return hash("sha256", outer, "hex");
    },
    equal(a, b) {
      // how long the texts are is no secret: the length of a hash is told by its algorithm
      if (a.length !== b.length) return false;
      if (a.length > 128) return timingSafeEqual(Buffer.from(a, "latin1"), Buffer.from(b, "latin1"));
      let pair = scratch.get(a.length);
      if (pair === undefined) {
        pair = [Buffer.alloc(a.length), Buffer.alloc(a.length)];
        scratch.set(a.length, pair);
      }
      pair[0].write(a, "latin1");
      pair[1].write(b, "latin1");
      return timingSafeEqual(pair[0], pair[1]);
    },
  };
}

function octets(text: string): string | Buffer {
  // looking for the exception costs more than a copy once the text is long
  return text.length > 256 || NOT_ASCII.test(text) ? Buffer.from(text, "latin1") : text;
}

/** Both pads of RFC 2104 §2; a key longer than a block is hashed first. */
function padKey(key: string): PaddedKey {
  const raw = Buffer.from(key, "latin1");
  const short = raw.length > BLOCK_OCTETS ? hash("sha256", raw, "buffer") : raw;
  const inner = Buffer.alloc(BLOCK_OCTETS, 0x36);
  const outer = Buffer.alloc(BLOCK_OCTETS + OUTPUT_OCTETS, 0x5c);
  for (let i = 0; i < short.length; i++) {
    inner[i]! ^= short[i]!;
    outer[i]! ^= short[i]!;
  }
  return { inner: inner.toString("latin1"), outer };
}
