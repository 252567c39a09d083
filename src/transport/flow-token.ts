import { randomBytes } from "node:crypto";
import type { Entropy } from "../port/entropy.js";
import type { Transport } from "../port/leg.js";

/** 64 bits: two starts that draw the same are not to be expected. */
const NONCE_OCTETS = 8;

/**
 * Names connections so that no name ever comes again, not even after a restart: a part drawn once, and a count.
 * @returns `transport:nonce:count`
 */
export function flowTokens(transport: Transport, entropy: Entropy | undefined): () => string {
  const nonce = entropy?.hex(NONCE_OCTETS) ?? randomBytes(NONCE_OCTETS).toString("hex");
  let count = 0;
  return () => `${transport}:${nonce}:${(++count).toString(36)}`;
}
