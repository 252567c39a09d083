import type { AttemptWatcher, AuthOutcome } from "../auth/attempts.js";
import { type Credentials, findCredentials } from "../auth/credentials.js";
import { digestUriFits } from "../auth/digest-uri.js";
import type { Nonce } from "../auth/nonce.js";
import { NonceKeyring } from "../auth/nonce-keyring.js";
import { Nonces, type Spending } from "../auth/nonces.js";
import { type AuthorizeRules, addressIn, mayCallAs, mayRegister, needsCredentials } from "../auth/policy.js";
import { isOffered, makeRealms, type Realm, type Realms } from "../auth/realms.js";
import type { Hasher } from "../auth/source.js";
import { Turns } from "../auth/turns.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import type { MaybePromise } from "../message/result.js";
import { parseSipUri } from "../message/uri.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Flow, Leg } from "../port/leg.js";
import { type Log, NO_LOG } from "../port/log.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import { OwnNames } from "./authorize-names.js";
import { type AuthorizeOptions, checkAuthorizeOptions, defaultKeySec } from "./authorize-options.js";
import { type Claim, type Doubt, type Verdict, Verifier } from "./authorize-verify.js";
import { nodeHasher } from "./hasher.js";

/** A request that needs credentials of a realm. */
interface Asked {
  readonly request: SipRequest;
  readonly leg: Leg;
  readonly from: Flow;
  readonly context: ReceiveContext;
  readonly realm: Realm;
}

/** The same with credentials for this realm. */
interface Attempt extends Asked {
  readonly credentials: Credentials;
  /** Absent while they answer no challenge of ours. */
  claim?: Claim;
}

/** What credentials come to. `invented`: they answer no challenge of ours. */
type Evidence = "invented" | Verdict | Doubt;

/**
 * Asks for credentials and believes none that do not fit (RFC 3261 §22, RFC 7616, RFC 8760), after Net::SIP::Authorize: a link of
 * a receive chain. What it lets through carries `context.identity`; everything else it answers. `close` stops its one timer.
 */
export class Authorize implements Receiver {
  /** How often each outcome came up. */
  readonly counters: Readonly<Record<AuthOutcome, number>>;
  readonly #counters: Record<AuthOutcome, number>;
  readonly #verifier: Verifier;
  readonly #purpose: "registrar" | "proxy";
  readonly #header: "authorization" | "proxy-authorization";
  readonly #challengeName: string;
  readonly #status: 401 | 407;
  readonly #realms: Realms;
  readonly #open: boolean | (() => boolean);
  readonly #rules: AuthorizeRules;
  readonly #names: OwnNames;
  readonly #inDialog: AuthorizeOptions["inDialog"];
  readonly #watcher: AttemptWatcher | undefined;
  readonly #hasher: Hasher;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #log: Log;
  readonly #keyring: NonceKeyring;
  /** `undefined` until the keys are there. */
  #nonces: Nonces | undefined;
  readonly #markSalt: string;
  readonly #maxWaiting: number;
  #waitingForKeys = 0;
  readonly #turns: Turns<Attempt, number | undefined>;
  #troubleLoggedMs = Number.NEGATIVE_INFINITY;

