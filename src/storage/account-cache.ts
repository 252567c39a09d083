import { RecentMap } from "../auth/recent-map.js";
import type { CredentialSource, DigestAlgorithm, Ha1Answer } from "../auth/source.js";
import type { MaybePromise } from "../message/result.js";
import type { Clock } from "../port/clock.js";

export interface AccountCacheOptions {
  readonly clock: Clock;
  /** How long a user that the source knows is believed; 60,000 ms when not given. */
  readonly knownMs?: number;
  /** How long a user that it does not know is not asked for again, nor one whose response was wrong; 5,000 ms when not given. */
  readonly unknownMs?: number;
  /** Known users that are kept, and as many others by themselves, so that no scan drives out those; 10,000 when not given. */
  readonly capacity?: number;
}

/** A source that remembers for a short time what another one said. */
export interface AccountCache extends Required<CredentialSource> {
  /** Forgets everything, so that what was changed in the source takes effect at once. */
  clear(): void;
}

interface Answer {
  readonly ha1: Ha1Answer;
  /** When it came. */
  readonly atMs: number;
  /** Did a response not fit it? Only that keeps it from being asked for again: what right ones made us ask is for nobody to see. */
  readonly isDoubted: boolean;
}

/**
 * Remembers the answers of a source that is slow to ask, and asks it once for all who want to know the same at the same time. What
 * it fails to answer is never remembered. A store in this process needs no cache, and gets none: what is set there holds at once.
 *
 * A wrong response for a known user is asked about anew, as seldom as an unknown user is: the times of both run alike, whatever
 * those who have the right password make it remember.
 */
export function accountCache(source: CredentialSource, options: AccountCacheOptions): AccountCache {
  const { clock, knownMs = 60_000, unknownMs = 5000, capacity = 10_000 } = options;
  let known = new RecentMap<Answer>(capacity);
  /** Users that are unknown, and those that had a wrong response: in one, so that whoever overfills it learns nothing. */
  let others = new RecentMap<Answer>(capacity);
  let asking = new Map<string, Promise<Ha1Answer>>();

  const recent = (answers: RecentMap<Answer>, key: string, ms: number): Answer | undefined => {
    const answer = answers.get(key);
    return answer !== undefined && clock.nowMs() - answer.atMs < ms ? answer : undefined;
  };

  const keep = (key: string, ha1: Ha1Answer): Ha1Answer => {
    const answer = { ha1, atMs: clock.nowMs(), isDoubted: false };
    if (ha1 === null) {
      known.delete(key);
      others.set(key, answer);
    } else {
      others.delete(key);
      known.set(key, answer);
    }
    return ha1;
  };

  const askLater = (key: string, answer: Promise<Ha1Answer>): Promise<Ha1Answer> => {
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

  const ask = (
    key: string,
    user: string,
    realm: string,
    algorithm: DigestAlgorithm,
  ): MaybePromise<Ha1Answer> => {
    const pending = asking.get(key);
    if (pending !== undefined) return pending;
    const answer = source.ha1(user, realm, algorithm);
    return answer instanceof Promise ? askLater(key, answer) : keep(key, answer);
  };

  const doubt = (key: string, ha1: Ha1Answer): Ha1Answer => {
    const answer = known.get(key) ?? others.get(key);
    if (answer !== undefined) others.set(key, { ...answer, isDoubted: true });
    return ha1;
  };

  return {
    ha1(user, realm, algorithm) {
      const key = keyOf(user, realm, algorithm);
      const kept = recent(known, key, knownMs) ?? recent(others, key, unknownMs);
      return kept === undefined ? ask(key, user, realm, algorithm) : kept.ha1;
    },
    recheck(user, realm, algorithm, sinceMs) {
      const key = keyOf(user, realm, algorithm);
      const kept = recent(others, key, unknownMs);
      if (kept?.isDoubted === true) return kept.ha1;
      const own = known.get(key) ?? kept;
      if (own !== undefined && own.atMs >= sinceMs) return doubt(key, own.ha1);
      const answer = ask(key, user, realm, algorithm);
      return answer instanceof Promise ? answer.then((late) => doubt(key, late)) : doubt(key, answer);
    },
    clear() {
      known = new RecentMap(capacity);
      others = new RecentMap(capacity);
      asking = new Map();
    },
  };
}

/** Neither part of a key can hold a line end: it came in one header field. */
function keyOf(user: string, realm: string, algorithm: DigestAlgorithm): string {
  return `${algorithm}\n${realm}\n${user}`;
}
