import type { Endpoint } from "../port/leg.js";
import type { Connection } from "./connection.js";
import type { ConnectionBudget } from "./connection-budget.js";

/** Names the peer of a dialed connection: its address, and the name that its certificate was checked for. */
export function peerKey(remote: Endpoint, serverName: string | undefined): string {
  return `${remote.address} ${remote.port} ${serverName?.toLowerCase() ?? ""}`;
}

/** The sockets of one leg: counted against a budget, and found again by the address of their peer. */
export class ConnectionTable {
  readonly #budget: ConnectionBudget;
  readonly #all = new Set<Connection>();
  readonly #usable = new Map<string, Connection>();

  constructor(budget: ConnectionBudget) {
    this.#budget = budget;
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
    return this.#budget.hasRoomFor(address);
  }

  add(connection: Connection): void {
    this.#all.add(connection);
    this.#budget.take(connection.address);
  }

  remove(connection: Connection): void {
    if (this.#all.delete(connection)) this.#budget.giveBack(connection.address);
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
