import type { RegisterFacts } from "./decide.js";

/** Which address-of-record and which sequence of REGISTERs a removal belongs to. */
interface Remover extends Pick<RegisterFacts, "callId" | "cseq"> {
  readonly aor: string;
}

interface Removal {
  readonly cseq: number;
  readonly atMs: number;
}

/** 64*T1: for this long a request may still be retransmitted (RFC 3261 §17.1.2.2), or come late. */
const KEEP_MS = 32_000;
const MOST = 10_000;
/** What is kept of a Call-ID. */
const MOST_CALL_ID = 512;

/**
 * The removals of the last 32 s. A removed binding holds no CSeq any more that an older REGISTER could be held against
 * (RFC 3261 §10.3 step 7), so a late or repeated one would bring it back; this remembers what the binding cannot. Costs nothing
 * while nobody removes anything. Bounded: when there are too many, the oldest is forgotten.
 */
export class Removals {
  /** In the order they came, which is the one they are dropped in. */
  readonly #byKey = new Map<string, Removal>();

  get size(): number {
    return this.#byKey.size;
  }

  /** Was there a removal lately, by the same Call-ID, with this CSeq or a later one? */
  isNewer({ aor, callId, cseq }: Remover, nowMs: number): boolean {
    if (this.#byKey.size === 0) return false;
    this.#dropOld(nowMs);
    const removal = this.#byKey.get(keyOf(aor, callId));
    return removal !== undefined && removal.cseq >= cseq;
  }

  note({ aor, callId, cseq }: Remover, nowMs: number): void {
    this.#dropOld(nowMs);
    const key = keyOf(aor, callId);
    this.#byKey.delete(key);
    if (this.#byKey.size >= MOST) this.#byKey.delete(this.#byKey.keys().next().value ?? "");
    this.#byKey.set(key, { cseq, atMs: nowMs });
  }

  /** Takes a note back: this removal was refused. */
  forget({ aor, callId, cseq }: Remover): void {
    if (this.#byKey.size === 0) return;
    const key = keyOf(aor, callId);
    if (this.#byKey.get(key)?.cseq === cseq) this.#byKey.delete(key);
  }

  #dropOld(nowMs: number): void {
    for (const [key, { atMs }] of this.#byKey) {
      // a clock that was set back must not make a note last for longer
      if (Math.abs(nowMs - atMs) < KEEP_MS) return;
      this.#byKey.delete(key);
    }
  }
}

/** Does this REGISTER take a binding away (§10.2.2)? */
export function removes({ removesAll, contacts }: Pick<RegisterFacts, "removesAll" | "contacts">): boolean {
  if (removesAll) return true;
  for (const { askedSec } of contacts) if (askedSec === 0) return true;
  return false;
}

function keyOf(aor: string, callId: string): string {
  return `${aor} ${callId.length > MOST_CALL_ID ? callId.slice(0, MOST_CALL_ID) : callId}`;
}
