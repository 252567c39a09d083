import type { Binding, Bindings } from "../location/binding.js";
import type { Decision } from "../location/store.js";
import { ok, type Result, reject } from "../message/result.js";
import type { RegisterContact } from "./contact.js";
import { type ExpiresPolicy, grantSec } from "./expires.js";
import { type ContactLimit, keepWithin } from "./limits.js";
import { speaksOf } from "./match.js";

/** Everything about a REGISTER that its effect depends on. */
export interface RegisterFacts {
  /** Contacts in order; empty for a fetch and for `*`. */
  readonly contacts: readonly RegisterContact[];
  /** `Contact: *` (RFC 3261 §10.2.2). */
  readonly removesAll: boolean;
  readonly callId: string;
  readonly cseq: number;
  readonly userAgent: string | null;
  /** As in {@link Binding.received}. */
  readonly received: string;
  /** As in {@link Binding.flow}. */
  readonly flow: string | null;
  /** As in {@link Binding.path}. */
  readonly path: readonly string[];
  /** Was it carried out before, or a removal that is newer? Then it changes nothing any more. */
  readonly isPast?: boolean;
  /** Does the phone list this option tag (lower case) in Supported (§20.37)? */
  supports(tag: string): boolean;
}

/**
 * Adds to a binding that is about to be written what an extension keeps with it. Pure, as the whole decision.
 * @param previous the binding it replaces, if any
 * @param set the other bindings so far; an extension may put changed copies of them in their places
 */
export type BindHook = (
  binding: Binding,
  previous: Binding | undefined,
  set: Binding[],
  facts: RegisterFacts,
  nowMs: number,
) => Binding;

/** The registrar's own will, where RFC 3261 §10.3 leaves one. */
export interface RegisterPolicy extends ExpiresPolicy {
  readonly limit: ContactLimit;
  /** Does a new Call-ID of an instance take away what that instance bound under older ones? */
  readonly deviceIdentity: boolean;
  readonly hooks: readonly BindHook[];
}

/** §10.3 names no status where an update is aborted for its order; where updates fail it says 500. */
const OUT_OF_ORDER = reject(500, "CSeq Out of Order");

/**
 * RFC 3261 §10.3 steps 6 to 8: what a REGISTER makes of the bindings of its address-of-record. All or nothing: a rejection
 * comes with the very set that was given. So does a fetch, and a retransmission, whose effect the set already shows. One whose
 * effect is gone again comes out of order: what was removed meanwhile stays removed.
 * @returns the set to store, and the live bindings to enumerate in the 200
 */
export function decide(
  current: Bindings,
  facts: RegisterFacts,
  policy: RegisterPolicy,
  nowMs: number,
): Decision<Result<Bindings>> {
  const decision = carryOut(current, facts, policy, nowMs);
  const { bindings, outcome } = decision;
  if (facts.isPast !== true || bindings === current || !outcome.ok) return decision;
  const live = liveOf(current, nowMs);
  return { bindings: current, outcome: isSame(live, outcome.value) ? ok(live) : OUT_OF_ORDER };
}

function carryOut(
  current: Bindings,
  facts: RegisterFacts,
  policy: RegisterPolicy,
  nowMs: number,
): Decision<Result<Bindings>> {
  const live = liveOf(current, nowMs);
  if (facts.removesAll) return removeAll(current, live, facts);
  if (facts.contacts.length === 0) return { bindings: current, outcome: ok(live) };

  const order = orderOf(live, facts, policy);
  if (order === "out-of-order") return { bindings: current, outcome: OUT_OF_ORDER };
  if (order === "repeated") return { bindings: current, outcome: ok(live) };

  const set = live.slice();
  for (const contact of facts.contacts) {
    const granted = grantSec(contact.askedSec, policy);
    if (granted === 0) remove(set, contact, facts);
    else write(set, contact, granted, facts, policy, nowMs);
  }
  // a set that was full already may be refreshed, whatever the limit is now
  if (set.length > policy.limit.most && set.length > live.length) {
    const over = keepWithin(set, facts, policy.limit);
    if (over !== undefined) return { bindings: current, outcome: over };
  }
  return { bindings: isSame(current, set) ? current : set, outcome: ok(set) };
}

/** The bindings that have not expired; the very same array when that is all of them. */
export function liveOf(bindings: Bindings, nowMs: number): Bindings {
  for (const { expiresAtMs } of bindings) {
    if (expiresAtMs <= nowMs) return bindings.filter((binding) => binding.expiresAtMs > nowMs);
  }
  return bindings;
}

/** Step 6: every binding goes, unless one was written by this UA with this CSeq or a later one. */
function removeAll(current: Bindings, live: Bindings, facts: RegisterFacts): Decision<Result<Bindings>> {
  for (const binding of live) {
    if (binding.callId === facts.callId && facts.cseq <= binding.cseq)
      return { bindings: current, outcome: OUT_OF_ORDER };
  }
  const none: Bindings = [];
  return { bindings: current.length === 0 ? current : none, outcome: ok(none) };
}

/**
 * Step 7: Call-ID and CSeq against every binding that the contacts speak of. `repeated`: the set already is what this
 * request makes of it, so it is a retransmission (or does nothing).
 */
