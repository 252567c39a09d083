import { addressOctets } from "./address.js";

/** How many connections there may be. */
export interface ConnectionBounds {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Who is counted as one: an IPv4 address, or an IPv6 network of 64 bits, which a single host has all to itself. */
function sourceOf(address: string): string {
  const octets = address.includes(":") ? addressOctets(address) : undefined;
  return octets === undefined ? address : octets.subarray(0, 8).join();
}

/** Connections at a time, altogether and from each source: of one leg, or of all legs that are given the same budget. */
export class ConnectionBudget {
  readonly #bounds: ConnectionBounds;
  readonly #perSource = new Map<string, number>();
  #count = 0;

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds;
  }

  /** May one more connection from this address be had? */
  hasRoomFor(address: string): boolean {
    return (
      this.#count < this.#bounds.maxConnections &&
      (this.#perSource.get(sourceOf(address)) ?? 0) < this.#bounds.maxConnectionsPerAddress
    );
  }

  take(address: string): void {
    this.#count++;
    const source = sourceOf(address);
    this.#perSource.set(source, (this.#perSource.get(source) ?? 0) + 1);
  }

  giveBack(address: string): void {
    this.#count--;
    const source = sourceOf(address);
    const left = (this.#perSource.get(source) ?? 1) - 1;
    if (left === 0) this.#perSource.delete(source);
    else this.#perSource.set(source, left);
  }
}
