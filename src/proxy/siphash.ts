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
 * steer, cheap for short texts. 64-bit words are pairs of 32-bit ones, low word first.
 * @returns 16 lower-case hexadecimal digits, in the order of the reference's octets
 */
export function sipHash(key: SipHashKey, text: string): string {
  const [k0, k1, k2, k3] = key;
  const v = new State(k0, k1, k2, k3);
  const { length } = text;
  const whole = length - (length % 8);
  for (let at = 0; at < whole; at += 8) v.absorb(word(text, at), word(text, at + 4));
  let low = 0;
  let high = length << 24;
  for (let i = whole; i < length; i++) {
    const octet = text.charCodeAt(i) & 0xff;
    const place = i - whole;
    if (place < 4) low |= octet << (place * 8);
    else high |= octet << ((place - 4) * 8);
  }
  v.absorb(low, high);
  return v.finish();
}

function word(text: string, at: number): number {
  return (
    (text.charCodeAt(at) & 0xff) |
    ((text.charCodeAt(at + 1) & 0xff) << 8) |
    ((text.charCodeAt(at + 2) & 0xff) << 16) |
    ((text.charCodeAt(at + 3) & 0xff) << 24)
  );
}

/** The four 64-bit words v0 to v3 of the algorithm. */
class State {
  #v0l: number;
  #v0h: number;
  #v1l: number;
  #v1h: number;
  #v2l: number;
  #v2h: number;
  #v3l: number;
  #v3h: number;

  constructor(k0: number, k1: number, k2: number, k3: number) {
    this.#v0l = k0 ^ 0x70736575;
    this.#v0h = k1 ^ 0x736f6d65;
    this.#v1l = k2 ^ 0x6e646f6d;
    this.#v1h = k3 ^ 0x646f7261;
    this.#v2l = k0 ^ 0x6e657261;
    this.#v2h = k1 ^ 0x6c796765;
    this.#v3l = k2 ^ 0x79746573;
    this.#v3h = k3 ^ 0x74656462;
  }

  absorb(low: number, high: number): void {
    this.#v3l ^= low;
    this.#v3h ^= high;
    this.#rounds(2);
    this.#v0l ^= low;
    this.#v0h ^= high;
  }

  finish(): string {
    this.#v2l ^= 0xff;
    this.#rounds(4);
    const low = this.#v0l ^ this.#v1l ^ this.#v2l ^ this.#v3l;
    const high = this.#v0h ^ this.#v1h ^ this.#v2h ^ this.#v3h;
    return octets(low) + octets(high);
  }

  #rounds(count: number): void {
    let v0l = this.#v0l;
    let v0h = this.#v0h;
    let v1l = this.#v1l;
    let v1h = this.#v1h;
    let v2l = this.#v2l;
    let v2h = this.#v2h;
    let v3l = this.#v3l;
    let v3h = this.#v3h;
    for (let i = 0; i < count; i++) {
      let sum = (v0l >>> 0) + (v1l >>> 0);
      v0h = (v0h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      sum = (v2l >>> 0) + (v3l >>> 0);
      v2h = (v2h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      let low = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
      v1h = ((v1h << 13) | (v1l >>> 19)) ^ v0h;
      v1l = low;
      low = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
      v3h = ((v3h << 16) | (v3l >>> 16)) ^ v2h;
      v3l = low;
      // v0 rotated by 32: its words change places
      low = v0h;
      v0h = v0l;
      v0l = low;
      sum = (v2l >>> 0) + (v1l >>> 0);
      v2h = (v2h + v1h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v2l = sum | 0;
      sum = (v0l >>> 0) + (v3l >>> 0);
      v0h = (v0h + v3h + (sum > 0xffffffff ? 1 : 0)) | 0;
      v0l = sum | 0;
      low = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
      v1h = ((v1h << 17) | (v1l >>> 15)) ^ v2h;
      v1l = low;
      low = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
      v3h = ((v3h << 21) | (v3l >>> 11)) ^ v0h;
      v3l = low;
      low = v2h;
      v2h = v2l;
      v2l = low;
    }
    this.#v0l = v0l;
    this.#v0h = v0h;
    this.#v1l = v1l;
    this.#v1h = v1h;
    this.#v2l = v2l;
    this.#v2h = v2h;
    this.#v3l = v3l;
    this.#v3h = v3h;
  }
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
