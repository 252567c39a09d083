import type { Binding } from "../location/binding.js";
import type { Endpoint } from "../port/leg.js";
import { parseReceived } from "./hop.js";

/** Beyond these the oldest is forgotten. */
const MOST = 10_000;

/**
 * UDP flows that the network says lead nowhere (RFC 5626 §7): it answered a request of ours, one that no response had come to
 * yet, with ICMP. The bindings with reg-id over such a flow are invalid, whatever their address-of-record, and are not called.
 * They are kept all the same: anybody may forge an ICMP, and the phone would not be told that its binding is gone. The next
 * SIP message over that flow, a REGISTER or the answer to a ping, proves the ICMP wrong or outdated.
 */
export class LostFlows {
  /** When they were lost, by peer. */
  readonly #sinceMs = new Map<string, number>();

  /** The network says that a request to this peer did not arrive. @returns whether that is news */
  add(peer: Endpoint, nowMs: number): boolean {
    const key = keyOf(peer);
    if (this.#sinceMs.has(key)) return false;
    if (this.#sinceMs.size >= MOST) {
      const [oldest = ""] = this.#sinceMs.keys();
      this.#sinceMs.delete(oldest);
    }
    this.#sinceMs.set(key, nowMs);
    return true;
  }

  /** A message came from this peer. */
  heard(peer: Endpoint): void {
    if (this.#sinceMs.size > 0) this.#sinceMs.delete(keyOf(peer));
  }

  /** Since when nothing gets to a binding over its flow, milliseconds since the epoch; `undefined` when it may be called. */
  sinceMs({ regId, path, received }: Binding): number | undefined {
    if (this.#sinceMs.size === 0 || regId === null || path.length > 0) return undefined;
    const peer = parseReceived(received);
    return peer?.transport === "udp" ? this.#sinceMs.get(keyOf(peer)) : undefined;
  }
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
