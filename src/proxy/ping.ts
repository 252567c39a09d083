import type { Binding } from "../location/binding.js";
import type { LocationEvent } from "../location/store.js";
import type { Clock, Timer } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Delivery, Draft } from "./deliver.js";

/** What pinging has told about one binding. */
export interface Reachability {
  readonly aor: string;
  readonly binding: Binding;
  readonly reachable: boolean;
  /** Round trip of the last ping that was answered, milliseconds; `null` before the first. */
  readonly roundTripMs: number | null;
  /** Pings in a row without an answer. */
  readonly misses: number;
  /** When the last ping ended, milliseconds since the epoch; `null` before the first. */
  readonly testedAtMs: number | null;
}

export interface PingerOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Sends the OPTIONS; see `Deliverer`. */
  readonly deliver: (draft: Draft, binding: Binding) => Promise<Delivery>;
  /** URI in From: that of the server, as `sip:example.com`. */
  readonly from: string;
  /** Seconds from one ping of a binding to the next; 60 when not given. */
  readonly intervalSec?: number;
  /** Pings in a row without an answer that make a binding unreachable; 3 when not given. */
  readonly misses?: number;
  /** Which bindings are pinged; those made over UDP without Path when not given: over a connection we hear of its end. */
  readonly wants?: (binding: Binding) => boolean;
  /** Called when a binding becomes unreachable, and when it can be reached again. */
  readonly changed?: (reachability: Reachability) => void;
  /** Most pings under way at once; what is due beyond them waits for its next turn. 1,000 when not given. */
  readonly maxUnderWay?: number;
  /** Most bindings that are pinged; those beyond count as reachable. 1,000,000 when not given. */
  readonly maxBindings?: number;
}

interface Entry {
  readonly aor: string;
  binding: Binding;
  readonly slot: number;
  roundTripMs: number | null;
  misses: number;
  testedAtMs: number | null;
  reachable: boolean;
  underWay: boolean;
}

/** How often the pinger looks what is due. */
const TICK_MS = 1000;

/**
 * Keeps the NAT bindings of phones open and finds out which of them still answer: an OPTIONS to each contact once in every
 * interval, spread evenly over it. Any final response from the phone counts as an answer.
 */
export class Pinger {
  readonly #options: PingerOptions;
  readonly #wants: (binding: Binding) => boolean;
  readonly #entries = new Map<string, Entry>();
  readonly #slots: Set<Entry>[];
  readonly #callId: string;
  #timer: Timer | undefined;
  #nextSlot = 0;
  #now = 0;
  #underWay = 0;
  #serial = 0;

  constructor(options: PingerOptions) {
    this.#options = options;
    this.#wants = options.wants ?? overUdp;
    const slots = Math.max(1, Math.round(((options.intervalSec ?? 60) * 1000) / TICK_MS));
    this.#slots = Array.from({ length: slots }, () => new Set<Entry>());
    this.#callId = options.entropy.hex(8);
  }

