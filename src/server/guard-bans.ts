/** A ban of one source, now or lately. */
export interface Ban {
  readonly untilMs: number;
  /** Bans in a row, this one included. */
  readonly times: number;
  /** About how many different users failed there. */
  readonly users: number;
}

/** Each ban within this long of the one before is twice as long. */
const FORGET_MS = 86_400_000;
/** No ban is longer, unless the first one is. */
const LONGEST_MS = 3_600_000;
const MOST = 16_384;

/** Bans by source, each of which ends by itself. When there are too many, the oldest is lifted. */
export class Bans {
  readonly #firstMs: number;
  readonly #bans = new Map<string, Ban>();

  /** @param firstMs length of a first ban */
  constructor(firstMs: number) {
    this.#firstMs = firstMs;
  }

  /** The ban of a source that is in force, or `undefined`. */
  of(source: string, nowMs: number): Ban | undefined {
    if (this.#bans.size === 0) return undefined;
    const ban = this.#bans.get(source);
    return ban !== undefined && ban.untilMs > nowMs ? ban : undefined;
  }

  /** Bans a source from now on; for how long, depends on those before. */
  ban(source: string, users: number, nowMs: number): Ban {
    const before = this.#bans.get(source);
    const times = before !== undefined && nowMs - before.untilMs < FORGET_MS ? before.times + 1 : 1;
    const lengthMs = Math.min(Math.max(LONGEST_MS, this.#firstMs), this.#firstMs * 2 ** (times - 1));
    const ban = { untilMs: nowMs + lengthMs, times, users };
    this.#bans.delete(source);
    if (this.#bans.size >= MOST) this.#bans.delete(this.#bans.keys().next().value ?? "");
    this.#bans.set(source, ban);
    return ban;
  }

  /** Forgets the bans of a source; was one in force? */
  lift(source: string, nowMs: number): boolean {
    const wasBanned = this.of(source, nowMs) !== undefined;
    this.#bans.delete(source);
    return wasBanned;
  }

  /** Those in force, oldest first. */
  list(nowMs: number): { readonly source: string; readonly untilMs: number }[] {
    const current: { source: string; untilMs: number }[] = [];
    for (const [source, { untilMs }] of this.#bans) if (untilMs > nowMs) current.push({ source, untilMs });
    return current;
  }
}
