import type { CredentialSource, DigestAlgorithm, Ha1Answer } from "../auth/source.js";
import type { MaybePromise } from "../message/result.js";

/**
 * Several sources as one, asked in their order: the first that knows the user is believed, though it has no hash of this algorithm.
 * When one fails, so does the whole: those behind it might know another password, and nobody may be called unknown for want of an
 * answer. A source that takes its time to answer belongs into `accountCache`, which knows what need not be asked twice.
 */
export function accountChain(sources: readonly CredentialSource[]): CredentialSource {
  if (sources.length === 1) return sources[0]!;
  const ask = (
    first: number,
    user: string,
    realm: string,
    algorithm: DigestAlgorithm,
  ): MaybePromise<Ha1Answer> => {
    for (let i = first; i < sources.length; i++) {
      const ha1 = sources[i]!.ha1(user, realm, algorithm);
      if (ha1 instanceof Promise) return ha1.then((late) => late ?? ask(i + 1, user, realm, algorithm));
      if (ha1 !== null) return ha1;
    }
    return null;
  };
  /** Asks all of them, as for a user whom none knows; the first answer counts all the same. */
  const askAll = (
    from: { readonly source: number; readonly found: Ha1Answer },
    user: string,
    realm: string,
    algorithm: DigestAlgorithm,
    sinceMs: number,
  ): MaybePromise<Ha1Answer> => {
    let { found } = from;
    for (let i = from.source; i < sources.length; i++) {
      const source = sources[i]!;
      const ha1 =
        source.recheck === undefined
          ? source.ha1(user, realm, algorithm)
          : source.recheck(user, realm, algorithm, sinceMs);
      if (ha1 instanceof Promise) {
        const before = found;
        return ha1.then((late) =>
          askAll({ source: i + 1, found: before ?? late }, user, realm, algorithm, sinceMs),
        );
      }
      found ??= ha1;
    }
    return found;
  };
  return {
    ha1: (user, realm, algorithm) => ask(0, user, realm, algorithm),
    recheck: (user, realm, algorithm, sinceMs) =>
      askAll({ source: 0, found: null }, user, realm, algorithm, sinceMs),
  };
}
