/**
 * What a use of a nonce is:
 * `first`: this nc is new. `repeat`: the very request that had this nc before, sent again. `replay`: another request with an nc
 * that is used up. `forgotten`: uses of this nonce may have been dropped for want of room, so nothing can be said of it.
 */
export type NonceUse = "first" | "repeat" | "replay" | "forgotten";

export interface NonceUsesOptions {
  /** Most nonces whose uses are kept at a time, at least 2. */
  readonly capacity: number;
  /** How long after its issue a nonce may be used. */
  readonly lifetimeMs: number;
  /** The time now. */
  readonly nowMs: number;
}

/**
 * The same request may come again for this long after it was accepted: 64*T1, the life of a client transaction (RFC 3261
 * §17.1.2.2). Later it is a replay like any other.
 */
export const RETRANSMISSION_MS = 32_000;

/** One use of one nonce, after its credentials proved right. */
export interface Use {
  /** Names the nonce among those that come here. */
  readonly nonce: number;
  readonly issuedAtMs: number;
  /** 1 to 2^32-1. */
  readonly nc: number;
  /** Tells the request from every other one: a keyed hash of all of it. */
  readonly mark: number;
}

/** nc values below the highest that may still arrive: datagrams overtake each other. */
const WINDOW = 32;
/** Requests of one nonce that are recognised when they come again. */
const MARKS = 8;

interface State {
  /** Highest nc seen. */
  top: number;
  /** Bit n: `top - n` was used. */
  used: number;
  /** nc, mark and time of the last use; time in milliseconds since this object was made. */
  nc: number;
  mark: number;
  atMs: number;
  /** The same three of the uses before it, newest first; absent for the many nonces that are used once. */
  older: number[] | undefined;
}

/** Nonces first used in one stretch of time. They are dropped together, which costs nothing for each. */
interface Generation {
  readonly states: Map<number, State>;
  /** When the first of them came. */
  readonly sinceMs: number;
  /** Latest time of issue among them. */
  issuedMs: number;
}

/**
 * The uses of nonces (RFC 7616 §3.4 nc, §5.5). Kept only for credentials that proved right, so that challenges cost no memory
 * at any rate; bounded, and when it is full what is dropped is remembered as a moment in time: nonces issued before it and
 * not known are answered as stale, never believed.
 */
export class NonceUses {
  readonly #generationSize: number;
  readonly #keepMs: number;
  readonly #startMs: number;
  #young: Generation;
  #old: Generation | undefined;
  /** Latest issue time of a nonce that was dropped before its time. */
  #droppedMs = Number.NEGATIVE_INFINITY;

  constructor(options: NonceUsesOptions) {
    this.#generationSize = Math.max(1, Math.floor(options.capacity / 2));
    this.#keepMs = options.lifetimeMs + RETRANSMISSION_MS;
    this.#startMs = options.nowMs;
    this.#young = generation(options.nowMs);
  }

  /** How many nonces it knows of. */
  get size(): number {
    return this.#young.states.size + (this.#old?.states.size ?? 0);
  }

  /** Is this the very request that used this nc a moment ago? Changes nothing. */
  isRepeat(use: Use, nowMs: number): boolean {
    const state = this.#find(use.nonce);
    return state !== undefined && wasNow(state, use, nowMs - this.#startMs);
  }

  /** Records a use and says what it is; only a `first` changes anything. */
  take(use: Use, nowMs: number): NonceUse {
    const atMs = nowMs - this.#startMs;
    const state = this.#find(use.nonce);
    if (state === undefined) {
      if (use.issuedAtMs <= this.#droppedMs) return "forgotten";
      const { states } = this.#roomFor(nowMs);
      states.set(use.nonce, { top: use.nc, used: 1, nc: use.nc, mark: use.mark, atMs, older: undefined });
      if (use.issuedAtMs > this.#young.issuedMs) this.#young.issuedMs = use.issuedAtMs;
      return "first";
    }
    if (wasNow(state, use, atMs)) return "repeat";
    const ahead = use.nc - state.top;
    if (ahead > 0) {
      state.used = ahead >= WINDOW ? 1 : (state.used << ahead) | 1;
      state.top = use.nc;
    } else {
      const bit = 1 << -ahead;
      if (-ahead >= WINDOW || (state.used & bit) !== 0) return "replay";
      state.used |= bit;
    }
    state.older ??= [];
    state.older.unshift(state.nc, state.mark, state.atMs);
    if (state.older.length > (MARKS - 1) * 3) state.older.length = (MARKS - 1) * 3;
    state.nc = use.nc;
    state.mark = use.mark;
    state.atMs = atMs;
    return "first";
  }

  #find(nonce: number): State | undefined {
    return this.#young.states.get(nonce) ?? this.#old?.states.get(nonce);
  }

  /** The young generation; when that is full or has lasted as long as a nonce does, it is the old one from now on. */
  #roomFor(nowMs: number): Generation {
    const young = this.#young;
    if (young.states.size < this.#generationSize && nowMs - young.sinceMs < this.#keepMs) return young;
    const old = this.#old;
    if (old !== undefined && old.issuedMs + this.#keepMs >= nowMs && old.issuedMs > this.#droppedMs)
      this.#droppedMs = old.issuedMs;
    this.#old = young;
    this.#young = generation(nowMs);
    return this.#young;
  }
}

function generation(sinceMs: number): Generation {
  return { states: new Map(), sinceMs, issuedMs: Number.NEGATIVE_INFINITY };
}

/** Was this very request accepted within the life of its transaction? */
function wasNow(state: State, use: Use, atMs: number): boolean {
  const sinceMs = atMs - RETRANSMISSION_MS;
  if (state.nc === use.nc && state.mark === use.mark) return state.atMs >= sinceMs;
  const { older } = state;
  if (older === undefined) return false;
  for (let i = 0; i < older.length; i += 3)
    if (older[i] === use.nc && older[i + 1] === use.mark) return older[i + 2]! >= sinceMs;
  return false;
}
