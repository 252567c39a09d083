import type { AttemptWatcher, AuthOutcome, NonceLedger } from "../auth/attempts.js";
import { type Credentials, findCredentials } from "../auth/credentials.js";
import { digestResponse } from "../auth/digest.js";
import { digestUriFits } from "../auth/digest-uri.js";
import { type Nonce, NonceMint } from "../auth/nonce.js";
import { NonceUses, type Use } from "../auth/nonce-uses.js";
import { type AuthorizeRules, addressIn, mayCallAs, mayRegister, needsCredentials } from "../auth/policy.js";
import { makeRealms, type Realm, type RealmOptions, type Realms } from "../auth/realms.js";
import type { CredentialSource, DigestAlgorithm, Hasher } from "../auth/source.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import type { HeaderField, MaybePromise } from "../message/result.js";
import { parseSipUri, type SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Entropy } from "../port/entropy.js";
import type { Flow, Leg } from "../port/leg.js";
import { type Log, NO_LOG } from "../port/log.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import { nodeHasher } from "./hasher.js";

export interface AuthorizeOptions {
  readonly dispatcher: DispatcherPort;
  /** Knows the users. */
  readonly source: CredentialSource;
  /** `registrar` answers 401 to REGISTER (RFC 3261 §22.2), `proxy` answers 407 to other requests (§22.3); `registrar` when not given. */
  readonly purpose?: "registrar" | "proxy";
  /** One realm for every domain. */
  readonly realm?: string;
  /** Several realms, each for its own domains. With neither `realm` nor `realms` each domain is its own realm. */
  readonly realms?: readonly RealmOptions[];
  /** Domains whose users are asked for credentials, unless `realms` says; every domain when not given. */
  readonly domains?: readonly string[];
  /** Offered in this order, unless `realms` says; MD5 alone when not given, since the other offers break real phones. */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** How long a nonce serves, in seconds; 300 when not given. */
  readonly nonceSeconds?: number;
  /** Asks nobody for credentials while true. */
  readonly open?: boolean | (() => boolean);
  /** What users may do beside speaking for themselves. */
  readonly rules?: AuthorizeRules;
  /** Further names of this server that clients may write in a digest-uri. */
  readonly aliases?: readonly string[];
  /** Limits attempts and hears outcomes: a guard. */
  readonly watcher?: AttemptWatcher;
  /** Shared by all processes that share the key; without one, a nonce serves only at the process that issued it. */
  readonly ledger?: NonceLedger;
  /** Nonces whose uses are kept; 65,536 when not given. */
  readonly nonceCapacity?: number;
  /** Requests that may wait for the source at a time; 10,000 when not given. Beyond them: 503. */
  readonly maxWaiting?: number;
  readonly hasher?: Hasher;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  readonly log?: Log;
}

const OPTION_NAMES: ReadonlySet<string> = new Set(
  (
    "dispatcher source purpose realm realms domains algorithms nonceSeconds open rules aliases watcher ledger " +
    "nonceCapacity maxWaiting hasher clock entropy log"
  ).split(" "),
);

/** A byte-identical request may come again for this long after its nonce ended: 64*T1, the life of its transaction (§17.1.2.2). */
const RETRANSMISSION_MS = 32_000;

/** A request whose credentials are being looked at. */
interface Attempt {
  readonly request: SipRequest;
  readonly leg: Leg;
  readonly from: Flow;
  readonly context: ReceiveContext;
  readonly realm: Realm;
  readonly credentials: Credentials;
  /** `undefined` for an invented one: the rest is done all the same. */
  readonly nonce: Nonce;
}

/**
 * Asks for credentials and believes none that do not fit (RFC 3261 §22, RFC 7616, RFC 8760), after Net::SIP::Authorize: a link of
 * a receive chain. What it lets through carries `context.identity`; everything else it answers.
 */
