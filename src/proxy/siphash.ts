/** A secret of 128 bits for {@link sipHash}, as four 32-bit words in little-endian order. */
export type SipHashKey = readonly [number, number, number, number];

/**
 * Reads a key from hexadecimal digits.
 * @throws TypeError unless there are 32 of them
 */
export function sipHashKey(hex: string): SipHashKey {
  if (!/^[0-9a-f]{32}$/i.test(hex)) throw new TypeError("a SipHash key is 32 hexadecimal digits");
  const word = (at: number): number => {
    let value = 0;
    for (let i = 3; i >= 0; i--)
      value = (value << 8) | Number.parseInt(hex.slice((at + i) * 2, (at + i) * 2 + 2), 16);
    return value;
  };
  return [word(0), word(4), word(8), word(12)];
}

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012) of latin1 text: a keyed hash that nobody without the key can compute or
 * steer, cheap for short texts. 64-bit words are pairs of 32-bit ones, low word first, and stand in local variables: it is
 * computed several times for each call.
 * @returns 16 lower-case hexadecimal digits, in the order of the reference's octets
 */
export function sipHash(key: SipHashKey, text: string): string {
  const [k0, k1, k2, k3] = key;
  let v0l = k0 ^ 0x70736575;
  let v0h = k1 ^ 0x736f6d65;
  let v1l = k2 ^ 0x6e646f6d;
  let v1h = k3 ^ 0x646f7261;
  let v2l = k0 ^ 0x6e657261;
  let v2h = k1 ^ 0x6c796765;
  let v3l = k2 ^ 0x79746573;
  let v3h = k3 ^ 0x74656462;
  const { length } = text;
  const blocks = (length >> 3) + 1;
  for (let block = 0; block <= blocks; block++) {
    let low = 0;
    let high = 0;
    let rounds = 2;
    if (block === blocks) {
      // the end: no input, but a mark in v2 and two more rounds
      v2l ^= 0xff;
      rounds = 4;
    } else {
      low = word(text, block * 8);
      high = word(text, block * 8 + 4);
      if (block === blocks - 1) high |= length << 24;
      v3l ^= low;
      v3h ^= high;
    }
    for (let round = 0; round < rounds; round++) {
      let sum = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      sum = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      let turned = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = turned;
      turned = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = turned;
      // v0 turned by 32: its words change places
      turned = v0h;
      v0h = v0l;
      v0l = turned;
      sum = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      sum = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      turned = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = turned;
      turned = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = turned;
      turned = v2h;
      v2h = v2l;
      v2l = turned;
    }
    v0l ^= low;
    v0h ^= high;
  }
  return octets(v0l ^ v1l ^ v2l ^ v3l) + octets(v0h ^ v1h ^ v2h ^ v3h);
}

/** Four octets from a place on; zeros behind the end. */
function word(text: string, at: number): number {
  const { length } = text;
  if (at + 4 <= length) {
    return (
      (text.charCodeAt(at) & 0xff) |
      ((text.charCodeAt(at + 1) & 0xff) << 8) |
      ((text.charCodeAt(at + 2) & 0xff) << 16) |
      ((text.charCodeAt(at + 3) & 0xff) << 24)
    );
  }
  let value = 0;
  for (let i = at; i < length; i++) value |= (text.charCodeAt(i) & 0xff) << ((i - at) * 8);
  return value;
}

const HEX = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, "0"));

function octets(value: number): string {
  return (
    HEX[value & 0xff]! +
    HEX[(value >>> 8) & 0xff]! +
    HEX[(value >>> 16) & 0xff]! +
    HEX[(value >>> 24) & 0xff]!
  );
}
