import type { Binding, Bindings } from "../location/binding.js";
import { type LookupMoment, lookupTargets } from "../location/lookup.js";
import type { SipMessage, SipRequest } from "../message/message.js";
import { respond } from "../message/respond.js";
import {
  type HeaderField,
  type MaybePromise,
  type Rejection,
  type Result,
  reject,
} from "../message/result.js";
import { parseSipUri } from "../message/uri.js";
import type { Flow, Leg } from "../port/leg.js";
import type { ReceiveContext, Receiver } from "../port/receiver.js";
import { Locator } from "./locator.js";
import { domainsOf, type ProxyOptions } from "./options.js";
import { Self } from "./self.js";
import { type ProxyDispatcher, statelessTag } from "./sender.js";
import { type SipHashKey, sipHashKey } from "./siphash.js";

/** The part of a proxy's options that a redirect server has a use for. */
export type RedirectOptions = Pick<
  ProxyOptions,
  "dispatcher" | "store" | "domain" | "domains" | "hosts" | "userState" | "isReachable" | "resolveGruu"
>;

const NAMES: ReadonlySet<string> = new Set(
  "dispatcher store domain domains hosts userState isReachable resolveGruu".split(" "),
);

const NOBODY = reject(480, "Temporarily Unavailable");
const NO_DIALOG = reject(481, "Call/Transaction Does Not Exist");

/**
 * A redirect server (RFC 3261 §8.3): tells the caller where the user is, with a 302 that names every contact in the order
 * to try them, and stays out of what follows. Takes requests for users of our domains; passes on REGISTER, ACK, CANCEL and
 * everything else.
 */
export class Redirect implements Receiver {
  readonly #self: Self;
  readonly #locator: Locator;
  readonly #key: SipHashKey;
  readonly #dispatcher: ProxyDispatcher;

  /** @throws TypeError for an unknown option, and a missing dispatcher or store */
  constructor(options: RedirectOptions) {
    for (const name of Object.keys(options))
      if (!NAMES.has(name)) throw new TypeError(`Redirect: unknown option ${name}`);
    if (options.dispatcher === undefined) throw new TypeError("Redirect: dispatcher is mandatory");
    if (options.store === undefined) throw new TypeError("Redirect: store is mandatory");
    const { clock, entropy, legs } = options.dispatcher;
    this.#dispatcher = options.dispatcher;
    this.#key = sipHashKey(entropy.hex(16));
    this.#self = new Self({ legs, domains: domainsOf(options), hosts: options.hosts ?? [] });
    this.#locator = new Locator({ ...options, clock, entropy, self: this.#self });
  }

  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context: ReceiveContext = {},
  ): MaybePromise<number | undefined> {
    if (packet.kind === "response") return undefined;
    const { method } = packet;
    if (method === "REGISTER" || method === "ACK" || method === "CANCEL") return undefined;
    const uri = parseSipUri(packet.uri);
    if (uri === undefined || uri.user === null || !this.#self.speaksFor(uri)) return undefined;
    const refused = refusal(packet);
    if (refused !== undefined) return this.#answer(packet, leg, from, refused);
    const found = this.#locator.find(uri, context.identity);
    if (found instanceof Promise) return found.then((late) => this.#answer(packet, leg, from, late));
    return this.#answer(packet, leg, from, found);
  }

  #moved(bindings: Bindings): Rejection {
    const { clock } = this.#dispatcher;
    const contacts = contactsOf(bindings, {
      nowMs: clock.nowMs(),
      isFlowAlive: (token) => this.#dispatcher.findFlow(token)?.flow.alive === true,
    });
    return contacts.length > 0 ? reject(302, "Moved Temporarily", contacts) : NOBODY;
  }

  /**
   * An INVITE is answered in a server transaction, which repeats the answer until the ACK comes and takes a CANCEL (§8.3,
   * §9.2, §17.2.1); anything else without one: what comes again is answered again, the same.
   */
  #answer(request: SipRequest, leg: Leg, from: Flow, found: Result<Bindings>): number {
    const answer = found.ok ? this.#moved(found.value) : found;
    const { via } = request;
    if (via === undefined) return answer.status;
    if (request.method === "INVITE") {
      const transaction = this.#dispatcher.transactions.server(request, leg, from, { cancelled() {} });
      if (transaction === "full") return 503;
      if (transaction !== "exists") transaction.respond(answer);
      return answer.status;
    }
    const toTag = statelessTag(this.#key, request);
    leg.respond(respond(request, from, { ...answer, toTag }), via, from);
    return answer.status;
  }
}

/** What a redirect server cannot do: extensions it lacks (§8.2.2.3), and requests of dialogs, of which it has none (§12.2.2). */
function refusal(request: SipRequest): Rejection | undefined {
  const tags = [...request.headers.optionTags("require"), ...request.headers.optionTags("proxy-require")];
  if (tags.length > 0) return reject(420, "Bad Extension", [{ name: "Unsupported", value: tags.join(", ") }]);
  return request.toTag === undefined ? undefined : NO_DIALOG;
}

/** Contacts by q, highest first (§8.1.3.4, §20.10); those on a connection that is gone are left out. */
function contactsOf(bindings: Bindings, moment: LookupMoment): HeaderField[] {
  return lookupTargets(bindings, moment)
    .flat()
    .flatMap(({ binding, fallbacks }) => [binding, ...fallbacks])
    .map((binding) => ({ name: "Contact", value: `<${binding.uri}>;q=${qOf(binding)}` }));
}

function qOf({ qMilli }: Binding): string {
  return qMilli >= 1000 ? "1" : (qMilli / 1000).toString();
}