function orderOf(
  live: Bindings,
  facts: RegisterFacts,
  policy: RegisterPolicy,
): "new" | "repeated" | "out-of-order" {
  let repeated = 0;
  let changes = 0;
  for (const contact of facts.contacts) {
    const granted = grantSec(contact.askedSec, policy);
    let isRepeated = false;
    let found = false;
    for (const binding of live) {
      if (speaksOf(contact, binding, granted === 0, facts.contacts)) {
        found = true;
        if (binding.callId !== facts.callId || binding.cseq < facts.cseq) continue;
        if (binding.cseq > facts.cseq || !saysTheSame(binding, contact, granted)) return "out-of-order";
        isRepeated = true;
      } else if (isOvertaken(binding, contact, facts)) return "out-of-order";
    }
    if (isRepeated) repeated++;
    else if (found || granted > 0) changes++;
  }
  if (changes === 0) return "repeated";
  return repeated > 0 ? "out-of-order" : "new";
}

/** A device that moved to another address under one Call-ID: its older REGISTER comes too late, whatever address it names. */
function isOvertaken(binding: Binding, contact: RegisterContact, facts: RegisterFacts): boolean {
  return (
    contact.instance !== null &&
    contact.regId === null &&
    binding.regId === null &&
    binding.instance === contact.instance &&
    binding.callId === facts.callId &&
    binding.cseq > facts.cseq
  );
}

/** Was this binding made by this very contact, with the same lifetime granted? */
function saysTheSame(binding: Binding, contact: RegisterContact, granted: number): boolean {
  return (
    granted > 0 &&
    binding.uri === contact.uri &&
    binding.params === contact.params &&
    binding.regId === contact.regId &&
    binding.qMilli === contact.qMilli &&
    binding.expiresAtMs - binding.updatedAtMs === granted * 1000
  );
}

function remove(set: Binding[], contact: RegisterContact, { contacts }: RegisterFacts): void {
  for (let i = set.length - 1; i >= 0; i--) if (speaksOf(contact, set[i]!, true, contacts)) set.splice(i, 1);
}

/** Puts the binding in the place of the one it refreshes, or at the end; whatever else equals it goes. */
function write(
  set: Binding[],
  contact: RegisterContact,
  grantedSec: number,
  facts: RegisterFacts,
  policy: RegisterPolicy,
  nowMs: number,
): void {
  let place = -1;
  for (let i = 0; i < set.length; i++) {
    const binding = set[i]!;
    if (speaksOf(contact, binding, false, facts.contacts)) {
      if (place < 0) place = i;
      else set.splice(i--, 1);
    } else if (policy.deviceIdentity && isGhost(binding, contact, facts)) {
      set.splice(i--, 1);
    }
  }
  const previous = place < 0 ? undefined : set[place]!;
  let binding = bindingOf(contact, previous, grantedSec, facts, nowMs);
  for (const hook of policy.hooks) binding = hook(binding, previous, set, facts, nowMs);
  if (place < 0) set.push(binding);
  else set[place] = binding;
}

/** A binding that the same instance left behind under another Call-ID: it rebooted. Flows stay (RFC 5626 §4.2). */
function isGhost(binding: Binding, contact: RegisterContact, facts: RegisterFacts): boolean {
  return (
    contact.instance !== null &&
    binding.instance === contact.instance &&
    binding.regId === null &&
    binding.callId !== facts.callId
  );
}

/** The binding a contact makes. Texts that did not change are the previous binding's, so that no message is kept alive by them. */
function bindingOf(
  contact: RegisterContact,
  previous: Binding | undefined,
  grantedSec: number,
  facts: RegisterFacts,
  nowMs: number,
): Binding {
  const expiresAtMs = nowMs + grantedSec * 1000;
  if (previous === undefined) {
    return {
      uri: contact.uri,
      params: contact.params,
      expiresAtMs,
      qMilli: contact.qMilli,
      callId: facts.callId,
      cseq: facts.cseq,
      userAgent: facts.userAgent,
      received: facts.received,
      flow: facts.flow,
      path: facts.path,
      instance: contact.instance,
      regId: contact.regId,
      registeredAtMs: nowMs,
      updatedAtMs: nowMs,
    };
  }
  return {
    uri: previous.uri === contact.uri ? previous.uri : contact.uri,
    params: previous.params === contact.params ? previous.params : contact.params,
    expiresAtMs,
    qMilli: contact.qMilli,
    callId: previous.callId === facts.callId ? previous.callId : facts.callId,
    cseq: facts.cseq,
    userAgent: previous.userAgent === facts.userAgent ? previous.userAgent : facts.userAgent,
    received: previous.received === facts.received ? previous.received : facts.received,
    flow: facts.flow,
    path: facts.path,
    instance: previous.instance === contact.instance ? previous.instance : contact.instance,
    regId: contact.regId,
    registeredAtMs: previous.registeredAtMs,
    updatedAtMs: nowMs,
  };
}

function isSame(a: Bindings, b: Bindings): boolean {
  return a.length === b.length && a.every((binding, i) => binding === b[i]);
}
