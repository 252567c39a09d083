import { RecentMap } from "../auth/recent-map.js";
import { type Bucket, refill } from "./guard-share.js";
import type { Budget, Overdraft, Source } from "./guard-source.js";

/** Requests that a flow may send at once, and the time for one more, when its source has spent its budget. */
const SHARE = 10;
const SHARE_MS = 1000;
/** A flow with this much of its share is new or modest: enough for a challenge, its answer and a retransmission or two. */
const MODEST = SHARE - 4;

/**
 * Gives out what sources may be heard beyond their budgets, so that whoever spends the budget of a source silences nobody else
 * there. Each flow has a little share of its own, and the shares of one source are paid from its overdraft, which bounds them
 * all, however many flows are invented: half of the budget for datagrams, and half for connections. New and modest flows come
 * first: the others get nothing of the last half of an overdraft. What is refused costs its source nothing.
 */
export class Overdrafts {
  readonly #most: number;
  readonly #everyMs: number;
  readonly #reserve: number;
  readonly #shares: RecentMap<Bucket>;

  /** @param capacity most flows whose shares are kept in mind */
  constructor({ perMs, burst }: Budget, capacity: number) {
    this.#most = Math.max(SHARE, burst / 2);
    this.#everyMs = 2 / perMs;
    this.#reserve = this.#most / 2;
    this.#shares = new RecentMap(capacity);
  }

  /** Flows whose shares are kept in mind. */
  get tracked(): number {
    return this.#shares.size;
  }

  /** May a flow be heard now? Takes `cost` then, at most one request; a whole one must be left to it. */
  begin(source: Source, over: keyof Overdraft, token: string, cost: number, nowMs: number): boolean {
    const overdraft = this.#overdraft(source, over, nowMs);
    const share = this.#share(token, nowMs);
    const least = overdraft.tokens < this.#reserve ? MODEST : 1;
    if (overdraft.tokens >= 1 && (share === undefined || share.tokens >= least)) {
      this.#take(overdraft, share, token, cost, nowMs);
      return true;
    }
    // who goes on all the same is modest no longer; a phone that waits longer each time (RFC 3261 §17.1.2.2) stays so
    if (share === undefined) this.#shares.set(token, { tokens: SHARE - 1, atMs: nowMs });
    else if (share.tokens > 1) share.tokens = Math.max(1, share.tokens - 1);
    return false;
  }

  /** Takes the rest of a datagram that was begun, when it turned out to be a request; `false` when that is not left. */
  goOn(source: Source, token: string, cost: number, nowMs: number): boolean {
    const overdraft = this.#overdraft(source, "datagrams", nowMs);
    const share = this.#share(token, nowMs);
    if (overdraft.tokens < cost || (share !== undefined && share.tokens < cost)) return false;
    this.#take(overdraft, share, token, cost, nowMs);
    return true;
  }

  /** May one more connection be opened? The last half is kept for what connections have to say. */
  open(source: Source, cost: number, nowMs: number): boolean {
    const overdraft = this.#overdraft(source, "connections", nowMs);
    if (overdraft.tokens < this.#reserve) return false;
    overdraft.tokens -= cost;
    return true;
  }

  /** What is left to a flow; `undefined` for a new one, which has all of its share. */
  #share(token: string, nowMs: number): Bucket | undefined {
    const share = this.#shares.get(token);
    if (share !== undefined) refill(share, SHARE, SHARE_MS, nowMs);
    return share;
  }

  #take(overdraft: Bucket, share: Bucket | undefined, token: string, cost: number, nowMs: number): void {
    overdraft.tokens -= cost;
    if (share !== undefined) share.tokens -= cost;
    else this.#shares.set(token, { tokens: SHARE - cost, atMs: nowMs });
  }

  #overdraft(source: Source, over: keyof Overdraft, nowMs: number): Bucket {
    source.overdraft ??= {
      datagrams: { tokens: this.#most, atMs: nowMs },
      connections: { tokens: this.#most, atMs: nowMs },
    };
    const overdraft = source.overdraft[over];
    refill(overdraft, this.#most, this.#everyMs, nowMs);
    return overdraft;
  }
}
