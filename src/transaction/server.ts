import { OWN_LIMITS } from "../message/limits.js";
import type { SipRequest, SipResponse } from "../message/message.js";
import { hasParam } from "../message/params.js";
import { parseMessage } from "../message/parse.js";
import { type ResponseParts, respond } from "../message/respond.js";
import type { Via } from "../message/via.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Effects, Failure } from "./effect.js";
import {
  type InviteServerEvent,
  type InviteServerState,
  startInviteServer,
  stepInviteServer,
} from "./invite-server.js";
import {
  type NonInviteServerEvent,
  type NonInviteServerState,
  startNonInviteServer,
  stepNonInviteServer,
} from "./non-invite-server.js";
import type { TimerLists, TimerOwner } from "./timer-lists.js";
import { TimerSlots } from "./timer-slots.js";
import type { TimerName, Timers } from "./timers.js";

/** What a server transaction tells its user. */
export interface ServerHandlers {
  /** A CANCEL came for this INVITE before its final response (RFC 3261 §9.2); it has been answered already. */
  cancelled(cancel: SipRequest): void;
  /** A response could not be sent, or the ACK never came (§17.2.4). The transaction ends by itself. */
  failed?(failure: Failure): void;
}

/** Parts of an answer of our own. */
export type Answer = Omit<ResponseParts, "toTag">;

/** What server transactions share: the layer, as they see it. */
export interface ServerHost {
  readonly lists: TimerLists;
  /** A To tag that was never used before. */
  newTag(): string;
  /** Called for the final response of each transaction, the first one of an INVITE that has several. */
  finallyAnswered(method: string, status: number): void;
  /** Called once, when the state is "terminated". */
  serverEnded(transaction: ServerTransaction): void;
}

/** What the layer gives a server transaction. */
export interface ServerSetup {
  readonly host: ServerHost;
  /** What the layer finds it by. */
  readonly key: string;
  readonly request: SipRequest;
  readonly via: Via;
  readonly leg: Leg;
  readonly from: Flow;
  readonly timers: Timers;
  readonly handlers: ServerHandlers;
}

/** A request that is being answered (RFC 3261 §17.2): absorbs its retransmissions, and sends responses reliably. */
export class ServerTransaction implements TimerOwner<TimerName> {
  readonly key: string;
  readonly leg: Leg;
  readonly from: Flow;
  readonly method: string;
  readonly #host: ServerHost;
  readonly #timers: Timers;
  readonly #slots: TimerSlots;
  /** `null` when responses simply go back where the request came from. */
  readonly #via: Via | null;
  #invite: InviteServerState | undefined;
  #other: NonInviteServerState | undefined;
  /** Until the final response was handed over, like the request: what ends needs neither. */
  #handlers: ServerHandlers | undefined;
  #request: SipRequest | undefined;
  /** The 100 to an INVITE: of the request it has all that an answer needs, and is a fraction of its size. */
  #trying100: string | undefined;
  #toTag: string | undefined;
  #last: string | undefined;
  /** The response that the user hands over just now. */
  #given: string | undefined;
  #givenToTag: string | undefined;
  #sentToTag: string | undefined;
  #over = false;

  constructor({ host, key, request, via, leg, from, timers, handlers }: ServerSetup) {
    this.key = key;
    this.leg = leg;
    this.from = from;
    this.method = request.method;
    this.#host = host;
    this.#timers = timers;
    this.#handlers = handlers;
    this.#request = request;
    this.#via = answersToSource(via, leg) ? null : via;
    this.#slots = new TimerSlots(host.lists, this);
    if (request.method === "INVITE") {
      const [state, effects] = startInviteServer(timers);
      this.#invite = state;
      this.#perform(effects);
    } else {
      const [state, effects] = startNonInviteServer(timers);
      this.#other = state;
      this.#perform(effects);
    }
  }

  /** Name of the state of RFC 3261 §17.2, RFC 6026 §7.1. */
  get state(): string {
    return this.#invite?.name ?? this.#other?.name ?? "terminated";
  }

  /** The To tag of our own answers. */
  get toTag(): string {
    this.#toTag ??= this.#host.newTag();
    return this.#toTag;
  }

  /** Was a final response handed over already? */
  get answered(): boolean {
    const { state } = this;
    return state !== "trying" && state !== "proceeding";
  }

  /** To tag of the final response that went out; tells the ACK of an RFC 2543 element (§17.2.3). */
  get sentToTag(): string | undefined {
    return this.#sentToTag;
  }

  /** Answers the request with a response of our own (§8.2.6); nothing happens once a final response was sent. */
  respond(answer: Answer): void {
    const request = this.#request ?? this.#recalled();
    if (request === undefined) return;
    const { toTag } = this;
    this.#send(respond(request, this.from, { ...answer, toTag }), answer.status, request.toTag ?? toTag);
  }

