import type { TimerName } from "./timers.js";

/** Why a transaction failed its user (RFC 3261 §17.1.4, §17.2.4). */
export type Failure = "timeout" | "transport";

/**
 * What a step of a machine asks of its surroundings.
 * `send`: a client sends its request, a server the response it sent last, if any. `respond`: a server sends the response
 * it was just given. `trying`: a server sends a 100. `ack`, `cancel`: a client sends this request for its INVITE.
 * `pass`: hand the message to the transaction user. `set`, `clear`: a timer; setting one that runs starts it anew. `fail`: tell the user.
 */
export type Effect =
  | { readonly kind: "send" | "respond" | "trying" | "ack" | "cancel" | "pass" }
  | { readonly kind: "set"; readonly timer: TimerName; readonly delayMs: number }
  | { readonly kind: "clear"; readonly timer: TimerName }
  | { readonly kind: "fail"; readonly failure: Failure };

export type Effects = readonly Effect[];

/** The next state of a machine, and what follows. */
export type Step<State> = readonly [State, Effects];

export const SEND: Effect = { kind: "send" };
export const RESPOND: Effect = { kind: "respond" };
export const ACK: Effect = { kind: "ack" };
export const CANCEL: Effect = { kind: "cancel" };
export const PASS: Effect = { kind: "pass" };
export const TRYING: Effect = { kind: "trying" };
export const FAIL_TIMEOUT: Effect = { kind: "fail", failure: "timeout" };
export const FAIL_TRANSPORT: Effect = { kind: "fail", failure: "transport" };

/** Nothing follows. */
export const NOTHING: Effects = [];

/** Starts a timer. */
export function set(timer: TimerName, delayMs: number): Effect {
  return { kind: "set", timer, delayMs };
}

const clears = new Map<TimerName, Effect>();

/** Stops a timer, whether it runs or not. */
export function clear(timer: TimerName): Effect {
  let effect = clears.get(timer);
  if (effect === undefined) {
    effect = { kind: "clear", timer };
    clears.set(timer, effect);
  }
  return effect;
}
