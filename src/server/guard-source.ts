import type { Bucket } from "./guard-share.js";

/** What a source may be heard beyond its budget. */
export interface Overdraft {
  readonly datagrams: Bucket;
  /** By itself: forged datagrams spend nothing of what connections need, which cannot be forged. */
  readonly connections: Bucket;
}

/** What one source, an IPv4 address or an IPv6 /64, did lately. */
export interface Source {
  readonly key: string;
  /** Requests that may come; below zero for a while when some turned out to cost more, as wrong passwords do. */
  tokens: number;
  tokensAtMs: number;
  /** What is left beyond that; `undefined` until it is needed. */
  overdraft: Overdraft | undefined;
  /** When a user last proved itself; 0 when none did. */
  successMs: number;
  /** Users that failed since `windowMs`, as 64 bits by a hash of their names: how many differ, not which. */
  failedLow: number;
  failedHigh: number;
  windowMs: number;
  dropped: number;
}

/** How fast a budget fills and how much it holds, in requests. */
export interface Budget {
  readonly perMs: number;
  readonly burst: number;
}

const WINDOW_MS = 600_000;

/** A source that was never seen, with all of its budget. */
export function newSource(key: string, budget: Budget, nowMs: number): Source {
  return {
    key,
    tokens: budget.burst,
    tokensAtMs: nowMs,
    overdraft: undefined,
    successMs: 0,
    failedLow: 0,
    failedHigh: 0,
    windowMs: nowMs,
    dropped: 0,
  };
}

/** No debt takes longer than this to heal. */
const DEBT_MS = 1000;

/** Fills up for the time that passed, and takes a cost out (or puts it back). */
export function charge(source: Source, cost: number, { perMs, burst }: Budget, nowMs: number): void {
  const filled = Math.min(burst, source.tokens + Math.max(0, nowMs - source.tokensAtMs) * perMs);
  source.tokens = Math.max(-DEBT_MS * perMs, Math.min(burst, filled - cost));
  source.tokensAtMs = nowMs;
}

/** Notes that a user failed. @returns about how many different ones did within ten minutes */
export function noteFailure(source: Source, user: string, nowMs: number): number {
  if (nowMs - source.windowMs >= WINDOW_MS) forgetFailures(source, nowMs);
  const bit = hashOf(user) & 63;
  if (bit < 32) source.failedLow |= 1 << bit;
  else source.failedHigh |= 1 << (bit - 32);
  return failingUsers(source, nowMs);
}

export function forgetFailures(source: Source, nowMs: number): void {
  source.windowMs = nowMs;
  source.failedLow = 0;
  source.failedHigh = 0;
}

/** About how many different users failed within ten minutes: never more than did, and at most 64. */
export function failingUsers(source: Source, nowMs: number): number {
  return nowMs - source.windowMs >= WINDOW_MS ? 0 : bitsIn(source.failedLow) + bitsIn(source.failedHigh);
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x0100_0193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** How many bits are set in 32. */
function bitsIn(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest &= rest - 1) count++;
  return count;
}