  /** @throws TypeError for an unknown option, a missing mandatory one, or a realm that cannot be */
  constructor(options: AuthorizeOptions) {
    checkAuthorizeOptions(options);
    const { dispatcher, purpose = "registrar", nonceSeconds = 300 } = options;
    this.#purpose = purpose;
    this.#header = purpose === "registrar" ? "authorization" : "proxy-authorization";
    this.#challengeName = purpose === "registrar" ? "WWW-Authenticate" : "Proxy-Authenticate";
    this.#status = purpose === "registrar" ? 401 : 407;
    this.#realms = makeRealms(options);
    this.#open = options.open ?? false;
    this.#rules = options.rules ?? {};
    this.#names = new OwnNames(this.#realms, dispatcher.legs, options.aliases ?? []);
    this.#inDialog = options.inDialog;
    this.#watcher = options.watcher;
    this.#maxWaiting = options.maxWaiting ?? 10_000;
    this.#turns = new Turns({ keyOf: lineOf, most: this.#maxWaiting });
    this.#log = options.log ?? NO_LOG;
    const hasher = (this.#hasher = options.hasher ?? nodeHasher());
    const clock = (this.#clock = options.clock ?? dispatcher.clock);
    const entropy = (this.#entropy = options.entropy ?? dispatcher.entropy);
    this.#verifier = new Verifier({ source: options.source, watcher: this.#watcher, hasher, clock, entropy });
    const lifetimeMs = nonceSeconds * 1000;
    const { ledger, nonceCapacity: capacity = 131_072 } = options;
    this.#keyring = new NonceKeyring({
      secrets: options.secrets,
      clock,
      entropy,
      rotateMs: (options.keySeconds ?? defaultKeySec(nonceSeconds)) * 1000,
      refreshMs: Math.min(lifetimeMs / 2, 60_000),
      changed: (keys) => {
        if (this.#nonces !== undefined) this.#nonces.useKeys(keys);
        else this.#nonces = new Nonces({ hasher, clock, entropy, lifetimeMs, capacity, ledger }, keys);
      },
      failed: (error) => this.#logTrouble("the nonce keys cannot be read", error),
    });
    this.#markSalt = entropy.hex(16);
    this.#counters = noOutcomes();
    this.counters = this.#counters;
  }

  /** Stops looking for new keys. Requests are still judged. */
  close(): void {
    this.#keyring.close();
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
    const realm = this.#realmOf(packet, leg, from);
    if (realm === undefined || this.#inDialog?.(packet, leg, from) === true) return undefined;
    const asked = { request: packet, leg, from, context, realm };
    if (this.#nonces !== undefined) return this.#ask(asked, this.#nonces);
    return this.#firstKeys(asked);
  }

  /** Before the first keys are there nothing can be asked; those that wait for them go on in the order they came. */
  #firstKeys(asked: Asked): MaybePromise<number | undefined> {
    const goOn = (): MaybePromise<number | undefined> => this.#ask(asked, this.#nonces!);
    const fail = (error: unknown): number => this.#unavailable(asked, error);
    try {
      const ready = this.#keyring.ready();
      if (!(ready instanceof Promise)) return goOn();
      if (this.#waitingForKeys >= this.#maxWaiting) return fail(new Error("too many requests are waiting"));
      this.#waitingForKeys++;
      return ready.finally(() => this.#waitingForKeys--).then(goOn, fail);
    } catch (error) {
      return fail(error);
    }
  }

  /** The realm that must vouch for a request: for REGISTER that of To, else that of From, whom the sender claims to be. */
  #realmOf(request: SipRequest, leg: Leg, from: Flow): Realm | undefined {
    if (this.#purpose === "registrar") {
      const uri = request.to?.sipUri ?? parseSipUri(request.uri);
      return uri === undefined ? undefined : this.#realms.of(uri.host);
    }
    const uri = request.from?.sipUri;
    return uri === undefined ? undefined : this.#realms.of(this.#names.callerDomain(uri, leg, from));
  }

  /** Looks at what the client sent, up to the point where its password matters. */
  #ask(asked: Asked, nonces: Nonces): MaybePromise<number | undefined> {
    const { request, leg, from, realm } = asked;
    const credentials = findCredentials(request.headers, this.#header, realm.name);
    if (credentials === "malformed") {
      this.#report("malformed", asked);
      return this.#answer(asked, 400, "Malformed Credentials", "");
    }
    if (credentials === undefined || !isOffered(credentials, realm))
      return this.#challenge("challenged", asked);
    const isOwn = (host: string, port: number | null): boolean =>
      this.#names.isOwn(host, port, realm, leg, from);
    if (!digestUriFits(credentials.uri, request.uri, isOwn)) {
      this.#report("mismatched", { ...asked, credentials });
      return this.#answer(asked, 400, "Digest URI Mismatch", "");
    }
    const attempt: Attempt = { ...asked, credentials };
    try {
      return this.#take(attempt, this.#gather(attempt, nonces));
    } catch (error) {
      return this.#unavailable(attempt, error);
    }
  }

  /** Those that are right keep their order. A wrong one changes nothing, so it waits for none and none for it. */
  #take(attempt: Attempt, evidence: MaybePromise<Evidence>): MaybePromise<number | undefined> {
    const fail = (error: unknown): number => this.#unavailable(attempt, error);
    const resolve = (late: Verdict): MaybePromise<number | undefined> => this.#take(attempt, late);
    if (!(evidence instanceof Promise) && typeof evidence !== "string")
      return this.#turns.beside(evidence.verdict, { goOn: resolve, fail });
    return this.#turns.take(attempt, evidence, {
      inOrder: (found) => found === "right",
      goOn: (found) =>
        typeof found === "string" ? this.#judge(attempt, found) : found.verdict.then(resolve, fail),
      fail,
    });
  }

  /** Opens the nonce and asks the source; for a nonce that is none of ours nothing is looked up. */
  #gather(attempt: Attempt, nonces: Nonces): MaybePromise<Evidence> {
    const { credentials, realm } = attempt;
    const scope = { realm: realm.name, purpose: this.#purpose };
    const nonce = nonces.open(credentials.nonce, scope);
    if (nonce !== undefined) return this.#verify(attempt, nonce);
    if (!nonces.isOfUnknownKey(credentials.nonce) || !this.#keyring.mayLookAgain()) return "invented";
    // another process may have made a new key since we looked
    const openAgain = (): MaybePromise<Evidence> => {
      const known = nonces.open(credentials.nonce, scope);
      return known === undefined ? "invented" : this.#verify(attempt, known);
    };
    const looked = this.#keyring.refresh();
    return looked instanceof Promise ? looked.then(openAgain) : openAgain();
  }

  #verify(attempt: Attempt, nonce: Nonce): MaybePromise<Evidence> {
    const { credentials, request, from, realm } = attempt;
    const { algorithm, qop } = credentials;
    if (algorithm === null || qop === "other") return "invented";
    const isHere = this.#watcher !== undefined && this.#nonces!.wentTo(nonce, from.address);
    const challenged = isHere ? "here" : "elsewhere";
    attempt.claim = { request, from, realm, credentials, algorithm, qop, nonce, challenged, isHeld: false };
    return this.#verifier.verify(attempt.claim);
  }

  /** Is the nonce of a right response good for it, and may the user do this? */
  #judge(attempt: Attempt, evidence: Exclude<Evidence, Doubt>): MaybePromise<number | undefined> {
    const { claim, credentials, request, from } = attempt;
    if (evidence === "invented" || claim === undefined) return this.#challenge("challenged", attempt);
    if (evidence !== "right") return this.#challenge(evidence, attempt);
    // without qop nothing counts the requests, so the nonce serves one
    const nc = credentials.qop === null ? 1 : credentials.ncValue;
    const spent = this.#nonces!.spend(claim.nonce, nc, this.#markOf(request, from));
    if (!(spent instanceof Promise)) return this.#decide(attempt, spent);
    return spent.then(
      (late) => this.#decide(attempt, late),
      (error: unknown) => this.#unavailable(attempt, error),
    );
  }