  /** Begins to ping. */
  start(): void {
    this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  /** Stops; pings under way still end, but are not heard. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#entries.clear();
    for (const slot of this.#slots) slot.clear();
  }

  /** Takes in what happened to a binding; for `LocationStore.watch`. */
  heed({ kind, aor, binding }: LocationEvent): void {
    if (kind === "registered" || kind === "refreshed") this.add(aor, binding);
    else this.#remove(keyOf(aor, binding));
  }

  /** Takes in a binding that was there before; for a scan of the store. A refreshed one keeps what is known of it. */
  add(aor: string, binding: Binding): void {
    const key = keyOf(aor, binding);
    const known = this.#entries.get(key);
    if (!this.#wants(binding)) {
      if (known !== undefined) this.#remove(key);
      return;
    }
    if (known !== undefined) {
      known.binding = binding;
      // a REGISTER from it is as good as an answer
      this.#answered(known, null);
      return;
    }
    if (this.#entries.size >= (this.#options.maxBindings ?? 1_000_000)) return;
    const slot = this.#nextSlot++ % this.#slots.length;
    const entry: Entry = {
      aor,
      binding,
      slot,
      roundTripMs: null,
      misses: 0,
      testedAtMs: null,
      reachable: true,
      underWay: false,
    };
    this.#entries.set(key, entry);
    this.#slots[slot]!.add(entry);
  }

  /** May this binding be called? Unknown ones may. */
  isReachable(aor: string, binding: Binding): boolean {
    return this.#entries.get(keyOf(aor, binding))?.reachable ?? true;
  }

  /** What is known of a binding; `undefined` when it is not pinged. */
  get(aor: string, binding: Binding): Reachability | undefined {
    const entry = this.#entries.get(keyOf(aor, binding));
    return entry === undefined ? undefined : view(entry);
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(TICK_MS, () => this.#tick());
    const slot = this.#slots[this.#now]!;
    this.#now = (this.#now + 1) % this.#slots.length;
    const most = this.#options.maxUnderWay ?? 1000;
    const nowMs = this.#options.clock.nowMs();
    for (const entry of slot) {
      if (entry.binding.expiresAtMs <= nowMs) this.#remove(keyOf(entry.aor, entry.binding));
      else if (!entry.underWay && this.#underWay < most) void this.#ping(entry);
    }
  }

  async #ping(entry: Entry): Promise<void> {
    const { clock, deliver } = this.#options;
    const { binding } = entry;
    const sentMs = clock.nowMs();
    entry.underWay = true;
    this.#underWay++;
    let delivery: Delivery | undefined;
    try {
      delivery = await deliver(this.#draft(binding), binding);
    } catch {
      delivery = undefined;
    }
    entry.underWay = false;
    this.#underWay--;
    if (this.#entries.get(keyOf(entry.aor, entry.binding)) !== entry) return;
    entry.testedAtMs = clock.nowMs();
    if (delivery !== undefined && isAnswer(delivery)) this.#answered(entry, entry.testedAtMs - sentMs);
    else if (entry.binding === binding) this.#missed(entry);
  }

  #answered(entry: Entry, roundTripMs: number | null): void {
    if (roundTripMs !== null) entry.roundTripMs = roundTripMs;
    entry.misses = 0;
    if (entry.reachable) return;
    entry.reachable = true;
    this.#options.changed?.(view(entry));
  }

  #missed(entry: Entry): void {
    entry.misses++;
    if (!entry.reachable || entry.misses < (this.#options.misses ?? 3)) return;
    entry.reachable = false;
    this.#options.changed?.(view(entry));
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#slots[entry.slot]!.delete(entry);
  }

  #draft(binding: Binding): Draft {
    const { from } = this.#options;
    const serial = ++this.#serial;
    return {
      method: "OPTIONS",
      headers: [
        { name: "From", value: `<${from}>;tag=${this.#callId}${serial.toString(36)}` },
        { name: "To", value: `<${binding.uri}>` },
        { name: "Call-ID", value: `ping-${this.#callId}-${serial.toString(36)}` },
        { name: "CSeq", value: "1 OPTIONS" },
        { name: "Accept", value: "application/sdp" },
      ],
    };
  }
}

/** One contact of one address-of-record. */
function keyOf(aor: string, binding: Binding): string {
  return `${aor} ${binding.uri} ${binding.regId ?? ""}`;
}

function overUdp(binding: Binding): boolean {
  return binding.flow === null && binding.path.length === 0;
}

/** A final response of the phone itself, not of a proxy in its Path that lost it. */
function isAnswer(delivery: Delivery): boolean {
  if (delivery.kind !== "delivered") return false;
  const { status } = delivery.response;
  return status !== 408 && status !== 430 && status !== 503 && status !== 504;
}

function view(entry: Entry): Reachability {
  const { aor, binding, reachable, roundTripMs, misses, testedAtMs } = entry;
  return { aor, binding, reachable, roundTripMs, misses, testedAtMs };
}
