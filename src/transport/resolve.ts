import { isIpv4, isIpv6 } from "../message/host.js";
import { param } from "../message/params.js";
import { type MaybePromise, ok, type Result } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { bareHost, type Via } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Endpoint, Transport } from "../port/leg.js";
import { AnswerCache, QuerySlots } from "./resolve-cache.js";
import type { AddressFamily, AddressRecord, Dns, NaptrRecord, SrvRecord } from "./resolve-dns.js";
import { FailedTargets } from "./resolve-failed.js";
import { isSecure } from "./resolve-order.js";
import { type Lookups, NO_TRANSPORT, type Question, Search } from "./resolve-search.js";

/** One place where a server listens, and how to get there. */
export interface Target extends Endpoint {
  readonly transport: Transport;
  /** Name to verify in its certificate: the domain that was asked for, not what DNS made of it (RFC 5922 §7.3); TLS only. */
  readonly serverName?: string;
}

/** How one URI is resolved. */
export interface ResolveOptions {
  /** Only over TLS, also for a SIP URI. */
  readonly secure?: boolean;
  /** Transports to choose from; those of the resolver when not given. */
  readonly transports?: readonly Transport[];
  /** The same order each time, as a stateless proxy needs it (RFC 3263 §4.4); also without regard to what failed. */
  readonly stable?: boolean;
}

export interface ResolverOptions {
  readonly dns: Dns;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Transports that there is a leg for, preferred ones first. */
  readonly transports: readonly Transport[];
  /** Families of addresses that there is a leg for, in the order to try them; both, IPv4 first, when not given. */
  readonly families?: readonly AddressFamily[];
  /** Most seconds that an answer is kept, and how long SRV and NAPTR records are, whose TTL Node does not tell; 60 when not given. */
  readonly cacheSec?: number;
  /** Seconds that the absence of a record is kept; 10 when not given. */
  readonly negativeSec?: number;
  /** Seconds beyond its time that an old answer does when the name service is silent; 300 when not given. */
  readonly staleSec?: number;
  /** Names kept of each kind of record; 4096 when not given. */
  readonly cacheEntries?: number;
  /** Queries under way at once; 64 when not given. Ten times as many wait. */
  readonly queries?: number;
  /** Milliseconds to wait for one query; 5000 when not given. A silent name service is asked four times at most for one URI, one behind the other. */
  readonly queryTimeoutMs?: number;
  /** Seconds that a target which failed comes last; 30 when not given. */
  readonly failedSec?: number;
}

/** Finds the servers of a URI (RFC 3263). */
export interface Resolver {
  /**
   * The servers of a URI in the order to try them (§4); at once when no name has to be asked for, or all answers are kept.
   * @returns 404 when there is nothing at the name, 503 when the name service does not answer, is asked too much, or no
   * transport of ours fits
   */
  resolve(uri: SipUri, options?: ResolveOptions): MaybePromise<Result<readonly Target[]>>;
  /** Where to send a response when its connection, or its source, is gone (§5): by the sent-by of its Via. */
  resolveVia(via: Via): MaybePromise<Result<readonly Target[]>>;
  /**
   * Says that a target did not answer, or answered 503 (§4.3): it comes last for a while.
   * @param seconds what its Retry-After says (RFC 3261 §21.5.4), at most 300
   */
  markFailed(target: Target, seconds?: number): void;
}

/** Targets that are remembered as failed. */
const MOST_FAILED = 1024;