export class Authorize implements Receiver {
  /** How often each outcome came up. */
  readonly counters: Readonly<Record<AuthOutcome, number>>;
  readonly #counters: Record<AuthOutcome, number>;
  readonly #source: CredentialSource;
  readonly #purpose: "registrar" | "proxy";
  readonly #header: "authorization" | "proxy-authorization";
  readonly #challengeName: string;
  readonly #status: 401 | 407;
  readonly #realms: Realms;
  readonly #lifetimeMs: number;
  readonly #open: boolean | (() => boolean);
  readonly #rules: AuthorizeRules;
  readonly #aliases: ReadonlySet<string>;
  readonly #watcher: AttemptWatcher | undefined;
  readonly #ledger: NonceLedger | undefined;
  readonly #maxWaiting: number;
  readonly #hasher: Hasher;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #log: Log;
  readonly #mint: NonceMint;
  readonly #uses: NonceUses;
  /** Compared with for users that nobody knows; random, so that nobody can compute a response from it. */
  readonly #noHa1: Readonly<Record<DigestAlgorithm, string>>;
  readonly #markSalt: string;
  /** The last request under way for each address, so that those behind it keep their order (RFC 3261 §10.3). */
  readonly #underWay = new Map<string, Promise<number | undefined>>();
  #waiting = 0;