  /** A keyed hash of the whole request and the way it came: nobody else's request, and no changed one, has the same. */
  #markOf(request: SipRequest, from: Flow): number {
    const hash = this.#hasher.digest("SHA-256", `${this.#markSalt}${from.token}\n${request.text}`);
    return Number.parseInt(hash.slice(0, 13), 16);
  }

  #decide(attempt: Attempt, spent: Spending): number | undefined {
    if (spent !== "served" && spent !== "repeated") return this.#challenge(spent, attempt);
    const { request, from, context, realm, credentials } = attempt;
    const identity = { user: credentials.username, realm: realm.name };
    const isRegistrar = this.#purpose === "registrar";
    const subject = isRegistrar ? request.to?.sipUri : request.from?.sipUri;
    // a To of another scheme names nothing that could be bound; what to say of it is the registrar's matter
    if (subject !== undefined) {
      const decide = isRegistrar ? mayRegister : mayCallAs;
      const address = addressIn(subject);
      const domain = isRegistrar ? address.domain : this.#names.callerDomain(subject, attempt.leg, from);
      const may = decide(identity, { ...address, domain }, realm.domains, this.#rules);
      if (!may.ok) {
        this.#report("forbidden", attempt);
        return this.#answer(attempt, may.status, may.reason, "");
      }
    }
    this.#report("accepted", attempt);
    context.identity = identity;
    if (spent === "repeated") context.repeated = true;
    return undefined;
  }

  /** 503 and not 401: the phone's password is not at fault, and it shall come again. */
  #unavailable(asked: Asked | Attempt, error: unknown): number {
    this.#logTrouble("the accounts cannot be asked", error);
    this.#report("unavailable", asked);
    const retryAfterSec = 5 + Math.floor(this.#entropy.unit() * 10);
    return this.#answer(asked, 503, "Service Unavailable", `Retry-After: ${retryAfterSec}\r\n`);
  }

  /** Once a second at most: trouble with the accounts meets every request alike. */
  #logTrouble(message: string, error: unknown): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#troubleLoggedMs < 1000) return;
    this.#troubleLoggedMs = nowMs;
    this.#log.error({ error: error instanceof Error ? error.message : String(error) }, message);
  }

  /** 401 or 407 with a new nonce, one challenge for each algorithm of the realm (RFC 8760 §2.3). */
  #challenge(outcome: AuthOutcome, asked: Asked | Attempt): number {
    const { realm, from } = asked;
    const nonce = this.#nonces!.issue({ realm: realm.name, purpose: this.#purpose }, from.address);
    const isStale = outcome === "stale" || outcome === "replayed";
    let lines = "";
    for (const afterNonce of realm.afterNonce)
      lines += `${this.#challengeName}: ${realm.beforeNonce}${nonce}${afterNonce}${isStale ? ", stale=true" : ""}\r\n`;
    this.#report(outcome, asked);
    return this.#answer(asked, this.#status, undefined, lines);
  }

  #report(outcome: AuthOutcome, asked: Asked | Attempt): void {
    this.#counters[outcome]++;
    if (this.#watcher === undefined) return;
    const { from } = asked;
    const { credentials = null, claim } = "credentials" in asked ? asked : {};
    const user = outcome === "challenged" || credentials === null ? null : credentials.username;
    const returnRoutable = claim?.challenged === "here";
    this.#watcher.report({ outcome, from, user, returnRoutable, isHeld: claim?.isHeld === true });
  }

  #answer(asked: Asked, status: number, reason: string | undefined, lines: string): number {
    const { request, leg, from } = asked;
    const toTag = this.#entropy.hex(8);
    const parts = reason === undefined ? { status, toTag, lines } : { status, reason, toTag, lines };
    leg.respond(respond(request, from, parts), request.via!, from);
    return status;
  }
}

function noOutcomes(): Record<AuthOutcome, number> {
  return {
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
}

/** Requests of one user for one address keep their order, whatever the source does. Nobody has to wait for another user's. */
function lineOf({ request, credentials }: Attempt): string {
  const uri = request.to?.sipUri;
  return `${uri === undefined ? request.uri : `${uri.user ?? ""}@${uri.host}`}\n${credentials.username}`;
}
