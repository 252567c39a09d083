import type { AttemptWatcher, AuthOutcome, AuthReport, Challenged } from "../auth/attempts.js";
import { RecentMap } from "../auth/recent-map.js";
import type { SipMessage } from "../message/message.js";
import type { Clock } from "../port/clock.js";
import type { Endpoint, Flow, Leg, Transport } from "../port/leg.js";
import { type Log, NO_LOG } from "../port/log.js";
import type { Receiver } from "../port/receiver.js";
import { Bans } from "./guard-bans.js";
import { type Networks, parseNetworks, sourceKey, sourceOctets } from "./guard-networks.js";
import { type GuardLimits, type GuardOptions, guardLimits, LOOPBACK } from "./guard-options.js";
import { Overdrafts } from "./guard-overdraft.js";
import { type Bucket, type ProvedFlow, provedFlow, refill, takeShare } from "./guard-share.js";
import {
  charge,
  failingUsers,
  forgetFailures,
  hashOf,
  newSource,
  noteFailure,
  type Source,
} from "./guard-source.js";
import { explainVerdict, type GuardView, type Listing } from "./guard-view.js";

/** Why something was not heard or not looked at. */
export type GuardReason = "denied" | "banned" | "rate" | "throttled";

/** How an address is treated before it did anything, and what it is counted as. */
interface Standing {
  readonly list: Listing;
  readonly key: string;
}

// what things cost, in requests
const DATAGRAM = 0.25;
const REQUEST = 1 - DATAGRAM;
const CONNECTION = 5;
const COSTS: Readonly<Partial<Record<AuthOutcome, number>>> = {
  wrong: 4,
  malformed: 1,
  mismatched: 1,
  // the challenge and its answer
  accepted: -2,
};

/** A success keeps a source from being banned for this long: phones refresh once an hour. */
const SUCCESS_MS = 3_600_000;
/** A flow that proved a user is heard through a ban for this long. */
const FLOW_MS = 7_200_000;
const MOST_STANDINGS = 8192;
/** Stands for every source in the count of wrong passwords whose challenge went to another address than they came from. */
const ELSEWHERE = "*";

/**
 * Stands in front of a chain and at the doors of the legs: holds floods, guessing and scans down without punishing the many behind
 * one address for one of them. Three measures, each healing by itself:
 *
 * - a budget of requests for each source, given back when a user proves itself. Beyond it a little of each flow is heard still, and
 *   what is dropped costs nothing;
 * - a limit on wrong passwords for one user from one source, whose further tries are answered without being looked at: one phone
 *   with a wrong password, however often it comes, has no other effect. Those that answer a challenge which went to another
 *   address may be forged: they are counted for the user by themselves, and lock nobody out who answers a challenge of its own;
 * - a ban, for a source where many different users fail and none succeeded lately. It is not heard at all, but for the flows
 *   that a user has proved itself on.
 *
 * Nothing is held against a UDP source whose challenges went elsewhere, so nobody gets another one banned by forging its address.
 * Memory is bounded whatever comes.
 */
export class Guard implements Receiver, AttemptWatcher {
  /** What was dropped or not looked at, by reason. */
  readonly counters: Readonly<Record<GuardReason, number>>;
  readonly #counters: Record<GuardReason, number> = { denied: 0, banned: 0, rate: 0, throttled: 0 };
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: GuardLimits;
  #allow: Networks;
  #deny: Networks;
  readonly #standings = new Map<string, Standing>();
  readonly #sources: RecentMap<Source>;
  readonly #pairs: RecentMap<Bucket>;
  /** What flows that proved nobody may send when their source has spent its budget. */
  readonly #overdrafts: Overdrafts;
  readonly #flows: RecentMap<ProvedFlow>;
  readonly #bans: Bans;

  /** @throws TypeError for an unknown option, a number that cannot be, or what is no network */
  constructor(options: GuardOptions) {
    this.#limits = guardLimits(options);
    this.#clock = options.clock;
    this.#log = options.log ?? NO_LOG;
    this.#allow = parseNetworks(options.allow ?? LOOPBACK);
    this.#deny = parseNetworks(options.deny ?? []);
    const { capacity, banMs } = this.#limits;
    this.#bans = new Bans(banMs);
    this.#sources = new RecentMap(capacity);
    this.#pairs = new RecentMap(capacity);
    this.#overdrafts = new Overdrafts(this.#limits, capacity);
    this.#flows = new RecentMap(2 * capacity);
    this.counters = this.#counters;
  }

  /**
   * Replaces the lists, for a reload. A list that is not given stays.
   * @throws TypeError for what is no network; both lists stay then
   */
  setLists(lists: { readonly allow?: readonly string[]; readonly deny?: readonly string[] }): void {
    const allow = lists.allow === undefined ? this.#allow : parseNetworks(lists.allow);
    const deny = lists.deny === undefined ? this.#deny : parseNetworks(lists.deny);
    this.#allow = allow;
    this.#deny = deny;
    this.#standings.clear();
  }

