/**
 * What a use of a nonce is:
 * `first`: this nc is new. `repeat`: the very request that had this nc before, sent again. `replay`: another request with an nc
 * that is used up. `forgotten`: uses of this nonce may have been dropped for want of room, so nothing can be said of it.
 */
export type NonceUse = "first" | "repeat" | "replay" | "forgotten";

export interface NonceUsesOptions {
  /** Nonces whose uses are kept at a time. */
  readonly capacity: number;
  /** How long after its issue a nonce may be used. */
  readonly lifetimeMs: number;
}

/**
 * The same request may come again for this long after it was accepted: 64*T1, the life of a client transaction (RFC 3261
 * §17.1.2.2). Later it is a replay like any other.
 */
export const RETRANSMISSION_MS = 32_000;

/** One use of one nonce, after its credentials proved right. */
export interface Use {
  /** `id` of the nonce. */
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
  readonly issuedAtMs: number;
  /** Highest nc seen. */
  top: number;
  /** Bit n: `top - n` was used. */
  used: number;
  nc: number;
  mark: number;
  atMs: number;
  /** nc, mark and time of the uses before the last, newest first; absent for the many nonces that are used once. */
  older: number[] | undefined;
}

/**
 * The uses of nonces (RFC 7616 §3.4 nc, §5.5). Kept only for credentials that proved right, so that challenges cost no memory
 * at any rate; bounded, and when it is full what is dropped is remembered as a moment in time: nonces issued before it and
 * not known are answered as stale, never believed.
 */
export class NonceUses {
  readonly #capacity: number;
  readonly #lifetimeMs: number;
  readonly #states = new Map<number, State>();
  /** Latest issue time of a nonce that was dropped before its time. */
  #droppedMs = Number.NEGATIVE_INFINITY;

  constructor(options: NonceUsesOptions) {
    this.#capacity = options.capacity;
    this.#lifetimeMs = options.lifetimeMs;
  }

  /** How many nonces it knows of. */
  get size(): number {
    return this.#states.size;
  }

  /** Is this the very request that used this nc before? Changes nothing. */
  isRepeat(use: Use, nowMs: number): boolean {
    const state = this.#states.get(use.nonce);
    return state !== undefined && wasNow(state, use, nowMs);
  }

  /** Records a use and says what it is; only a `first` changes anything. */
  take(use: Use, nowMs: number): NonceUse {
    const state = this.#states.get(use.nonce);
    if (state === undefined) {
      if (use.issuedAtMs <= this.#droppedMs) return "forgotten";
      this.#makeRoom(nowMs);
      this.#states.set(use.nonce, {
        issuedAtMs: use.issuedAtMs,
        top: use.nc,
        used: 1,
        nc: use.nc,
        mark: use.mark,
        atMs: nowMs,
        older: undefined,
      });
      return "first";
    }
    if (wasNow(state, use, nowMs)) return "repeat";
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
    state.atMs = nowMs;
    return "first";
  }

  /** Drops what is past its time at the head, and the head itself when there is no room. */
  #makeRoom(nowMs: number): void {
    let looked = 0;
    for (const [nonce, state] of this.#states) {
      const isOver = state.issuedAtMs + this.#lifetimeMs + RETRANSMISSION_MS < nowMs;
      if (!isOver) {
        if (this.#states.size < this.#capacity) return;
        if (state.issuedAtMs > this.#droppedMs) this.#droppedMs = state.issuedAtMs;
      }
      this.#states.delete(nonce);
      // two a call keep up with any rate and never make one request pay for many
      if (++looked === 2) return;
    }
  }
}

/** Was this very request accepted within the life of its transaction? */
function wasNow(state: State, use: Use, nowMs: number): boolean {
  const sinceMs = nowMs - RETRANSMISSION_MS;
  if (state.nc === use.nc && state.mark === use.mark) return state.atMs >= sinceMs;
  const { older } = state;
  if (older === undefined) return false;
  for (let i = 0; i < older.length; i += 3)
    if (older[i] === use.nc && older[i + 1] === use.mark) return older[i + 2]! >= sinceMs;
  return false;
}