  /** @throws TypeError for an unknown option, a missing mandatory one, or a realm that cannot be */
  constructor(options: AuthorizeOptions) {
    for (const name of Object.keys(options)) {
      if (!OPTION_NAMES.has(name)) throw new TypeError(`Authorize: unknown option ${name}`);
    }
    if (options.dispatcher === undefined) throw new TypeError("Authorize: dispatcher is mandatory");
    if (typeof options.source?.ha1 !== "function")
      throw new TypeError("Authorize: source is mandatory, an object with a method ha1");
    const { purpose = "registrar", nonceSeconds = 300 } = options;
    if (purpose !== "registrar" && purpose !== "proxy")
      throw new TypeError("Authorize: purpose is registrar or proxy");
    if (!(nonceSeconds >= 1)) throw new TypeError("Authorize: nonceSeconds is at least 1");
    this.#source = options.source;
    this.#purpose = purpose;
    this.#header = purpose === "registrar" ? "authorization" : "proxy-authorization";
    this.#challengeName = purpose === "registrar" ? "WWW-Authenticate" : "Proxy-Authenticate";
    this.#status = purpose === "registrar" ? 401 : 407;
    this.#realms = makeRealms({
      ...(options.realm === undefined ? {} : { realm: options.realm }),
      ...(options.realms === undefined ? {} : { realms: options.realms }),
      ...(options.domains === undefined ? {} : { domains: options.domains }),
      ...(options.algorithms === undefined ? {} : { defaults: { algorithms: options.algorithms } }),
    });
    this.#lifetimeMs = nonceSeconds * 1000;
    this.#open = options.open ?? false;
    this.#rules = options.rules ?? {};
    this.#aliases = new Set((options.aliases ?? []).map((alias) => bareHost(alias.toLowerCase())));
    this.#watcher = options.watcher;
    this.#ledger = options.ledger;
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    this.#hasher = options.hasher ?? nodeHasher();
    this.#clock = options.clock ?? options.dispatcher.clock;
    this.#entropy = options.entropy ?? options.dispatcher.entropy;
    this.#log = options.log ?? NO_LOG;
    this.#mint = new NonceMint(
      { hasher: this.#hasher, clock: this.#clock, entropy: this.#entropy },
      { current: this.#entropy.hex(32), previous: null },
    );
    this.#uses = new NonceUses({
      capacity: options.nonceCapacity ?? 65_536,
      keepMs: this.#lifetimeMs + RETRANSMISSION_MS,
    });
    this.#noHa1 = {
      MD5: this.#entropy.hex(16),
      "SHA-256": this.#entropy.hex(32),
      "SHA-512-256": this.#entropy.hex(32),
    };
    this.#markSalt = this.#entropy.hex(16);
    this.#counters = {
      accepted: 0,
      forbidden: 0,
      challenged: 0,
      stale: 0,
      replayed: 0,
      wrong: 0,
      throttled: 0,
      malformed: 0,
      mismatched: 0,
      unavailable: 0,
    };
    this.counters = this.#counters;
  }

  /** Passes on what needs no credentials or has the right ones; answers the rest with 401 or 407, 400, 403 or 503. */
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext = {},
  ): MaybePromise<number | undefined> {
    if (packet.kind !== "request" || packet.via === undefined) return undefined;
    if (context.identity !== undefined || !needsCredentials(this.#purpose, packet)) return undefined;
    if (this.#open === true || (this.#open !== false && this.#open())) return undefined;
    const realm = this.#realmOf(packet);
    if (realm === undefined) return undefined;

    const credentials = findCredentials(packet.headers, this.#header, realm.name);
    if (credentials === undefined || !isOffered(credentials, realm))
      return this.#challenge("challenged", packet, leg, from, realm);
    if (credentials === "malformed") {
      this.#report("malformed", from, null);
      return this.#answer(packet, leg, from, 400, "Malformed Credentials");
    }
    if (
      !digestUriFits(credentials.uri, packet.uri, (host, port) => this.#isOwn(host, port, realm, leg, from))
    ) {
      this.#report("mismatched", from, credentials.username);
      return this.#answer(packet, leg, from, 400, "Digest URI Mismatch");
    }
    // an invented nonce, or one of another realm: nothing is looked up for it
    const nonce = this.#mint.open(credentials.nonce, { realm: realm.name, purpose: this.#purpose });
    if (nonce === undefined) return this.#challenge("challenged", packet, leg, from, realm);
    if (this.#watcher?.mayTry(from, credentials.username) === false)
      return this.#challenge("throttled", packet, leg, from, realm, credentials, nonce);
    return this.#lookUp({ request: packet, leg, from, context, realm, credentials, nonce });
  }

  /** The realm that must vouch for a request: of To for REGISTER, or of its Request-URI; else of From, whom the sender claims to be. */
  #realmOf(request: SipRequest): Realm | undefined {
    if (this.#purpose === "proxy") {
      const claimed = request.from?.sipUri;
      return claimed === undefined ? undefined : this.#realms.of(claimed.host);
    }
    const to = request.to?.sipUri ?? parseSipUri(request.uri);
    return to === undefined ? undefined : this.#realms.of(to.host);
  }

  #isOwn(host: string, port: number | null, realm: Realm, leg: Leg, from: Flow): boolean {
    if (realm.domains === null ? host === realm.name : realm.domains.has(host)) return true;
    const bare = bareHost(host);
    if (this.#aliases.has(bare)) return true;
    const { address } = leg.local;
    if (bare !== address && bare !== from.local.address && !isAnyAddress(address, bare)) return false;
    return port === null || port === leg.local.port;
  }

  #lookUp(attempt: Attempt): MaybePromise<number | undefined> {
    const { credentials, realm, request } = attempt;
    const order = this.#underWay.size === 0 ? undefined : this.#underWay.get(orderKey(request));
    let ha1: MaybePromise<string | null>;
    try {
      ha1 = this.#source.ha1(credentials.username, realm.name, credentials.algorithm ?? "MD5");
    } catch (error) {
      return this.#unavailable(attempt, error);
    }
    if (order === undefined && !(ha1 instanceof Promise)) return this.#judge(attempt, ha1);
    return this.#wait(attempt, order, Promise.resolve(ha1));
  }

  /** Judges when the source has answered and those before it for the same address are through. */
  #wait(
    attempt: Attempt,
    before: Promise<number | undefined> | undefined,
    ha1: Promise<string | null>,
  ): MaybePromise<number | undefined> {
    if (this.#waiting >= this.#maxWaiting) {
      ha1.catch(() => undefined);
      return this.#unavailable(attempt, new Error("too many requests wait for the accounts"));
    }
    this.#waiting++;
    const key = orderKey(attempt.request);
    const judged = Promise.allSettled([ha1, before]).then(([looked]) => {
      this.#waiting--;
      if (this.#underWay.get(key) === judged) this.#underWay.delete(key);
      return looked.status === "fulfilled"
        ? this.#judge(attempt, looked.value)
        : this.#unavailable(attempt, looked.reason);
    });
    this.#underWay.set(key, judged);
    return judged;
  }

  /** Is the response right, the nonce still good, the nc unused, and the user allowed? The same steps for users known and unknown. */
  #judge(attempt: Attempt, ha1: string | null): MaybePromise<number | undefined> {
    const { request, leg, from, realm, credentials, nonce } = attempt;
    const algorithm = credentials.algorithm ?? "MD5";
    const expected = digestResponse(this.#hasher, algorithm, ha1 ?? this.#noHa1[algorithm], {
      method: request.method,
      uri: credentials.uri,
      nonce: credentials.nonce,
      qop: credentials.qop === "other" ? "auth" : credentials.qop,
      nc: credentials.nc,
      cnonce: credentials.cnonce,
      body: request.body,
      session: credentials.session,
    });
    const isRight = this.#hasher.equal(expected, credentials.response);
    if (!isRight || ha1 === null)
      return this.#challenge("wrong", request, leg, from, realm, credentials, nonce);

    const nowMs = this.#clock.nowMs();
    const use: Use = {
      nonce: nonce.id,
      issuedAtMs: nonce.issuedAtMs,
      nc: credentials.qop === null ? 1 : credentials.ncValue,
      mark: this.#markOf(request, from),
    };
    const ageMs = nowMs - nonce.issuedAtMs;
    if (ageMs > this.#lifetimeMs || ageMs < -this.#lifetimeMs) {
      if (this.#uses.isRepeat(use)) return this.#accept(attempt);
      return this.#challenge("stale", request, leg, from, realm, credentials, nonce);
    }
    if (this.#ledger === undefined) {
      // without a ledger only the process that issued a nonce can know whether it was used
      if (nonce.process !== this.#mint.process)
        return this.#challenge("stale", request, leg, from, realm, credentials, nonce);
      return this.#use(attempt, use, nowMs);
    }
    const owner = this.#ledger.claim(nonce.id, this.#mint.process, nonce.issuedAtMs + this.#lifetimeMs);
    if (!(owner instanceof Promise)) return this.#claimed(attempt, use, owner, nowMs);
    return owner.then(
      (late) => this.#claimed(attempt, use, late, nowMs),
      (error: unknown) => this.#unavailable(attempt, error),
    );
  }

  #claimed(attempt: Attempt, use: Use, owner: number, nowMs: number): number | undefined {
    if (owner === this.#mint.process) return this.#use(attempt, use, nowMs);
    const { request, leg, from, realm, credentials, nonce } = attempt;
    return this.#challenge("stale", request, leg, from, realm, credentials, nonce);
  }

  #use(attempt: Attempt, use: Use, nowMs: number): number | undefined {
    const taken = this.#uses.take(use, nowMs);
    if (taken === "first" || taken === "repeat") return this.#accept(attempt);
    const { request, leg, from, realm, credentials, nonce } = attempt;
    const outcome = taken === "replay" ? "replayed" : "stale";
    return this.#challenge(outcome, request, leg, from, realm, credentials, nonce);
  }

  /** A keyed hash of the whole request and the way it came: nobody else's request, and no changed one, has the same. */
  #markOf(request: SipRequest, from: Flow): number {
    const hash = this.#hasher.digest("SHA-256", `${this.#markSalt}${from.token}\n${request.text}`);
    return Number.parseInt(hash.slice(0, 13), 16);
  }

  #accept(attempt: Attempt): number | undefined {
    const { request, leg, from, context, realm, credentials } = attempt;
    const identity = { user: credentials.username, realm: realm.name };
    const subject = this.#purpose === "registrar" ? request.to?.sipUri : request.from?.sipUri;
    if (subject !== undefined) {
      const may = (this.#purpose === "registrar" ? mayRegister : mayCallAs)(
        identity,
        addressIn(subject),
        realm.domains,
        this.#rules,
      );
      if (!may.ok) {
        this.#report("forbidden", from, credentials.username);
        return this.#answer(request, leg, from, may.status, may.reason);
      }
    }
    this.#report("accepted", from, credentials.username);
    context.identity = identity;
    return undefined;
  }

  /** 503 and not 401: the phone's password is not at fault, and it shall come again. */
  #unavailable(attempt: Attempt, error: unknown): number {
    const { request, leg, from } = attempt;
    this.#log.error(
      { error: error instanceof Error ? error.message : String(error) },
      "the accounts cannot be asked",
    );
    this.#report("unavailable", from, null);
    const retryAfter = String(5 + Math.floor(this.#entropy.unit() * 10));
    return this.#answer(request, leg, from, 503, "Service Unavailable", [
      { name: "Retry-After", value: retryAfter },
    ]);
  }

  #challenge(
    outcome: AuthOutcome,
    request: SipRequest,
    leg: Leg,
    from: Flow,
    realm: Realm,
    credentials?: Credentials,
    answered?: Nonce,
  ): number {
    const nonce = this.#mint.issue({ realm: realm.name, purpose: this.#purpose }, from.address);
    const stale = outcome === "stale" || outcome === "replayed" ? ", stale=true" : "";
    const headers: HeaderField[] = [];
    for (const afterNonce of realm.afterNonce)
      headers.push({ name: this.#challengeName, value: realm.beforeNonce + nonce + afterNonce + stale });
    this.#report(outcome, from, credentials?.username ?? null, answered);
    return this.#answer(request, leg, from, this.#status, undefined, headers);
  }

  #report(outcome: AuthOutcome, from: Flow, user: string | null, answered?: Nonce): void {
    this.#counters[outcome]++;
    this.#watcher?.report({
      outcome,
      from,
      user,
      returnRoutable: answered !== undefined && this.#mint.wentTo(answered, from.address),
    });
  }

  #answer(
    request: SipRequest,
    leg: Leg,
    from: Flow,
    status: number,
    reason?: string,
    headers?: readonly HeaderField[],
  ): number {
    const toTag = this.#entropy.hex(8);
    const text = respond(request, from, {
      status,
      toTag,
      ...(reason === undefined ? {} : { reason }),
      ...(headers === undefined ? {} : { headers }),
    });
    leg.respond(text, request.via!, from);
    return status;
  }
}

/** Do these credentials answer a challenge that this realm could have given? Others are answered with the right challenge. */
function isOffered(credentials: Credentials | "malformed", realm: Realm): boolean {
  if (credentials === "malformed") return true;
  const { algorithm, qop } = credentials;
  if (algorithm === null || !realm.algorithms.includes(algorithm)) return false;
  if (credentials.response.length === 0 || credentials.userhash) return false;
  if (qop === null) return realm.allowWithoutQop && !credentials.session;
  return qop !== "other" && credentials.ncValue > 0 && credentials.cnonce.length > 0;
}

/** A leg bound to every address has the one that a client wrote, as far as one can tell here. */
function isAnyAddress(bound: string, host: string): boolean {
  return (bound === "0.0.0.0" || bound === "::") && (host.includes(":") || /^[0-9.]+$/.test(host));
}

/** Requests for one address keep their order, whatever the source does. */
function orderKey(request: SipRequest): string {
  const uri: SipUri | undefined = request.to?.sipUri;
  return uri === undefined ? request.uri : `${uri.user ?? ""}@${uri.host}`;
}
