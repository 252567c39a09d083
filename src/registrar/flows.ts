import type { Flow, Leg } from "../port/leg.js";

interface FlowEntry {
  readonly flow: Flow;
  readonly leg: Leg;
  readonly aors: Set<string>;
  /** When the last of its bindings ends at the latest. */
  untilMs: number;
}

/** A closed connection, and an address-of-record that still has bindings over it. */
export interface LeftBehind {
  readonly token: string;
  readonly aor: string;
}

/** What is kept in mind of those; beyond, bindings stay until they expire. */
const MOST_LEFT = 100_000;

/** Which addresses-of-record have bindings over which live connection; no larger than the connections and what they registered. */
export class FlowIndex {
  readonly #entries = new Map<string, FlowEntry>();
  #left: LeftBehind[] = [];

  /** Notes that a binding over this connection is being made. @returns whether this address-of-record is new to it */
  add(flow: Flow, leg: Leg, aor: string): boolean {
    let entry = this.#entries.get(flow.token);
    if (entry === undefined) {
      entry = { flow, leg, aors: new Set(), untilMs: 0 };
      this.#entries.set(flow.token, entry);
    }
    if (entry.aors.has(aor)) return false;
    entry.aors.add(aor);
    return true;
  }

  /** Notes that a binding over this connection was made, which keeps it open until then. */
  hold(token: string, untilMs: number): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    if (entry.untilMs === 0) entry.leg.retain?.(entry.flow, true);
    if (untilMs > entry.untilMs) entry.untilMs = untilMs;
  }

  /** Notes that an address-of-record has no binding over this connection; without any left it may be closed for idleness. */
  drop(token: string, aor: string): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    entry.aors.delete(aor);
    if (entry.aors.size === 0) this.#release(token, entry);
  }

  /** Forgets a closed connection. @returns the addresses-of-record that may have bindings over it */
  closed(token: string): ReadonlySet<string> | undefined {
    const entry = this.#entries.get(token);
    this.#entries.delete(token);
    return entry?.aors;
  }

  /** Notes what a closed connection led to and could not be removed. @returns whether it is the first that is left */
  leave(left: LeftBehind): boolean {
    if (this.#left.length < MOST_LEFT) this.#left.push(left);
    return this.#left.length === 1;
  }

  /** Hands over everything that was left behind, for removing it now. */
  takeLeft(): LeftBehind[] {
    const left = this.#left;
    if (left.length > 0) this.#left = [];
    return left;
  }

  /** Lets go of the connections whose bindings have all expired. */
  sweep(nowMs: number): void {
    for (const [token, entry] of this.#entries) {
      if (entry.untilMs > 0 && entry.untilMs <= nowMs) this.#release(token, entry);
    }
  }

  #release(token: string, entry: FlowEntry): void {
    this.#entries.delete(token);
    if (entry.untilMs > 0 && entry.flow.alive) entry.leg.retain?.(entry.flow, false);
  }
}
