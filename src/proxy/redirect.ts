import type { Binding, Bindings } from "../location/binding.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import { type MaybePromise, type Result, reject } from "../message/result.js";
import { parseSipUri } from "../message/uri.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Receiver } from "../port/receiver.js";
import { Locator } from "./locator.js";
import { domainsOf, type ProxyOptions } from "./options.js";
import { Self } from "./self.js";
import { statelessTag } from "./sender.js";
import { type SipHashKey, sipHashKey } from "./siphash.js";

/** The part of a proxy's options that a redirect server has a use for. */
export type RedirectOptions = Pick<
  ProxyOptions,
  "dispatcher" | "store" | "domain" | "domains" | "hosts" | "userState" | "isReachable" | "resolveGruu"
>;

const NAMES: ReadonlySet<string> = new Set(
  "dispatcher store domain domains hosts userState isReachable resolveGruu".split(" "),
);

/**
 * A redirect server (RFC 3261 §8.3): tells the caller where the user is, with a 302 that names every contact in the order
 * to try them, and stays out of what follows. Takes requests for users of our domains; passes on REGISTER, ACK, CANCEL and
 * everything else.
 */
export class Redirect implements Receiver {
  readonly #self: Self;
  readonly #locator: Locator;
  readonly #key: SipHashKey;

  /** @throws TypeError for an unknown option, and a missing dispatcher or store */
  constructor(options: RedirectOptions) {
    for (const name of Object.keys(options))
      if (!NAMES.has(name)) throw new TypeError(`Redirect: unknown option ${name}`);
    if (options.dispatcher === undefined) throw new TypeError("Redirect: dispatcher is mandatory");
    if (options.store === undefined) throw new TypeError("Redirect: store is mandatory");
    const { clock, entropy, legs } = options.dispatcher;
    this.#key = sipHashKey(entropy.hex(16));
    this.#self = new Self({ legs, domains: domainsOf(options), hosts: options.hosts ?? [] });
    this.#locator = new Locator({ ...options, clock, entropy, self: this.#self });
  }

  receive(packet: SipMessage, leg: Leg, from: Flow): MaybePromise<number | undefined> {
    if (packet.kind === "response") return undefined;
    const { method } = packet;
    if (method === "REGISTER" || method === "ACK" || method === "CANCEL") return undefined;
    const uri = parseSipUri(packet.uri);
    if (uri === undefined || uri.user === null || !this.#self.speaksFor(uri)) return undefined;
    const found = this.#locator.find(uri);
    if (found instanceof Promise) return found.then((late) => this.#answer(packet, leg, from, late));
    return this.#answer(packet, leg, from, found);
  }

  /** §8.3: without a transaction; what comes again is answered again, the same. */
  #answer(request: SipRequest, leg: Leg, from: Flow, found: Result<Bindings>): number {
    const answer = found.ok ? reject(302, "Moved Temporarily", contactsOf(found.value)) : found;
    const { via } = request;
    if (via === undefined) return answer.status;
    const toTag = statelessTag(this.#key, request);
    leg.respond(respond(request, from, { ...answer, toTag }), via, from);
    return answer.status;
  }
}

/** Contacts by q, highest first, then in the order they were made (§8.1.3.4, §20.10). */
function contactsOf(bindings: Bindings) {
  return [...bindings]
    .sort((a, b) => b.qMilli - a.qMilli)
    .map((binding) => ({ name: "Contact", value: `<${binding.uri}>;q=${qOf(binding)}` }));
}

function qOf({ qMilli }: Binding): string {
  return qMilli >= 1000 ? "1" : (qMilli / 1000).toString();
}
