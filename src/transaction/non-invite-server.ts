import { clear, FAIL_TRANSPORT, NOTHING, RESPOND, SEND, type Step, set, TRYING } from "./effect.js";
import type { TimerName, Timers } from "./timers.js";

/** States of the non-INVITE server transaction (RFC 3261 figure 8). */
export type NonInviteServerState =
  | { readonly name: "trying" }
  | { readonly name: "proceeding" }
  | { readonly name: "completed" }
  | { readonly name: "terminated" };

export type NonInviteServerEvent =
  /** The same request once more. */
  | { readonly kind: "request" }
  /** The user hands over a response. */
  | { readonly kind: "respond"; readonly status: number }
  /** The user will not answer any more: too late for a response to be of use (RFC 4320 §4.2). */
  | { readonly kind: "abandon" }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "transport-error" };

const UNANSWERED: NonInviteServerState = { name: "trying" };
const PROCEEDING: NonInviteServerState = { name: "proceeding" };
const COMPLETED: NonInviteServerState = { name: "completed" };
const TERMINATED: NonInviteServerState = { name: "terminated" };

/** RFC 4320 §4.1: no 100 before the peer's timer E has reached T2, and one when nothing was answered by then. */
export function startNonInviteServer(timers: Timers): Step<NonInviteServerState> {
  return [UNANSWERED, [set("trying", timers.otherTryingMs)]];
}

/** One step of the non-INVITE server transaction (RFC 3261 §17.2.2, RFC 4320 §4). */
export function stepNonInviteServer(
  state: NonInviteServerState,
  event: NonInviteServerEvent,
  timers: Timers,
): Step<NonInviteServerState> {
  switch (state.name) {
    case "trying":
    case "proceeding":
      return waiting(state, event, timers);
    case "completed":
      return completed(event);
    case "terminated":
      return [TERMINATED, NOTHING];
  }
}

function waiting(
  state: NonInviteServerState & { readonly name: "trying" | "proceeding" },
  event: NonInviteServerEvent,
  timers: Timers,
): Step<NonInviteServerState> {
  switch (event.kind) {
    case "request":
      return state.name === "trying" ? [state, NOTHING] : [state, [SEND]];
    case "respond":
      return respond(state, event.status, timers);
    case "abandon":
      return [TERMINATED, [clear("trying")]];
    case "timer":
      return event.timer === "trying" && state.name === "trying" ? [PROCEEDING, [TRYING]] : [state, NOTHING];
    case "transport-error":
      return [TERMINATED, [clear("trying"), FAIL_TRANSPORT]];
  }
}

function respond(state: NonInviteServerState, status: number, timers: Timers): Step<NonInviteServerState> {
  // RFC 4320 §4.1: of the provisional responses only the 100, and that one by the timer
  if (status < 200) return [state, NOTHING];
  // a timer J of zero ends the transaction at once
  return timers.jMs === 0
    ? [TERMINATED, [clear("trying"), RESPOND]]
    : [COMPLETED, [clear("trying"), RESPOND, set("J", timers.jMs)]];
}

function completed(event: NonInviteServerEvent): Step<NonInviteServerState> {
  switch (event.kind) {
    case "request":
      return [COMPLETED, [SEND]];
    case "timer":
      return event.timer === "J" ? [TERMINATED, NOTHING] : [COMPLETED, NOTHING];
    case "transport-error":
      return [TERMINATED, [clear("J"), FAIL_TRANSPORT]];
    case "respond":
    case "abandon":
      return [COMPLETED, NOTHING];
  }
}
