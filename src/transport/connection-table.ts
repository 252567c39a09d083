import type { Endpoint } from "../port/leg.js";
import { addressOctets } from "./address.js";
import type { Connection } from "./connection.js";
import type { ConnectionLimits } from "./connection-options.js";

/** Names the peer of a dialed connection: its address, and the name that its certificate was checked for. */
export function peerKey(remote: Endpoint, serverName: string | undefined): string {
  return `${remote.address} ${remote.port} ${serverName?.toLowerCase() ?? ""}`;
}

/** Who is counted as one: an IPv4 address, or an IPv6 network of 64 bits, which a single host has all to itself. */
function sourceOf(address: string): string {
  const octets = address.includes(":") ? addressOctets(address) : undefined;
  return octets === undefined ? address : octets.subarray(0, 8).join();
}

/** The sockets of one leg: counted against the bounds, and found again by the address of their peer. */
export class ConnectionTable {
  readonly #limits: ConnectionLimits;
  readonly #all = new Set<Connection>();
  readonly #perSource = new Map<string, number>();
  readonly #usable = new Map<string, Connection>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#all.size;
  }

  /** Every socket, those on their way in or out included. */
  all(): Iterable<Connection> {
    return this.#all;
  }

  /** May one more connection from this address be had? */
  hasRoomFor(address: string): boolean {
    return (
      this.#all.size < this.#limits.maxConnections &&
      (this.#perSource.get(sourceOf(address)) ?? 0) < this.#limits.maxConnectionsPerAddress
    );
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    const source = sourceOf(connection.address);
    this.#perSource.set(source, (this.#perSource.get(source) ?? 0) + 1);
  }

  remove(connection: Connection): void {
    if (!this.#all.delete(connection)) return;
    const source = sourceOf(connection.address);
    const left = (this.#perSource.get(source) ?? 1) - 1;
    if (left === 0) this.#perSource.delete(source);
    else this.#perSource.set(source, left);
  }

  /** From now on `find` may give this connection. */
  offer(connection: Connection): void {
    this.#usable.set(peerKey(connection, connection.serverName), connection);
  }

  withdraw(connection: Connection): void {
    const key = peerKey(connection, connection.serverName);
    if (this.#usable.get(key) === connection) this.#usable.delete(key);
  }

  /**
   * A live connection to this very endpoint, whoever opened it. When a name is asked for, the peer must have proven it
   * (RFC 5923 §8.2, RFC 5922 §7.2).
   */
  find(remote: Endpoint, serverName: string | undefined): Connection | undefined {
    const checked = this.#usable.get(peerKey(remote, serverName));
    if (checked !== undefined || serverName === undefined) return checked;
    const other = this.#usable.get(peerKey(remote, undefined));
    return other?.peerIdentities.includes(serverName.toLowerCase()) ? other : undefined;
  }
}
