import type { Clock } from "../port/clock.js";
import type { Log } from "../port/log.js";

/** What a guard allows. Counts are for one source: an IPv4 address or an IPv6 /64. */
export interface GuardOptions {
  readonly clock: Clock;
  readonly log?: Log;
  /**
   * Networks that are never limited nor banned; the loopback networks when not given: what comes from there is this machine's
   * own, a tool of the operator or a proxy in front that speaks for many.
   */
  readonly allow?: readonly string[];
  /** Networks that are never heard. */
  readonly deny?: readonly string[];
  /** Requests a second, in the long run, that do not prove a user: 1,500 when not given. Those that do are given back. */
  readonly requestsPerSecond?: number;
  /** How many may come at once: four times `requestsPerSecond` when not given. */
  readonly burst?: number;
  /** Wrong passwords for one user from one source before further ones are not looked at: 5 when not given. */
  readonly attempts?: number;
  /** Seconds until one more is looked at; 30 when not given. */
  readonly attemptSeconds?: number;
  /** Different users with wrong passwords within ten minutes that get a source banned, when nobody proved to be a user there lately: 16 when not given, at most 48. */
  readonly banUsers?: number;
  /** Seconds of a first ban; 300 when not given. Each further one within a day is twice as long, up to an hour. */
  readonly banSeconds?: number;
  /** Sources, and users at sources, that are kept in mind; 65,536 each when not given. */
  readonly capacity?: number;
}

export const LOOPBACK: readonly string[] = ["127.0.0.0/8", "::1"];

const OPTION_NAMES: ReadonlySet<string> = new Set(
  "clock log allow deny requestsPerSecond burst attempts attemptSeconds banUsers banSeconds capacity".split(
    " ",
  ),
);

/** The numbers of a guard with what was not given filled in; times in milliseconds. */
export interface GuardLimits {
  readonly perMs: number;
  readonly burst: number;
  readonly attempts: number;
  readonly attemptMs: number;
  readonly banUsers: number;
  readonly banMs: number;
  readonly capacity: number;
}

/**
 * Fills in what was not given.
 * @throws TypeError for an unknown option, or a number that cannot be
 */
export function guardLimits(options: GuardOptions): GuardLimits {
  for (const name of Object.keys(options)) {
    if (!OPTION_NAMES.has(name)) throw new TypeError(`Guard: unknown option ${name}`);
  }
  if (options.clock === undefined) throw new TypeError("Guard: clock is mandatory");
  const {
    requestsPerSecond = 1500,
    burst = 4 * requestsPerSecond,
    attempts = 5,
    attemptSeconds = 30,
  } = options;
  const { banUsers = 16, banSeconds = 300, capacity = 65_536 } = options;
  for (const [name, value] of Object.entries({
    requestsPerSecond,
    burst,
    attempts,
    attemptSeconds,
    banUsers,
    banSeconds,
    capacity,
  })) {
    if (!(Number.isFinite(value) && value >= 1)) throw new TypeError(`Guard: ${name} is a number from 1`);
  }
  if (banUsers > 48) throw new TypeError("Guard: banUsers is at most 48");
  return {
    perMs: requestsPerSecond / 1000,
    burst,
    attempts,
    attemptMs: attemptSeconds * 1000,
    banUsers,
    banMs: banSeconds * 1000,
    capacity,
  };
}
