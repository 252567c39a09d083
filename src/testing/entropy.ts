import type { Entropy } from "../port/entropy.js";

/**
 * Randomness that comes out the same for the same seed (the mulberry32 generator): for tests and simulations alone,
 * since whoever sees a few of its values knows all that follow.
 * @param seed any whole number; its low 32 bits count
 */
export function seededEntropy(seed: number): Entropy {
  let state = seed >>> 0;
  const next32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return {
    hex(octets) {
      let out = "";
      while (out.length < octets * 2) out += next32().toString(16).padStart(8, "0");
      return out.slice(0, octets * 2);
    },
    unit: () => next32() / 2 ** 32,
  };
}
