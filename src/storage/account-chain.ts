import type { CredentialSource, DigestAlgorithm } from "../auth/source.js";
import type { MaybePromise } from "../message/result.js";

/**
 * Several sources as one, asked in their order: the first that knows the user under this algorithm is believed. When one fails, so
 * does the whole: those behind it might know another password, and nobody may be called unknown for want of an answer.
 */
export function accountChain(sources: readonly CredentialSource[]): CredentialSource {
  if (sources.length === 1) return sources[0]!;
  const ask = (
    first: number,
    user: string,
    realm: string,
    algorithm: DigestAlgorithm,
  ): MaybePromise<string | null> => {
    for (let i = first; i < sources.length; i++) {
      const ha1 = sources[i]!.ha1(user, realm, algorithm);
      if (ha1 instanceof Promise) return ha1.then((late) => late ?? ask(i + 1, user, realm, algorithm));
      if (ha1 !== null) return ha1;
    }
    return null;
  };
  return { ha1: (user, realm, algorithm) => ask(0, user, realm, algorithm) };
}
