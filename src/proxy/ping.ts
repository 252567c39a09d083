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

/** What stays true of a binding when another pinger takes over. */
export interface PingFinding {
  reachable: boolean;
  roundTripMs: number | null;
  misses: number;
  testedAtMs: number | null;
}

/** Findings by binding; kept outside of a pinger, they outlive it. */
export type PingFindings = Map<string, PingFinding>;

export interface PingerOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Sends the OPTIONS; see `Deliverer`. */
  readonly deliver: (draft: Draft, binding: Binding) => Promise<Delivery>;
  /** URI in From: that of the server, as `sip:example.com`. */
  readonly from: string;
  /** Seconds from one ping of a binding to the next; 60 when not given. One without an answer by then is missed. */
  readonly intervalSec?: number;
  /** Pings in a row without an answer that make a binding unreachable; 3 when not given. */
  readonly misses?: number;
  /** Which bindings are pinged; those made over UDP without Path when not given: over a connection we hear of its end. */
  readonly wants?: (binding: Binding) => boolean;
  /** Called when a binding becomes unreachable, and when it can be reached again. */
  readonly changed?: (reachability: Reachability) => void;
  /** Those of the pinger before this one, to go on with; none when not given. */
  readonly findings?: PingFindings;
  /** Most pings at once that an answer is still due to; what is due beyond them waits for its next turn. 1,000 when not given. */
  readonly maxUnderWay?: number;
  /** Most bindings that are pinged; those beyond count as reachable. 1,000,000 when not given. */
  readonly maxBindings?: number;
}

/** One OPTIONS. */
interface Ping {
  /** As it was when this was sent: a REGISTER since is as good as an answer. */
  readonly binding: Binding;
  readonly sentMs: number;
}

interface Entry {
  readonly aor: string;
  binding: Binding;
  readonly slot: number;
  readonly finding: PingFinding;
  /** The latest ping, until it is answered or missed. */
  awaited: Ping | undefined;
}

/** How often the pinger looks what is due. */
const TICK_MS = 1000;

/**
 * Keeps the NAT bindings of phones open and finds out which of them still answer: an OPTIONS to each contact once in every
 * interval, spread evenly over it. Any final response from the phone counts as an answer. A ping is missed when the next is
 * due, or after 64*T1 (32 s) where the interval is longer (RFC 3261 §17.1.2.2, timer F); it is sent again until then as that
 * section says, and an answer that comes later than the next ping still counts.
 */
export class Pinger {
  readonly #options: PingerOptions;
  readonly #wants: (binding: Binding) => boolean;
  readonly #findings: PingFindings;
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
    this.#findings = options.findings ?? new Map();
    const slots = Math.max(1, Math.round(((options.intervalSec ?? 60) * 1000) / TICK_MS));
    this.#slots = Array.from({ length: slots }, () => new Set<Entry>());
    this.#callId = options.entropy.hex(8);
  }

  /** Begins to ping those that it was told of; what was found out of others before is forgotten. */
  start(): void {
    for (const key of this.#findings.keys()) if (!this.#entries.has(key)) this.#findings.delete(key);
    this.#timer ??= this.#options.clock.after(TICK_MS, () => this.#tick());
  }

  /** Stops; pings under way still end, but are not heard. The findings stay as they are. */
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
    let finding = this.#findings.get(key);
    if (finding === undefined) {
      finding = { reachable: true, roundTripMs: null, misses: 0, testedAtMs: null };
      this.#findings.set(key, finding);
    }
    const entry: Entry = { aor, binding, slot, finding, awaited: undefined };
    this.#entries.set(key, entry);
    this.#slots[slot]!.add(entry);
  }

  /** May this binding be called? Unknown ones may. */
  isReachable(aor: string, binding: Binding): boolean {
    return this.#entries.get(keyOf(aor, binding))?.finding.reachable ?? true;
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
    const due: Entry[] = [];
    for (const entry of slot) {
      if (entry.binding.expiresAtMs <= nowMs) this.#remove(keyOf(entry.aor, entry.binding));
      else {
        if (entry.awaited !== undefined) this.#over(entry, entry.awaited);
        due.push(entry);
      }
    }
    for (const entry of due) {
      if (this.#underWay >= most) return;
      // to the end: where there is no room for all, it is the turn of the others next
      slot.delete(entry);
      slot.add(entry);
      void this.#ping(entry);
    }
  }

  async #ping(entry: Entry): Promise<void> {
    const { clock, deliver } = this.#options;
    const ping: Ping = { binding: entry.binding, sentMs: clock.nowMs() };
    entry.awaited = ping;
    this.#underWay++;
    let delivery: Delivery | undefined;
    try {
      delivery = await deliver(this.#draft(ping.binding), ping.binding);
    } catch {
      delivery = undefined;
    }
    if (this.#entries.get(keyOf(entry.aor, entry.binding)) !== entry) {
      if (entry.awaited === ping) this.#release(entry);
    } else if (delivery !== undefined && isAnswer(delivery)) {
      if (entry.awaited === ping) this.#release(entry);
      entry.finding.testedAtMs = clock.nowMs();
      this.#answered(entry, entry.finding.testedAtMs - ping.sentMs);
    } else if (entry.awaited === ping) this.#over(entry, ping);
  }

  /** No answer came in time. */
  #over(entry: Entry, { binding }: Ping): void {
    this.#release(entry);
    entry.finding.testedAtMs = this.#options.clock.nowMs();
    if (entry.binding === binding) this.#missed(entry);
  }

  /** Its place is free for another ping. */
  #release(entry: Entry): void {
    entry.awaited = undefined;
    this.#underWay--;
  }

  #answered(entry: Entry, roundTripMs: number | null): void {
    const { finding } = entry;
    if (roundTripMs !== null) finding.roundTripMs = roundTripMs;
    finding.misses = 0;
    if (finding.reachable) return;
    finding.reachable = true;
    this.#options.changed?.(view(entry));
  }

  #missed(entry: Entry): void {
    const { finding } = entry;
    finding.misses++;
    if (!finding.reachable || finding.misses < (this.#options.misses ?? 3)) return;
    finding.reachable = false;
    this.#options.changed?.(view(entry));
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#findings.delete(key);
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
  const { aor, binding, finding } = entry;
  return { aor, binding, ...finding };
}
