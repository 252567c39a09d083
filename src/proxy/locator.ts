import { aorOf, MAX_AOR_OCTETS } from "../location/aor.js";
import type { Binding, Bindings } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import { hasParam } from "../message/params.js";
import { type MaybePromise, ok, type Rejection, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Identity } from "../port/receiver.js";
import type { GruuTarget } from "./hooks.js";
import type { ProxyOptions, UserState } from "./options.js";
import type { Self } from "./self.js";

export interface LocatorOptions extends Pick<ProxyOptions, "userState" | "isReachable" | "resolveGruu"> {
  readonly store: LocationStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly self: Self;
}

const NOT_FOUND = reject(404, "Not Found");
const GONE = reject(410, "Gone");
const NOBODY = reject(480, "Temporarily Unavailable");

/** Asks the location service who a Request-URI of ours means (RFC 3261 §16.5). */
export class Locator {
  readonly #options: LocatorOptions;

  constructor(options: LocatorOptions) {
    this.#options = options;
  }

  /**
   * The live bindings that a Request-URI means; never none.
   * @param caller who asks, if that is proved
   * @returns 404 for a user who is not known, 410 for one who is gone, 480 for one without live bindings, 503 with
   *   Retry-After when the store is in trouble
   */
  find(uri: SipUri, caller: Identity | undefined): MaybePromise<Result<Bindings>> {
    try {
      const found = this.#find(uri, caller);
      return found instanceof Promise ? found.catch(() => this.#trouble()) : found;
    } catch {
      return this.#trouble();
    }
  }

  #find(uri: SipUri, caller: Identity | undefined): MaybePromise<Result<Bindings>> {
    const { resolveGruu } = this.#options;
    if (resolveGruu === undefined || !hasParam(uri.params, "gr")) return this.#byAor(uri, caller);
    return then(resolveGruu(uri), (target) => {
      if (target === undefined) return this.#byAor(uri, caller);
      return target.ok ? this.#byGruu(target) : target;
    });
  }

  #byGruu(target: GruuTarget): MaybePromise<Result<Bindings>> {
    return then(this.#options.store.read(target.aor), (all) => target.bindings(this.#live(target.aor, all)));
  }

  #byAor(uri: SipUri, caller: Identity | undefined): MaybePromise<Result<Bindings>> {
    const aor = aorOf(uri);
    if (aor.length > MAX_AOR_OCTETS) return NOT_FOUND;
    return then(this.#options.store.read(aor), (all) => {
      const live = this.#live(aor, all);
      if (live.length > 0) return ok(live);
      return this.#absent(aor, all.length > 0, caller);
    });
  }

  #absent(aor: string, hasRecord: boolean, caller: Identity | undefined): MaybePromise<Rejection> {
    const { userState } = this.#options;
    if (userState === undefined) return hasRecord ? NOBODY : NOT_FOUND;
    return then(userState(aor, caller), rejectionOf);
  }

  #live(aor: string, all: Bindings): Bindings {
    const { clock, isReachable } = this.#options;
    const nowMs = clock.nowMs();
    const counts = (binding: Binding): boolean =>
      binding.expiresAtMs > nowMs && (isReachable === undefined || isReachable(aor, binding));
    return all.every(counts) ? all : all.filter(counts);
  }

  /** Never is trouble with the store shown as a user who is not registered. */
  #trouble(): Rejection {
    const value = String(2 + Math.floor(this.#options.entropy.unit() * 9));
    return reject(503, "Service Unavailable", [{ name: "Retry-After", value }]);
  }
}

function rejectionOf(state: UserState): Rejection {
  switch (state) {
    case "unknown":
      return NOT_FOUND;
    case "known":
      return NOBODY;
    case "gone":
      return GONE;
  }
}

/** Goes on with a value now, or when it is there. */
function then<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
