import { randomBytes } from "node:crypto";
import type { Entropy } from "../port/entropy.js";

export { wallClock as systemClock } from "../transport/wall-clock.js";

/** Octets drawn from the kernel at once: one system call serves many tags and branches. */
const POOL_OCTETS = 4096;

/** Cryptographic randomness of the machine. */
export function systemEntropy(): Entropy {
  let pool = randomBytes(POOL_OCTETS);
  let used = 0;
  const take = (octets: number): Buffer => {
    if (octets > POOL_OCTETS) return randomBytes(octets);
    if (used + octets > POOL_OCTETS) {
      pool = randomBytes(POOL_OCTETS);
      used = 0;
    }
    used += octets;
    return pool.subarray(used - octets, used);
  };
  return {
    hex: (octets) => take(octets).toString("hex"),
    unit: () => take(6).readUIntBE(0, 6) / 2 ** 48,
  };
}
