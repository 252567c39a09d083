import { isKnownMethod } from "./last-word.js";

/** What the dispatcher counted since it was made: plain numbers, read when somebody looks. */
export interface DispatcherCounters {
  /** Messages that were neither handled nor answered, because no answer could be addressed. */
  dropped: number;
  /** Responses that matched no transaction and that no receiver took. */
  strayResponses: number;
  /** Counts one answered request. */
  answered(method: string, status: number): void;
  /** Every method and status seen, with how often. Methods that no RFC knows count as `other`. */
  answers(): { readonly method: string; readonly status: number; readonly count: number }[];
}

const STATUSES = 700;

/** A set of counters that starts at zero; bounded however many methods peers invent. */
export function dispatcherCounters(): DispatcherCounters {
  const byMethod = new Map<string, Float64Array>();
  return {
    dropped: 0,
    strayResponses: 0,
    answered(method, status) {
      const name = isKnownMethod(method) ? method : "other";
      let counts = byMethod.get(name);
      if (counts === undefined) {
        counts = new Float64Array(STATUSES);
        byMethod.set(name, counts);
      }
      counts[status]!++;
    },
    answers() {
      const seen: { method: string; status: number; count: number }[] = [];
      for (const [method, counts] of byMethod) {
        counts.forEach((count, status) => {
          if (count > 0) seen.push({ method, status, count });
        });
      }
      return seen;
    },
  };
}
