import type { SipMessage } from "../message/message.js";
import type { MaybePromise } from "../message/result.js";
import type { Flow, Leg } from "../port/leg.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";

/** Chooses which packets a chain looks at; the others pass it by. */
export type PacketFilter = (packet: SipMessage, leg: Leg, from: Flow) => boolean;

export interface ReceiveChainOptions {
  /** Packets for which this is false are passed on untouched. */
  readonly filter?: PacketFilter;
}

/**
 * Receivers asked in order, after Net::SIP::ReceiveChain: the first that answers ends the chain. A chain is a receiver
 * itself, so chains nest. A receiver that answers later holds up its own packet only.
 */
export class ReceiveChain implements Receiver {
  readonly #receivers: readonly Receiver[];
  readonly #filter: PacketFilter | undefined;

  /** @throws TypeError when something in the list has no `receive` */
  constructor(receivers: readonly Receiver[], options: ReceiveChainOptions = {}) {
    for (const receiver of receivers) {
      if (typeof receiver?.receive !== "function")
        throw new TypeError("ReceiveChain: every link needs a receive method");
    }
    for (const option of Object.keys(options)) {
      if (option !== "filter") throw new TypeError(`ReceiveChain: unknown option ${option}`);
    }
    this.#receivers = [...receivers];
    this.#filter = options.filter;
  }

  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext = {},
  ): MaybePromise<number | undefined> {
    if (this.#filter !== undefined && !this.#filter(packet, leg, from)) return undefined;
    return this.#ask(0, packet, leg, from, context);
  }

  #ask(
    first: number,
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext,
  ): MaybePromise<number | undefined> {
    for (let i = first; i < this.#receivers.length; i++) {
      const status = this.#receivers[i]!.receive(packet, leg, from, context);
      if (status instanceof Promise) {
        return status.then((late) =>
          late === undefined ? this.#ask(i + 1, packet, leg, from, context) : late,
        );
      }
      if (status !== undefined) return status;
    }
    return undefined;
  }
}
