import { aorOf } from "../location/aor.js";
import type { Bindings } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import { createDateWriter } from "../message/date.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { parseNameAddr } from "../message/name-addr.js";
import { respond } from "../message/respond.js";
import { type MaybePromise, type Rejection, type Result, reject } from "../message/result.js";
import type { Via } from "../message/via.js";
import type { Clock, Timer } from "../port/clock.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Flow, Leg } from "../port/leg.js";
import { type Log, NO_LOG } from "../port/log.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import { type AddressRules, addressOf } from "./address.js";
import { contactLine, tagWriter } from "./answer.js";
import { readContacts } from "./contact.js";
import { decide, liveOf, type RegisterPolicy } from "./decide.js";
import { RegisterDraft } from "./draft.js";
import { isTooBrief, tooBrief } from "./expires.js";
import type { RegistrarExtension } from "./extension.js";
import { FlowIndex } from "./flows.js";
import { distinctContacts } from "./match.js";
import { addressRules, checkOptions, type RegistrarOptions } from "./options.js";
import { Removals, removes } from "./removals.js";
import { checkSips } from "./sips.js";
import { troubleAnswer } from "./trouble.js";

const MISSING = reject(400, "Missing or Malformed Mandatory Header Field");

/**
 * The registrar core (RFC 3261 §6, §10.3): a receiver that carries out REGISTER requests on a location store and answers
 * through the leg they came by. It keeps no record of requests: what a binding says tells a retransmission.
 * Owns a timer and a subscription to closed connections; `close` ends both.
 */
export class RegistrarCore implements Receiver {
  readonly store: LocationStore;
  readonly #dispatcher: DispatcherPort;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #rules: AddressRules;
  readonly #policy: RegisterPolicy;
  readonly #extensions: readonly RegistrarExtension[];
  /** Those that write into Contacts, and those that write header fields. */
  readonly #inContacts: readonly RegistrarExtension[];
  readonly #inAnswers: readonly RegistrarExtension[];
  readonly #optionTags: ReadonlySet<string>;
  readonly #ownParams: ReadonlySet<string>;
  readonly #supportedLine: string;
  readonly #mostContacts: number;
  readonly #date = createDateWriter();
  readonly #toTag: (request: SipRequest) => string;
  readonly #flows: FlowIndex;
  readonly #removals = new Removals();
  readonly #stopWatching: () => void;
  #timer: Timer | undefined;
  #closed = false;

