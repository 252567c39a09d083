import type { Bindings } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import type { SipMessage } from "../message/message.js";
import type { MaybePromise } from "../message/result.js";
import type { Flow, Leg } from "../port/leg.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import { type RegistrarOptions as CoreOptions, checkOptions } from "../registrar/options.js";
import { RegistrarCore } from "../registrar/registrar.js";
import { memoryStore } from "../storage/memory.js";

/** Options of {@link Registrar}: those of the registrar core, and `store` may be left out. */
export interface RegistrarOptions extends Omit<CoreOptions, "store"> {
  /** Where bindings live; memory when not given. A store that is given stays the giver's to close. */
  readonly store?: LocationStore;
}

/**
 * A SIP registrar (RFC 3261 §10.3) to put in a receive chain, after Net::SIP::Registrar. Keeps its bindings in memory
 * unless it is given a store. `close` ends its timer and, when the store is its own, that too.
 */
export class Registrar implements Receiver {
  readonly #core: RegistrarCore;
  readonly #ownStore: LocationStore | undefined;

  /** @throws TypeError that names the option which is unknown, missing or out of range */
  constructor(options: RegistrarOptions) {
    checkOptions(options);
    this.#ownStore =
      options.store === undefined
        ? memoryStore({ clock: options.clock ?? options.dispatcher.clock })
        : undefined;
    this.#core = new RegistrarCore({ ...options, store: options.store ?? this.#ownStore! });
  }

  /** Where its bindings live: for a proxy that calls them. */
  get store(): LocationStore {
    return this.#core.store;
  }

  /** As {@link RegistrarCore.receive}. */
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context?: ReceiveContext,
  ): MaybePromise<number | undefined> {
    return this.#core.receive(packet, leg, from, context);
  }

  /** All live sip and sips contacts of an address (`sip:user@domain`), in the order to try them. */
  query(address: string): Promise<string[]> {
    return this.#core.query(address);
  }

  /** The live bindings of an address-of-record, in the order they were made. */
  lookup(aor: string): MaybePromise<Bindings> {
    return this.#core.lookup(aor);
  }

  /** Removes what has expired. @returns how many bindings that were */
  expire(): Promise<number> {
    return this.#core.expire();
  }

  async close(): Promise<void> {
    await this.#core.close();
    await this.#ownStore?.close();
  }
}
