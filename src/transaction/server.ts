import type { SipRequest, SipResponse } from "../message/message.js";
import { hasParam } from "../message/params.js";
import { type ResponseParts, respond } from "../message/respond.js";
import type { Via } from "../message/via.js";
import type { Clock } from "../port/clock.js";
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
import { TimerSlots } from "./timer-slots.js";
import type { Timers } from "./timers.js";

/** What a server transaction tells its user. */
export interface ServerHandlers {
  /** A CANCEL came for this INVITE before its final response (RFC 3261 §9.2); it has been answered already. */
  cancelled(cancel: SipRequest): void;
  /** A response could not be sent, or the ACK never came (§17.2.4). The transaction ends by itself. */
  failed?(failure: Failure): void;
}

/** Parts of an answer of our own. */
export type Answer = Omit<ResponseParts, "toTag">;

type Machine =
  | { readonly kind: "invite"; readonly state: InviteServerState }
  | { readonly kind: "other"; readonly state: NonInviteServerState };

/** What the layer gives a server transaction. */
export interface ServerSetup {
  readonly request: SipRequest;
  readonly via: Via;
  readonly leg: Leg;
  readonly from: Flow;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly toTag: string;
  readonly handlers: ServerHandlers;
  /** Called once, when the state is "terminated". */
  readonly ended: (transaction: ServerTransaction) => void;
}

/** A request that is being answered (RFC 3261 §17.2): absorbs its retransmissions, and sends responses reliably. */
export class ServerTransaction {
  readonly leg: Leg;
  readonly from: Flow;
  /** The To tag of our own answers. */
  readonly toTag: string;
  readonly method: string;
  readonly #timers: Timers;
  readonly #slots: TimerSlots;
  readonly #handlers: ServerHandlers;
  readonly #ended: (transaction: ServerTransaction) => void;
  /** `null` when responses simply go back where the request came from. */
  readonly #via: Via | null;
  #machine: Machine;
  #request: SipRequest | undefined;
  #last: string | undefined;
  /** The response that the user hands over just now. */
  #given: string | undefined;
  #givenToTag: string | undefined;
  #sentToTag: string | undefined;
  #over = false;

  constructor(setup: ServerSetup) {
    this.leg = setup.leg;
    this.from = setup.from;
    this.toTag = setup.toTag;
    this.method = setup.request.method;
    this.#timers = setup.timers;
    this.#handlers = setup.handlers;
    this.#ended = setup.ended;
    this.#request = setup.request;
    this.#via = answersToSource(setup.via, setup.leg) ? null : setup.via;
    this.#slots = new TimerSlots(setup.clock, (timer) => this.#event({ kind: "timer", timer }));
    if (this.method === "INVITE") {
      const [state, effects] = startInviteServer(setup.timers);
      this.#machine = { kind: "invite", state };
      this.#perform(effects);
    } else {
      const [state, effects] = startNonInviteServer(setup.timers);
      this.#machine = { kind: "other", state };
      this.#perform(effects);
    }
  }

  /** Name of the state of RFC 3261 §17.2, RFC 6026 §7.1. */
  get state(): string {
    return this.#machine.state.name;
  }

  /** Was a final response handed over already? */
  get answered(): boolean {
    return this.state !== "trying" && this.state !== "proceeding";
  }

  /** To tag of the final response that went out; tells the ACK of an RFC 2543 element (§17.2.3). */
  get sentToTag(): string | undefined {
    return this.#sentToTag;
  }

  /** Answers the request with a response of our own (§8.2.6); nothing happens once a final response was sent. */
  respond(answer: Answer): void {
    const request = this.#request;
    if (request === undefined) return;
    const text = respond(request, this.from, { ...answer, toTag: this.toTag });
    this.#send(text, answer.status, request.toTag ?? this.toTag);
  }

  /** Sends a response from further on, its own top Via already removed (§16.7 step 9). */
  forward(text: string, response: SipResponse): void {
    const legacy = response.status >= 300 && this.method === "INVITE";
    this.#send(text, response.status, legacy ? response.toTag : undefined);
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

  /** A CANCEL for this INVITE, already answered. */
  cancelled(cancel: SipRequest): void {
    if (!this.answered) this.#handlers.cancelled(cancel);
  }

  /** Stops every timer; the layer closes. */
  stop(): void {
    this.#slots.clearAll();
  }

  #send(text: string, status: number, toTag: string | undefined): void {
    this.#given = text;
    this.#givenToTag = toTag;
    this.#event({ kind: "respond", status });
    this.#given = undefined;
    if (this.answered) this.#request = undefined;
  }

  #event(event: InviteServerEvent | NonInviteServerEvent): void {
    const machine = this.#machine;
    if (machine.kind === "invite") {
      if (event.kind === "abandon") return;
      const [state, effects] = stepInviteServer(machine.state, event, this.#timers);
      if (state !== machine.state) this.#machine = { kind: "invite", state };
      this.#perform(effects);
    } else {
      if (event.kind === "ack") return;
      const [state, effects] = stepNonInviteServer(machine.state, event, this.#timers);
      if (state !== machine.state) this.#machine = { kind: "other", state };
      this.#perform(effects);
    }
    if (this.state === "terminated" && !this.#over) {
      this.#over = true;
      this.#slots.clearAll();
      this.#ended(this);
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
          this.#handlers.failed?.(effect.failure);
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
    this.#last = respond(request, this.from, { status: 100, toTag: this.toTag });
    this.#transmit();
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