/** A resolver over a name service. */
export function createResolver(options: ResolverOptions): Resolver {
  const { clock, entropy, transports, families = [4, 6], failedSec = 30 } = options;
  const lookups = cachedLookups(options, families);
  const failed = new FailedTargets(clock, MOST_FAILED);

  const search = (question: Question, stable: boolean): MaybePromise<Result<readonly Target[]>> => {
    const found = new Search(lookups, question, stable ? undefined : () => entropy.unit()).run();
    if (stable) return found;
    return found instanceof Promise ? found.then(lastFailed) : lastFailed(found);
  };
  const lastFailed = (found: Result<readonly Target[]>): Result<readonly Target[]> =>
    found.ok && found.value.length > 1 ? ok(failed.last(found.value)) : found;

  return {
    resolve(uri, { secure = false, transports: usable = transports, stable = false } = {}) {
      const question = questionOf(uri, secure, usable);
      return question.ok ? search(question.value, stable) : question;
    },
    resolveVia(via) {
      const transport = via.transport.toLowerCase();
      if (!isTransport(transport) || !transports.includes(transport)) return NO_TRANSPORT;
      const { host, port } = via;
      return search(
        { host, port, transport, secure: isSecure(transport), transports, serverName: nameOf(host) },
        false,
      );
    },
    markFailed: (target, seconds = failedSec) => failed.add(target, seconds),
  };
}

/** §4: TARGET is the `maddr` of a URI, or else its host; the transport is what it asks for, made secure where it must be. */
function questionOf(uri: SipUri, forceSecure: boolean, transports: readonly Transport[]): Result<Question> {
  const secure = forceSecure || uri.scheme === "sips";
  const host = param(uri.params, "maddr") ?? uri.host;
  const serverName = nameOf(uri.host) ?? nameOf(host);
  const asked = param(uri.params, "transport")?.toLowerCase();
  const question = { host, port: uri.port, secure, transports, serverName };
  if (asked === undefined) return ok({ ...question, transport: undefined });
  const transport = isTransport(asked) ? (secure ? SECURED[asked] : asked) : undefined;
  if (transport === undefined || !transports.includes(transport)) return NO_TRANSPORT;
  return ok({ ...question, transport });
}

/** What a transport is over TLS (RFC 3261 §26.2.2, RFC 7118 §5); there is nothing for UDP. */
const SECURED: Readonly<Record<Transport, Transport | undefined>> = {
  udp: undefined,
  tcp: "tls",
  tls: "tls",
  ws: "wss",
  wss: "wss",
};

function isTransport(text: string): text is Transport {
  return Object.hasOwn(SECURED, text);
}

/** A host that is a name; `undefined` for an address, which has nothing to verify by. */
function nameOf(host: string): string | undefined {
  const bare = bareHost(host);
  return isIpv4(bare) || isIpv6(bare) ? undefined : host;
}

function cachedLookups(options: ResolverOptions, families: readonly AddressFamily[]): Lookups {
  const { dns, clock, cacheSec = 60, negativeSec = 10, staleSec = 300, cacheEntries = 4096 } = options;
  const { queries = 64, queryTimeoutMs = 5_000 } = options;
  const slots = new QuerySlots({
    clock,
    concurrent: queries,
    waiting: queries * 10,
    timeoutMs: queryTimeoutMs,
  });
  const shared = { clock, slots, cacheSec, negativeSec, staleSec, entries: cacheEntries };
  const untold = (): null => null;
  const naptr = new AnswerCache<NaptrRecord>({
    ...shared,
    query: (name) => dns.naptr(name),
    ttlSecOf: untold,
  });
  const srv = new AnswerCache<SrvRecord>({ ...shared, query: (name) => dns.srv(name), ttlSecOf: untold });
  const addresses = families.map(
    (family) =>
      new AnswerCache<AddressRecord>({
        ...shared,
        query: (name) => dns.addresses(name, family),
        ttlSecOf: shortestTtl,
      }),
  );
  return {
    naptr: (name) => naptr.find(name),
    srv: (name) => srv.find(name),
    addresses: (name) => addresses.map((cache) => cache.find(name)),
    loopback: families.map((family) => (family === 4 ? "127.0.0.1" : "::1")),
  };
}

/** Seconds until the first of some records is no longer good; `null` when none says. */
function shortestTtl(records: readonly AddressRecord[]): number | null {
  let shortest: number | null = null;
  for (const { ttlSec } of records) {
    if (ttlSec !== null && (shortest === null || ttlSec < shortest)) shortest = ttlSec;
  }
  return shortest;
}