  /** Sends a response from further on, its own top Via already removed (§16.7 step 9). */
  forward(text: string, response: SipResponse): void {
    const refused = response.status >= 300 && this.#invite !== undefined;
    this.#send(text, response.status, refused ? response.toTag : undefined);
  }

  /** Ends a non-INVITE transaction without an answer, because none would come in time (RFC 4320 §4.2). */
  abandon(): void {
    this.#event({ kind: "abandon" });
  }

  /** The same request once more. */
  retransmitted(): void {
    this.#event({ kind: "request" });
  }

  /**
   * An ACK for this INVITE.
   * @returns false when it belongs to a 2xx and must go on to the user (RFC 6026 §7.1)
   */
  acknowledged(): boolean {
    const accepted = this.state === "accepted";
    this.#event({ kind: "ack" });
    return !accepted;
  }

  /** A CANCEL for this request, already answered; it has an effect on an INVITE without a final response alone (§9.2). */
  cancelled(cancel: SipRequest): void {
    if (this.#invite !== undefined && !this.answered) this.#handlers?.cancelled(cancel);
  }

  timerFired(timer: TimerName): void {
    this.#event({ kind: "timer", timer });
  }

  /** Stops every timer; the layer closes. */
  stop(): void {
    this.#slots.clearAll();
  }

  #send(text: string, status: number, toTag: string | undefined): void {
    const { answered } = this;
    this.#given = text;
    this.#givenToTag = toTag;
    this.#event({ kind: "respond", status });
    this.#given = undefined;
    if (answered || !this.answered) return;
    this.#host.finallyAnswered(this.method, status);
    this.#request = undefined;
    this.#trying100 = undefined;
    // a 2xx to an INVITE is the callee's to repeat (RFC 6026 §7.1)
    if (this.#invite?.name === "accepted") this.#last = undefined;
    if (this.#handlers?.failed === undefined) this.#handlers = undefined;
  }

  #event(event: InviteServerEvent | NonInviteServerEvent): void {
    if (this.#invite !== undefined) {
      if (event.kind === "abandon") return;
      const [state, effects] = stepInviteServer(this.#invite, event, this.#timers);
      this.#invite = state;
      this.#perform(effects);
    } else if (this.#other !== undefined) {
      if (event.kind === "ack") return;
      const [state, effects] = stepNonInviteServer(this.#other, event, this.#timers);
      this.#other = state;
      this.#perform(effects);
    }
    if (!this.#over && this.state === "terminated") {
      this.#over = true;
      this.#slots.clearAll();
      this.#host.serverEnded(this);
    }
  }

  #perform(effects: Effects): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case "send":
          this.#transmit();
          break;
        case "respond":
          this.#last = this.#given;
          this.#sentToTag = this.#givenToTag;
          this.#transmit();
          break;
        case "trying":
          this.#trying();
          break;
        case "set":
          if (!this.#over) this.#slots.set(effect.timer, effect.delayMs);
          break;
        case "clear":
          this.#slots.clear(effect.timer);
          break;
        case "fail":
          this.#handlers?.failed?.(effect.failure);
          break;
        case "pass":
        case "ack":
        case "cancel":
          break;
      }
    }
  }

  #trying(): void {
    const request = this.#request;
    if (request === undefined) return;
    // a 100 has no tag (§8.2.6.2)
    this.#last = respond(request, this.from, { status: 100, toTag: "" });
    this.#transmit();
    if (this.#other !== undefined) return;
    this.#trying100 = this.#last;
    this.#request = undefined;
  }

  /** The request as far as an answer needs it, from the 100 that was sent. */
  #recalled(): SipRequest | undefined {
    const text = this.#trying100;
    if (text === undefined) return undefined;
    const request = `INVITE sip:recalled.invalid SIP/2.0${text.slice(text.indexOf("\r\n"))}`;
    const parsed = parseMessage(request, OWN_LIMITS);
    return parsed.ok && parsed.message.kind === "request" ? parsed.message : undefined;
  }

  #transmit(): void {
    const text = this.#last;
    if (text === undefined) return;
    const result =
      this.#via === null ? this.leg.send(text, this.from) : this.leg.respond(text, this.#via, this.from);
    if (result !== "sent") this.#event({ kind: "transport-error" });
  }
}

/** RFC 3581 §4: with `rport` and without `maddr` a response over UDP goes to where the request came from. */
function answersToSource(via: Via, leg: Leg): boolean {
  return leg.transport === "udp" && hasParam(via.params, "rport") && !hasParam(via.params, "maddr");
}
