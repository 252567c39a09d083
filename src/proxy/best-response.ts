import type { SipResponse } from "../message/message.js";
import type { HeaderField, Rejection } from "../message/result.js";

/** A final answer that a branch ended with: a response from further on, or our own word on why there is none. */
export type Outcome =
  | { readonly kind: "response"; readonly response: SipResponse }
  | { readonly kind: "own"; readonly rejection: Rejection };

function statusOf(outcome: Outcome): number {
  return outcome.kind === "response" ? outcome.response.status : outcome.rejection.status;
}

/**
 * How good a final response is for the caller; the lowest wins (RFC 3261 §16.7 step 6): 6xx before all, then the lowest
 * class; within 4xx first what affects the next try, last what says nothing about the user. A 503 is worse than any 5xx.
 */
function rank(status: number): number {
  if (status >= 600) return 0;
  const hundred = Math.trunc(status / 100) * 100;
  switch (status) {
    case 401:
    case 407:
      return hundred;
    case 415:
    case 420:
    case 484:
      return hundred + 1;
    case 480:
      return hundred + 20;
    case 408:
    case 430:
      return hundred + 30;
    case 487:
      return hundred + 40;
    // a limit of ours, on one of many ways
    case 440:
      return hundred + 45;
    case 503:
      return hundred + 50;
    default:
      return hundred + 10;
  }
}

/** Gathers the final responses of all branches, keeps the best one and every challenge (§16.7 steps 4, 6 and 7). */
export class BestResponse {
  #best: Outcome | undefined;
  #challenges: SipResponse[] | undefined;

  add(outcome: Outcome): void {
    const status = statusOf(outcome);
    if (outcome.kind === "response" && (status === 401 || status === 407)) {
      this.#challenges ??= [];
      this.#challenges.push(outcome.response);
    }
    if (this.#best === undefined || rank(status) < rank(statusOf(this.#best))) this.#best = outcome;
  }

  get best(): Outcome | undefined {
    return this.#best;
  }

  /** Is the best one so far a 6xx, after which nobody else is tried? */
  get isDecisive(): boolean {
    return this.#best !== undefined && statusOf(this.#best) >= 600;
  }

  /** §16.7 step 7: the challenges of all the other 401 and 407 responses, to go along with the chosen one. */
  otherChallenges(chosen: SipResponse): HeaderField[] {
    const fields: HeaderField[] = [];
    for (const response of this.#challenges ?? []) {
      if (response === chosen) continue;
      for (const value of response.headers.all("www-authenticate"))
        fields.push({ name: "WWW-Authenticate", value });
      for (const value of response.headers.all("proxy-authenticate"))
        fields.push({ name: "Proxy-Authenticate", value });
    }
    return fields;
  }
}