  /** @throws TypeError that names the option which is unknown, missing or out of range */
  constructor(options: RegistrarOptions) {
    checkOptions(options);
    const { dispatcher, maxExpires = 300, extensions = [] } = options;
    this.store = options.store;
    this.#dispatcher = dispatcher;
    this.#clock = options.clock ?? dispatcher.clock;
    this.#log = options.log ?? NO_LOG;
    this.#rules = addressRules(options);
    this.#extensions = extensions;
    this.#inContacts = extensions.filter(({ contactParams }) => contactParams !== undefined);
    this.#inAnswers = extensions.filter(({ answer }) => answer !== undefined);
    this.#mostContacts = options.maxContactsPerRequest ?? 32;
    this.#policy = {
      minSec: options.minExpires ?? Math.min(30, maxExpires),
      maxSec: maxExpires,
      defaultSec: options.defaultExpires ?? maxExpires,
      limit: {
        most: options.maxContacts ?? 32,
        over: options.overLimit ?? { action: "reject", status: 403 },
        isReachable:
          options.isReachable ??
          (({ flow }) => flow === null || dispatcher.findFlow(flow)?.flow.alive === true),
      },
      deviceIdentity: options.deviceIdentity ?? true,
      hooks: extensions.flatMap(({ bind }) => (bind === undefined ? [] : [bind])),
    };
    this.#optionTags = new Set(extensions.flatMap(({ optionTag }) => optionTag ?? []));
    this.#ownParams = new Set(extensions.flatMap(({ ownParams }) => ownParams ?? []));
    const announced = extensions.flatMap(({ optionTag, announced }) =>
      announced === false ? [] : (optionTag ?? []),
    );
    this.#supportedLine = announced.length === 0 ? "" : `Supported: ${announced.join(", ")}\r\n`;
    this.#flows = options.flows ?? new FlowIndex();
    this.#toTag = tagWriter(dispatcher.entropy);
    this.#stopWatching = dispatcher.onFlowClosed((flow) => this.#flowClosed(flow));
    this.#expireEvery((options.expireEvery ?? 0.5) * 1000);
  }

  /**
   * Carries out a REGISTER and answers it.
   * @returns the status it was answered with, at once when the store answers at once; `undefined` when it is no REGISTER
   * or for none of our domains
   */
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context?: ReceiveContext,
  ): MaybePromise<number | undefined> {
    if (packet.kind !== "request" || packet.method !== "REGISTER") return undefined;
    const { via } = packet;
    if (via === undefined) return undefined;
    const draft = this.#draft(packet, leg, from, context);
    if (draft === undefined) return undefined;
    if (!(draft instanceof RegisterDraft)) return this.#refuse(draft, packet, via, leg, from);
    return this.#carryOut(draft, via);
  }

  /**
   * All live sip and sips contacts of an address, in the order to try them: by preference, then the latest refreshed first.
   * @param address `sip:user@domain`, `user@domain`, or a name-addr
   * @throws StoreError (the promise rejects) when the store cannot be read
   */
  async query(address: string): Promise<string[]> {
    const uri = (parseNameAddr(address) ?? parseNameAddr(`sip:${address}`))?.sipUri;
    if (uri === undefined) return [];
    const bindings = await this.lookup(aorOf(uri));
    return [...bindings]
      .sort((a, b) => b.qMilli - a.qMilli || b.updatedAtMs - a.updatedAtMs)
      .map((binding) => binding.uri)
      .filter((contact) => /^sips?:/i.test(contact));
  }

  /** The live bindings of an address-of-record (a key as `aorOf` makes it), in the order they were made. */
  lookup(aor: string): MaybePromise<Bindings> {
    const nowMs = this.#clock.nowMs();
    const bindings = this.store.read(aor);
    return bindings instanceof Promise
      ? bindings.then((late) => liveOf(late, nowMs))
      : liveOf(bindings, nowMs);
  }

  /** Removes what has expired, and what closed connections left behind. @returns how many bindings had expired */
  async expire(): Promise<number> {
    const nowMs = this.#clock.nowMs();
    this.#flows.sweep(nowMs);
    await this.#dropLeft();
    return this.store.expire(nowMs);
  }

  /** Stops its timer and its watch on connections. The store stays open: it belongs to whoever made it. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    this.#stopWatching();
  }

  /** Everything that can be said before the bindings are read: §10.3 steps 1, 2 and 5 (3 and 4 are the authoriser's), and the Contacts. */
  #draft(
    request: SipRequest,
    leg: Leg,
    from: Flow,
    context: ReceiveContext | undefined,
  ): RegisterDraft | Rejection | undefined {
    const { to, cseq } = request;
    if (to === undefined || cseq === undefined || request.callId.length === 0) return MISSING;
    const address = addressOf(request, this.#rules, from.local);
    if (address === undefined || !address.ok) return address;
    const lacking = this.#lacking(request);
    if (lacking !== undefined) return lacking;
    const { aor, uri } = address;
    const identity = context?.identity;

    const contacts = readContacts(request.headers, this.#mostContacts, this.#ownParams);
    if (!contacts.ok) return contacts;
    const isPast =
      context?.repeated === true ||
      this.#removals.isNewer({ aor, callId: request.callId, cseq: cseq.sequence }, this.#clock.nowMs());
    const draft = new RegisterDraft({
      request,
      leg,
      from,
      identity,
      aor,
      to: uri,
      cseq: cseq.sequence,
      isPast,
    });
    draft.contacts = contacts.value.list;
    draft.removesAll = contacts.value.all;
    for (const extension of this.#extensions) {
      const rejection = extension.examine?.(draft);
      if (rejection !== undefined) return rejection;
    }
    if (draft.contacts.length > 1) draft.contacts = distinctContacts(draft.contacts);
    for (const { askedSec } of draft.contacts) {
      if (isTooBrief(askedSec, this.#policy)) return tooBrief(this.#policy);
    }
    return checkSips(draft.contacts, request.uri, draft.path) ?? draft;
  }

  /** §8.2.2.3: 420 that names what Require asks for and nobody here knows. */
  #lacking(request: SipRequest): Rejection | undefined {
    if (!request.headers.has("require")) return undefined;
    const lacking = request.headers.optionTags("require").filter((tag) => !this.#optionTags.has(tag));
    if (lacking.length === 0) return undefined;
    return reject(420, "Bad Extension", [{ name: "Unsupported", value: lacking.join(", ") }]);
  }

  #carryOut(draft: RegisterDraft, via: Via): MaybePromise<number> {
    const { aor, from } = draft;
    const nowMs = this.#clock.nowMs();
    if (!draft.isPast && removes(draft)) this.#removals.note(draft, nowMs);
    const isNew = draft.flow !== null && from.alive && this.#flows.add(from, draft.leg, aor);
    let result: MaybePromise<Result<Bindings>>;
    try {
      result = this.store.update(aor, (current) => decide(current, draft, this.#policy, nowMs));
    } catch (error) {
      return this.#trouble(error, draft, via, isNew);
    }
    if (!(result instanceof Promise)) return this.#finish(result, draft, via, isNew);
    return result.then(
      (late) => this.#finish(late, draft, via, isNew),
      (error: unknown) => this.#trouble(error, draft, via, isNew),
    );
  }

  #finish(result: Result<Bindings>, draft: RegisterDraft, via: Via, isNew: boolean): number {
    if (draft.flow !== null) this.#settleFlow(result, draft, isNew);
    if (!result.ok && !draft.isPast) this.#removals.forget(draft);
    if (!result.ok) return this.#refuse(result, draft.request, via, draft.leg, draft.from);
    const nowMs = this.#clock.nowMs();
    let lines = "";
    for (const binding of result.value) {
      let extra = "";
      for (const extension of this.#inContacts) extra += extension.contactParams?.(draft, binding) ?? "";
      lines += contactLine(binding, nowMs, extra);
    }
    for (const extension of this.#inAnswers) lines += extension.answer?.(draft, result.value) ?? "";
    lines += `${this.#supportedLine}Date: ${this.#date(nowMs)}\r\n`;
    const { request, from } = draft;
    draft.leg.respond(respond(request, from, { status: 200, toTag: this.#toTag(request), lines }), via, from);
    return 200;
  }

  #trouble(error: unknown, draft: RegisterDraft, via: Via, isNew: boolean): number {
    if (isNew && draft.flow !== null) this.#flows.drop(draft.flow, draft.aor);
    if (!draft.isPast) this.#removals.forget(draft);
    const answer = troubleAnswer(error, this.#dispatcher.entropy);
    this.#log.error({ aor: draft.aor, error: textOf(error) }, "a registration could not be stored");
    return this.#refuse(answer, draft.request, via, draft.leg, draft.from);
  }

  #refuse(rejection: Rejection, request: SipRequest, via: Via, leg: Leg, from: Flow): number {
    const { status, reason, headers } = rejection;
    // RFC 3327 §5.3: a 420 may name an extension that is known here; the same answer does not offer it
    const offer = status === 420 ? "" : this.#supportedLine;
    const lines = `${offer}Date: ${this.#date(this.#clock.nowMs())}\r\n`;
    const toTag = this.#toTag(request);
    leg.respond(respond(request, from, { status, reason, toTag, headers, lines }), via, from);
    return status;
  }

  /** Keeps the index of connections true to what was stored, and undoes what was stored for one that died meanwhile. */
  #settleFlow(result: Result<Bindings>, draft: RegisterDraft, isNew: boolean): void {
    const { flow, aor, from } = draft;
    if (flow === null) return;
    if (!result.ok) {
      if (isNew) this.#flows.drop(flow, aor);
      return;
    }
    let untilMs = 0;
    for (const binding of result.value) {
      if (binding.flow === flow && binding.expiresAtMs > untilMs) untilMs = binding.expiresAtMs;
    }
    if (untilMs === 0) this.#flows.drop(flow, aor);
    else if (from.alive) this.#flows.hold(flow, untilMs);
    else this.#dropFlow(aor, flow);
  }

  /** RFC 5626 §7: what a closed connection led to is gone, but nothing that has moved to another since. */
  #flowClosed(flow: Flow): void {
    for (const aor of this.#flows.closed(flow.token) ?? []) this.#dropFlow(aor, flow.token);
  }

  #dropFlow(aor: string, token: string): void {
    const failed = (error: unknown) => {
      // told once for all of them: thousands may close while the store is in trouble
      if (this.#flows.leave({ aor, token }))
        this.#log.error(
          { aor, error: textOf(error) },
          "bindings of closed connections cannot be removed; this is tried again",
        );
    };
    try {
      const done = this.#removeOver(aor, token);
      if (done instanceof Promise) done.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  #removeOver(aor: string, token: string): MaybePromise<void> {
    return this.store.update(aor, (current) => {
      const bindings = current.filter(({ flow }) => flow !== token);
      return {
        bindings: bindings.length === current.length ? current : bindings,
        outcome: undefined,
        goneAs: "flow-closed",
      };
    });
  }

  /** Tries one of the removals that failed before; when the store takes it, all of them. */
  async #dropLeft(): Promise<void> {
    const [first, ...others] = this.#flows.takeLeft();
    if (first === undefined) return;
    try {
      await this.#removeOver(first.aor, first.token);
    } catch {
      // still in trouble, which was told
      for (const left of [first, ...others]) this.#flows.leave(left);
      return;
    }
    for (const { aor, token } of others) this.#dropFlow(aor, token);
  }

  #expireEvery(intervalMs: number): void {
    if (intervalMs === 0) return;
    const next = () => {
      if (!this.#closed) this.#expireEvery(intervalMs);
    };
    this.#timer = this.#clock.after(intervalMs, () => {
      this.expire().then(next, (error: unknown) => {
        this.#log.error({ error: textOf(error) }, "expired bindings could not be removed");
        next();
      });
    });
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
