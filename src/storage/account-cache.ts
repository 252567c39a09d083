import { RecentMap } from "../auth/recent-map.js";
import type { CredentialSource, DigestAlgorithm } from "../auth/source.js";
import type { MaybePromise } from "../message/result.js";
import type { Clock } from "../port/clock.js";

export interface AccountCacheOptions {
  readonly clock: Clock;
  /** How long a user that the source knows is believed; 60,000 ms when not given. */
  readonly knownMs?: number;
  /** How long a user that it does not know is not asked for again; 5,000 ms when not given. */
  readonly unknownMs?: number;
  /** Known users that are kept, and as many unknown ones by themselves, so that no scan drives out the others; 10,000 when not given. */
  readonly capacity?: number;
}

/** A source that remembers for a short time what another one said. */
export interface AccountCache extends CredentialSource {
  /** Forgets everything, so that what was changed in the source takes effect at once. */
  clear(): void;
}

interface Answer {
  readonly ha1: string | null;
  readonly untilMs: number;
}

/**
 * Remembers the answers of a source that is slow to ask, and asks it once for all who want to know the same at the same time. What
 * it fails to answer is never remembered. A store in this process needs no cache, and gets none: what is set there holds at once.
 */
export function accountCache(source: CredentialSource, options: AccountCacheOptions): AccountCache {
  const { clock, knownMs = 60_000, unknownMs = 5000, capacity = 10_000 } = options;
  let known = new RecentMap<Answer>(capacity);
  let unknown = new RecentMap<Answer>(capacity);
  let asking = new Map<string, Promise<string | null>>();

  const keep = (key: string, ha1: string | null): string | null => {
    const nowMs = clock.nowMs();
    if (ha1 === null) {
      known.delete(key);
      unknown.set(key, { ha1, untilMs: nowMs + unknownMs });
    } else {
      unknown.delete(key);
      known.set(key, { ha1, untilMs: nowMs + knownMs });
    }
    return ha1;
  };

  const askLater = (key: string, answer: Promise<string | null>): Promise<string | null> => {
    const among = asking;
    const settled = answer.then(
      (ha1) => {
        // an answer from before `clear` may be out of date: it serves those who asked, and is not kept
        if (among === asking) keep(key, ha1);
        among.delete(key);
        return ha1;
      },
      (error: unknown) => {
        among.delete(key);
        throw error;
      },
    );
    among.set(key, settled);
    return settled;
  };

  return {
    ha1(user: string, realm: string, algorithm: DigestAlgorithm): MaybePromise<string | null> {
      // neither part of a key can hold a line end: it came in one header field
      const key = `${algorithm}\n${realm}\n${user}`;
      const kept = known.get(key) ?? unknown.get(key);
      if (kept !== undefined && kept.untilMs > clock.nowMs()) return kept.ha1;
      const pending = asking.get(key);
      if (pending !== undefined) return pending;
      const answer = source.ha1(user, realm, algorithm);
      return answer instanceof Promise ? askLater(key, answer) : keep(key, answer);
    },
    clear() {
      known = new RecentMap(capacity);
      unknown = new RecentMap(capacity);
      asking = new Map();
    },
  };
}
