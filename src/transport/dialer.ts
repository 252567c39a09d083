import type { Socket } from "node:net";
import type { Clock } from "../port/clock.js";
import type { Carrier, Dialed, DialTarget } from "./carrier.js";
import { peerKey } from "./connection-table.js";

/** Connections that may be on their way at once: a peer that swallows every SYN costs no more. */
const MAX_DIALS = 1024;

/** Opens connections to peers, one at a time for each peer, within a bounded time. */
export class Dialer<Result> {
  readonly #carrier: Carrier;
  readonly #clock: Clock;
  readonly #connectMs: number;
  readonly #ready: (dialed: Dialed, target: DialTarget) => Result;
  readonly #underWay = new Map<string, Promise<Result>>();
  readonly #sockets = new Set<Socket>();

  /** @param ready makes the connection of a socket that has come through */
  constructor(
    carrier: Carrier,
    clock: Clock,
    connectMs: number,
    ready: (dialed: Dialed, target: DialTarget) => Result,
  ) {
    this.#carrier = carrier;
    this.#clock = clock;
    this.#connectMs = connectMs;
    this.#ready = ready;
  }

  /** Those who ask for the same peer at the same time share one connection. Rejects with the system's error. */
  dial(target: DialTarget): Promise<Result> {
    const key = peerKey(target.remote, target.serverName);
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    if (this.#underWay.size >= MAX_DIALS) return Promise.reject(new Error("too many connections under way"));
    const dialed = this.#open(target).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, dialed);
    return dialed;
  }

  /** Gives up whatever is under way. */
  abort(): void {
    for (const socket of this.#sockets) socket.destroy(new Error("the leg was closed"));
  }

  async #open(target: DialTarget): Promise<Result> {
    const { address, port } = target.remote;
    if (this.#carrier.dial === undefined) {
      throw new Error(
        `${this.#carrier.transport}: ${address}:${port} is unreachable without a connection of its own`,
      );
    }
    const dialed = this.#carrier.dial(target);
    const { socket, readyEvent } = dialed;
    this.#sockets.add(socket);
    const timer = this.#clock.after(this.#connectMs, () => {
      socket.destroy(
        Object.assign(new Error(`connect to ${address}:${port} timed out`), { code: "ETIMEDOUT" }),
      );
    });
    try {
      return await new Promise<Result>((resolve, reject) => {
        // stays, since a socket without a listener for its errors would end the process
        socket.on("error", reject);
        socket.once("close", () => reject(new Error(`${address}:${port} closed the connection`)));
        // the connection must listen before the socket's next event
        socket.once(readyEvent, () => resolve(this.#ready(dialed, target)));
      });
    } finally {
      timer.cancel();
      this.#sockets.delete(socket);
    }
  }
}
