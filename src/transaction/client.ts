import { OWN_LIMITS } from "../message/limits.js";
import type { SipRequest, SipResponse } from "../message/message.js";
import { parseMessage } from "../message/parse.js";
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
import type { TimerLists, TimerOwner } from "./timer-lists.js";
import { TimerSlots } from "./timer-slots.js";
import type { TimerName, Timers } from "./timers.js";

/** What a client transaction tells its user. */
export interface ClientHandlers {
  /** A response that is new to the user: each provisional one, the final one, and each 2xx to an INVITE. */
  response(response: SipResponse): void;
  /** No response in time, or the way is gone; nothing more will be told (RFC 3261 §17.1.4). */
  failed(failure: Failure): void;
  /**
   * Asked after the first 2xx to an INVITE: who hears those that may follow for 32 s (RFC 6026 §7.2), when that can be
   * somebody who holds less.
   */
  late?(): ClientHandlers | undefined;
}

/** A request ready to be sent: its text, and what its transaction is known by. */
export interface OutgoingRequest {
  readonly text: string;
  readonly method: string;
  /** Branch of its top Via. */
  readonly branch: string;
  /** See `correlationOf`: responses that are of another request are dropped. When not given, only malformed ones are. */
  readonly correlation?: number | undefined;
}

/** The leg and flow that a request goes out on. */
export interface Way {
  readonly leg: Leg;
  readonly flow: Flow;
}

/** What client transactions share: the layer, as they see it. */
export interface ClientHost {
  readonly lists: TimerLists;
  /** Sends the CANCEL of an INVITE in a transaction of its own. */
  sendCancel(transaction: ClientTransaction, reason: string | undefined): void;
  /** Called once, when the state is "terminated". */
  clientEnded(transaction: ClientTransaction): void;
}

/** What the layer gives a client transaction. */
export interface ClientSetup {
  readonly host: ClientHost;
  readonly request: OutgoingRequest;
  readonly way: Way;
  readonly timers: Timers;
  readonly handlers: ClientHandlers;
}

const NO_HANDLERS: ClientHandlers = { response() {}, failed() {} };

/** A request that was sent and waits for its responses (RFC 3261 §17.1). */
export class ClientTransaction implements TimerOwner<TimerName> {
  readonly method: string;
  readonly branch: string;
  readonly way: Way;
  /** See {@link OutgoingRequest}. */
  readonly correlation: number | undefined;
  readonly #host: ClientHost;
  readonly #timers: Timers;
  readonly #slots: TimerSlots;
  #invite: InviteClientState | undefined;
  #other: NonInviteClientState | undefined;
  #handlers: ClientHandlers;
  #text: string;
  #response: SipResponse | undefined;
  #ack: string | undefined;
  #cancelReason: string | undefined;
  #over = false;
  #timedOut = false;

  /** The layer has sent the request already: one that cannot be sent makes no transaction. */
  constructor({ host, request, way, timers, handlers }: ClientSetup) {
    this.method = request.method;
    this.branch = request.branch;
    this.way = way;
    this.correlation = request.correlation;
    this.#host = host;
    this.#timers = timers;
    this.#handlers = handlers;
    this.#text = request.text;
    this.#slots = new TimerSlots(host.lists, this);
    if (this.method === "INVITE") {
      const [state, effects] = startInviteClient(timers);
      this.#invite = state;
      this.#begin(effects);
    } else {
      const [state, effects] = startNonInviteClient(timers);
      this.#other = state;
      this.#begin(effects);
    }
  }

  #begin(effects: Effects): void {
    for (const effect of effects) if (effect.kind === "set") this.#slots.set(effect.timer, effect.delayMs);
  }

  /** Name of the state of RFC 3261 §17.1, RFC 6026 §7.2. */
  get state(): string {
    return this.#invite?.name ?? this.#other?.name ?? "terminated";
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
    if (response.status < 200) return;
    // what is neither sent again nor answered with an ACK need not be kept, nor who will hear no more
    this.#text = "";
    if (this.#invite?.name !== "accepted") this.#handlers = NO_HANDLERS;
    else this.#handlers = this.#handlers.late?.() ?? this.#handlers;
  }

  /** Its flow is gone. */
  flowClosed(): void {
    this.#event({ kind: "transport-error" });
  }

  /**
   * The network says that its peer was not reached; after a first response that is not believed.
   * @returns whether it was
   */
  unreachable(): boolean {
    const { state } = this;
    if (state !== "calling" && state !== "trying") return false;
    this.#event({ kind: "transport-error" });
    return true;
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

  timerFired(timer: TimerName): void {
    this.#event({ kind: "timer", timer });
  }

  /** Stops every timer; the layer closes. */
  stop(): void {
    this.#slots.clearAll();
  }

  #event(event: InviteClientEvent): void {
    if (this.#invite !== undefined) {
      const [state, effects] = stepInviteClient(this.#invite, event, this.#timers);
      this.#invite = state;
      this.#perform(effects);
    } else if (this.#other !== undefined) {
      if (event.kind === "cancel") return;
      const [state, effects] = stepNonInviteClient(this.#other, event, this.#timers);
      this.#other = state;
      this.#perform(effects);
    }
    if (!this.#over && this.state === "terminated") {
      this.#over = true;
      this.#slots.clearAll();
      this.#host.clientEnded(this);
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
          this.#host.sendCancel(this, this.#cancelReason);
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
  const parsed = parseMessage(text, OWN_LIMITS);
  return parsed.ok && parsed.message.kind === "request" ? parsed.message : undefined;
}
