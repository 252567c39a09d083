import type { SipRequest, SipResponse } from "../message/message.js";
import { parseMessage } from "../message/parse.js";
import type { Clock } from "../port/clock.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Effects, Failure } from "./effect.js";
import {
  type InviteClientEvent,
  type InviteClientState,
  startInviteClient,
  stepInviteClient,
} from "./invite-client.js";
import { type NonInviteClientState, startNonInviteClient, stepNonInviteClient } from "./non-invite-client.js";
import { acknowledge } from "./requests.js";
import { TimerSlots } from "./timer-slots.js";
import type { Timers } from "./timers.js";

/** What a client transaction tells its user. */
export interface ClientHandlers {
  /** A response that is new to the user: each provisional one, the final one, and each 2xx to an INVITE. */
  response(response: SipResponse): void;
  /** No response in time, or the way is gone; nothing more will be told (RFC 3261 §17.1.4). */
  failed(failure: Failure): void;
}

/** A request ready to be sent: its text, and what its transaction is known by. */
export interface OutgoingRequest {
  readonly text: string;
  readonly method: string;
  /** Branch of its top Via. */
  readonly branch: string;
}

/** The leg and flow that a request goes out on. */
export interface Way {
  readonly leg: Leg;
  readonly flow: Flow;
}

type Machine =
  | { readonly kind: "invite"; readonly state: InviteClientState }
  | { readonly kind: "other"; readonly state: NonInviteClientState };

/** What the layer gives a client transaction. */
export interface ClientSetup {
  readonly request: OutgoingRequest;
  readonly way: Way;
  readonly timers: Timers;
  readonly clock: Clock;
  readonly handlers: ClientHandlers;
  /** Sends the CANCEL of this INVITE in a transaction of its own. */
  readonly cancel: (transaction: ClientTransaction, reason: string | undefined) => void;
  /** Called once, when the state is "terminated". */
  readonly ended: (transaction: ClientTransaction) => void;
}

/** A request that was sent and waits for its responses (RFC 3261 §17.1). */
export class ClientTransaction {
  readonly method: string;
  readonly branch: string;
  readonly way: Way;
  readonly #timers: Timers;
  readonly #slots: TimerSlots;
  readonly #handlers: ClientHandlers;
  readonly #cancel: (transaction: ClientTransaction, reason: string | undefined) => void;
  readonly #ended: (transaction: ClientTransaction) => void;
  #machine: Machine;
  #text: string;
  #response: SipResponse | undefined;
  #ack: string | undefined;
  #cancelReason: string | undefined;
  #over = false;
  #timedOut = false;

  constructor(setup: ClientSetup) {
    const { request, timers } = setup;
    this.method = request.method;
    this.branch = request.branch;
    this.way = setup.way;
    this.#timers = timers;
    this.#handlers = setup.handlers;
    this.#cancel = setup.cancel;
    this.#ended = setup.ended;
    this.#text = request.text;
    this.#slots = new TimerSlots(setup.clock, (timer) => this.#event({ kind: "timer", timer }));
    if (this.method === "INVITE") {
      const [state, effects] = startInviteClient(timers);
      this.#machine = { kind: "invite", state };
      this.#begin(effects);
    } else {
      const [state, effects] = startNonInviteClient(timers);
      this.#machine = { kind: "other", state };
      this.#begin(effects);
    }
  }

  /** The layer has sent the request already: one that cannot be sent makes no transaction. */
  #begin(effects: Effects): void {
    for (const effect of effects) if (effect.kind === "set") this.#slots.set(effect.timer, effect.delayMs);
  }

  /** Name of the state of RFC 3261 §17.1, RFC 6026 §7.2. */
  get state(): string {
    return this.#machine.state.name;
  }

  /** Did it end because no response came in time? */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** The request as it was sent; `""` once a final response came. */
  get text(): string {
    return this.#text;
  }

  /** A response that matches (§17.1.3). */
  received(response: SipResponse): void {
    this.#response = response;
    this.#event({ kind: "response", status: response.status });
    this.#response = undefined;
    // what is neither sent again nor answered with an ACK need not be kept
    if (response.status >= 200) this.#text = "";
  }

  /** Its flow is gone. */
  flowClosed(): void {
    this.#event({ kind: "transport-error" });
  }

  /**
   * Cancels an INVITE: at once when a provisional response has come, else as soon as one comes; never after a final one
   * (§9.1). Without a final response 64*T1 later the transaction fails with "timeout".
   * @param reason value of a Reason header field for the CANCEL (RFC 3326)
   */
  cancel(reason?: string): void {
    this.#cancelReason ??= reason;
    this.#event({ kind: "cancel" });
  }

  /** Stops every timer; the layer closes. */
  stop(): void {
    this.#slots.clearAll();
  }

  #event(event: InviteClientEvent): void {
    const machine = this.#machine;
    if (machine.kind === "invite") {
      const [state, effects] = stepInviteClient(machine.state, event, this.#timers);
      if (state !== machine.state) this.#machine = { kind: "invite", state };
      this.#perform(effects);
    } else {
      if (event.kind === "cancel") return;
      const [state, effects] = stepNonInviteClient(machine.state, event, this.#timers);
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
          this.#transmit(this.#text);
          break;
        case "ack":
          this.#acknowledge();
          break;
        case "cancel":
          this.#cancel(this, this.#cancelReason);
          break;
        case "pass":
          if (this.#response !== undefined) this.#handlers.response(this.#response);
          break;
        case "set":
          if (!this.#over) this.#slots.set(effect.timer, effect.delayMs);
          break;
        case "clear":
          this.#slots.clear(effect.timer);
          break;
        case "fail":
          this.#timedOut = effect.failure === "timeout";
          this.#handlers.failed(effect.failure);
          break;
        case "trying":
        case "respond":
          break;
      }
    }
  }

  /** §17.1.1.3; made once, since a To tag that differs from the first would be another response. */
  #acknowledge(): void {
    if (this.#ack === undefined) {
      const invite = parsedRequest(this.#text);
      if (invite === undefined) return;
      this.#ack = acknowledge(invite, this.#response?.headers.get("to") ?? "");
    }
    this.#transmit(this.#ack);
  }

  #transmit(text: string): void {
    if (this.way.leg.send(text, this.way.flow) !== "sent") this.#event({ kind: "transport-error" });
  }
}

/** The request that a text of our own making holds. */
export function parsedRequest(text: string): SipRequest | undefined {
  const parsed = parseMessage(text);
  return parsed.ok && parsed.message.kind === "request" ? parsed.message : undefined;
}