  /** May this peer be heard (UDP) or open a connection? For the dispatcher's option of the same name. */
  readonly admits = (remote: Endpoint, transport: Transport): boolean => {
    const standing = this.#standing(remote.address);
    if (standing.list === "allow") return true;
    if (standing.list === "deny") {
      this.#counters.denied++;
      return false;
    }
    const nowMs = this.#clock.nowMs();
    const isUdp = transport === "udp";
    const isBanned = this.#bans.of(standing.key, nowMs) !== undefined;
    const source = this.#source(standing.key, nowMs);
    charge(source, 0, this.#limits, nowMs);
    if (!isBanned && source.tokens >= 1) {
      source.tokens -= isUdp ? DATAGRAM : CONNECTION;
      return true;
    }
    if (isUdp) {
      const token = `udp:${remote.address}:${remote.port}`;
      const flow = this.#proved(token, nowMs);
      const isHeard =
        flow === undefined
          ? !isBanned && this.#overdrafts.begin(source, "datagrams", token, DATAGRAM, nowMs)
          : takeShare(flow, DATAGRAM, 1, nowMs);
      if (!isHeard) this.#drop(source, isBanned && flow === undefined ? "banned" : "rate");
      return isHeard;
    }
    if (!isBanned && this.#overdrafts.open(source, CONNECTION, nowMs)) return true;
    this.#drop(source, isBanned ? "banned" : "rate");
    return false;
  };

  /** Takes a request of a source that has spent its budget in silence, and closes the connection of one that is banned. */
  receive(packet: SipMessage, leg: Leg, from: Flow): number | undefined {
    if (packet.kind !== "request") return undefined;
    const { list, key } = this.#standing(from.address);
    if (list === "allow") return undefined;
    const nowMs = this.#clock.nowMs();
    const source = this.#source(key, nowMs);
    const isBanned = this.#bans.of(key, nowMs) !== undefined && this.#proved(from.token, nowMs) === undefined;
    if (list === "deny" || isBanned) {
      this.#drop(source, isBanned ? "banned" : "denied");
      if (from.isConnection) leg.disconnect(from);
      return 0;
    }
    const cost = from.isConnection ? 1 : REQUEST;
    charge(source, 0, this.#limits, nowMs);
    if (source.tokens >= cost) {
      source.tokens -= cost;
      return undefined;
    }
    if (this.#hearsBeyond(source, from, cost, nowMs)) return undefined;
    this.#drop(source, "rate");
    return 0;
  }

  /** May a flow go on although its source has spent its budget? Others behind the same address shall not pay for who spent it. */
  #hearsBeyond(source: Source, { token, isConnection }: Flow, cost: number, nowMs: number): boolean {
    const flow = this.#proved(token, nowMs);
    if (flow !== undefined) return takeShare(flow, cost, cost, nowMs);
    return isConnection
      ? this.#overdrafts.begin(source, "connections", token, cost, nowMs)
      : this.#overdrafts.goOn(source, token, cost, nowMs);
  }

  mayTry(from: Flow, user: string, challenged: Challenged = "here"): boolean {
    const { list, key } = this.#standing(from.address);
    if (list === "allow") return true;
    const isHere = challenged === "here" || from.isConnection;
    const pair = this.#pairs.peek(pairKey(isHere ? key : ELSEWHERE, user));
    if (pair === undefined) return true;
    const nowMs = this.#clock.nowMs();
    const { attempts, attemptMs } = this.#limits;
    refill(pair, attempts, attemptMs, nowMs);
    if (pair.tokens >= 1) return true;
    // a stranger behind the same address may not lock this phone out
    if (isHere && this.#proved(from.token, nowMs)?.user === user) return true;
    this.#counters.throttled++;
    return false;
  }

  /** What waits for the accounts is taken for a wrong password until it is told: a burst tries no more than its number. */
  hold(from: Flow, user: string, challenged: Challenged): void {
    const { list, key } = this.#standing(from.address);
    if (list === "allow") return;
    const isHere = challenged === "here" || from.isConnection;
    this.#failed(isHere ? key : ELSEWHERE, user, this.#clock.nowMs());
  }

  report(report: AuthReport): void {
    const { outcome, from, user } = report;
    const { list, key } = this.#standing(from.address);
    if (list === "allow") return;
    const nowMs = this.#clock.nowMs();
    const source = this.#source(key, nowMs);
    const cost = COSTS[outcome];
    if (cost !== undefined) charge(source, cost, this.#limits, nowMs);
    if (user === null) return;
    const isHere = report.returnRoutable || from.isConnection;
    if (report.isHeld === true && outcome !== "wrong") this.#release(isHere ? key : ELSEWHERE, user);
    if (outcome === "accepted") {
      source.successMs = nowMs;
      this.#prove(from.token, user, nowMs);
      this.#pairs.delete(pairKey(key, user));
    } else if (outcome === "wrong") {
      if (report.isHeld !== true) this.#failed(isHere ? key : ELSEWHERE, user, nowMs);
      if (isHere) this.#considerBan(source, user, nowMs);
    }
  }

  /** What is known of an address, and why it is treated as it is; `undefined` for what is no address. */
  explain(address: string): GuardView | undefined {
    const octets = sourceOctets(address);
    if (octets === undefined) return undefined;
    const { list, key } = this.#standing(address);
    const nowMs = this.#clock.nowMs();
    const source = this.#sources.peek(key);
    if (source !== undefined) charge(source, 0, this.#limits, nowMs);
    const ban = this.#bans.of(key, nowMs);
    const { burst } = this.#limits;
    const budget = source === undefined ? burst : Math.max(0, Math.floor(source.tokens));
    const [verdict, why] = explainVerdict(list, ban, budget, nowMs);
    return {
      source: key,
      verdict,
      why,
      bannedUntilMs: ban?.untilMs ?? null,
      lastSuccessMs: source !== undefined && source.successMs > 0 ? source.successMs : null,
      failingUsers: source === undefined ? 0 : failingUsers(source, nowMs),
      budget,
      dropped: source?.dropped ?? 0,
    };
  }

  /** The sources that are banned now. */
  bans(): { readonly source: string; readonly untilMs: number }[] {
    return this.#bans.list(this.#clock.nowMs());
  }

  /** How much is kept in mind: never more than five times `capacity`, whatever comes. */
  get tracked(): number {
    return this.#sources.size + this.#pairs.size + this.#overdrafts.tracked + this.#flows.size;
  }

  /** Lifts the ban of an address, and forgets what it did; was there one? */
  lift(address: string): boolean {
    const { key } = this.#standing(address);
    this.#sources.delete(key);
    return this.#bans.lift(key, this.#clock.nowMs());
  }

  #standing(address: string): Standing {
    let standing = this.#standings.get(address);
    if (standing === undefined) {
      const octets = sourceOctets(address);
      // what is no address cannot come from a socket; it is counted under its own name
      if (octets === undefined) standing = { list: "none", key: address };
      else {
        // what is denied is denied, also inside a network that is allowed
        const list = this.#deny.has(octets) ? "deny" : this.#allow.has(octets) ? "allow" : "none";
        standing = { list, key: sourceKey(octets) };
      }
      if (this.#standings.size >= MOST_STANDINGS) this.#standings.clear();
      this.#standings.set(address, standing);
    }
    return standing;
  }

  #source(key: string, nowMs: number): Source {
    let source = this.#sources.get(key);
    if (source === undefined) {
      source = newSource(key, this.#limits, nowMs);
      this.#sources.set(key, source);
    }
    return source;
  }

  #failed(key: string, user: string, nowMs: number): void {
    const { attempts, attemptMs } = this.#limits;
    const name = pairKey(key, user);
    let pair = this.#pairs.get(name);
    if (pair === undefined) {
      pair = { tokens: attempts, atMs: nowMs };
      this.#pairs.set(name, pair);
    }
    refill(pair, attempts, attemptMs, nowMs);
    pair.tokens = Math.max(0, pair.tokens - 1);
  }

  #release(key: string, user: string): void {
    const pair = this.#pairs.get(pairKey(key, user));
    if (pair !== undefined) pair.tokens = Math.min(this.#limits.attempts, pair.tokens + 1);
  }

  #considerBan(source: Source, user: string, nowMs: number): void {
    // what was under way when the ban began makes it no longer
    if (this.#bans.of(source.key, nowMs) !== undefined) return;
    const users = noteFailure(source, user, nowMs);
    const hadSuccess = source.successMs > 0 && nowMs - source.successMs < SUCCESS_MS;
    if (users < this.#limits.banUsers || hadSuccess) return;
    forgetFailures(source, nowMs);
    const { untilMs, times } = this.#bans.ban(source.key, users, nowMs);
    const seconds = Math.round((untilMs - nowMs) / 1000);
    this.#log.warn({ source: source.key, seconds, users, times }, "source banned");
  }

  /** This flow, when a user proved itself on it lately. */
  #proved(token: string, nowMs: number): ProvedFlow | undefined {
    const flow = this.#flows.peek(token);
    return flow !== undefined && nowMs - flow.provedAtMs < FLOW_MS ? flow : undefined;
  }

  #prove(token: string, user: string, nowMs: number): void {
    const flow = this.#flows.get(token);
    if (flow === undefined) {
      this.#flows.set(token, provedFlow(user, nowMs));
      return;
    }
    flow.user = user;
    flow.provedAtMs = nowMs;
  }

  #drop(source: Source, reason: GuardReason): void {
    source.dropped++;
    this.#counters[reason]++;
  }
}

/** Long names are cut: what is kept of each is bounded. */
function pairKey(source: string, user: string): string {
  return `${source} ${user.length > 64 ? `${user.slice(0, 64)}${hashOf(user)}` : user}`;
}
