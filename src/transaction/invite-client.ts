import {
  ACK,
  CANCEL,
  clear,
  type Effect,
  FAIL_TIMEOUT,
  FAIL_TRANSPORT,
  NOTHING,
  PASS,
  SEND,
  type Step,
  set,
} from "./effect.js";
import type { TimerName, Timers } from "./timers.js";

/** States of the INVITE client transaction (RFC 3261 figure 5 as replaced by RFC 6026 §8.4). */
export type InviteClientState =
  /** `cancelling`: the user wants to cancel, but no provisional response has come yet (§9.1). */
  | { readonly name: "calling"; readonly intervalMs: number; readonly cancelling: boolean }
  | { readonly name: "proceeding"; readonly cancelled: boolean }
  | { readonly name: "completed" }
  | { readonly name: "accepted" }
  | { readonly name: "terminated" };

export type InviteClientEvent =
  | { readonly kind: "response"; readonly status: number }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "transport-error" }
  | { readonly kind: "cancel" };

const PROCEEDING: InviteClientState = { name: "proceeding", cancelled: false };
const CANCELLED: InviteClientState = { name: "proceeding", cancelled: true };
const COMPLETED: InviteClientState = { name: "completed" };
const ACCEPTED: InviteClientState = { name: "accepted" };
const TERMINATED: InviteClientState = { name: "terminated" };

const STOP_CALLING: readonly Effect[] = [clear("A"), clear("B")];

/** §17.1.1.2: the request is sent, timer B runs over every transport, timer A over an unreliable one. */
export function startInviteClient(timers: Timers): Step<InviteClientState> {
  const intervalMs = timers.retransmitMs ?? 0;
  const state: InviteClientState = { name: "calling", intervalMs, cancelling: false };
  return timers.retransmitMs === null
    ? [state, [SEND, set("B", timers.timeoutMs)]]
    : [state, [SEND, set("A", intervalMs), set("B", timers.timeoutMs)]];
}

/** One step of the INVITE client transaction (RFC 3261 §17.1.1, §9.1, RFC 6026 §7.2). */
export function stepInviteClient(
  state: InviteClientState,
  event: InviteClientEvent,
  timers: Timers,
): Step<InviteClientState> {
  switch (state.name) {
    case "calling":
      return calling(state, event, timers);
    case "proceeding":
      return proceeding(state, event, timers);
    case "completed":
      return completed(event);
    case "accepted":
      return accepted(event);
    case "terminated":
      return [TERMINATED, NOTHING];
  }
}

function calling(
  state: InviteClientState & { readonly name: "calling" },
  event: InviteClientEvent,
  timers: Timers,
): Step<InviteClientState> {
  switch (event.kind) {
    case "response":
      if (event.status >= 200) return final(event.status, STOP_CALLING, timers);
      return state.cancelling
        ? [CANCELLED, [...STOP_CALLING, PASS, CANCEL, set("cancel", timers.timeoutMs)]]
        : [PROCEEDING, [...STOP_CALLING, PASS]];
    case "timer":
      if (event.timer === "A" && timers.retransmitMs !== null) {
        // the interval doubles without a cap (§17.1.1.2)
        const intervalMs = state.intervalMs * 2;
        return [{ ...state, intervalMs }, [SEND, set("A", intervalMs)]];
      }
      return event.timer === "B" ? [TERMINATED, [clear("A"), FAIL_TIMEOUT]] : [state, NOTHING];
    case "transport-error":
      return [TERMINATED, [...STOP_CALLING, FAIL_TRANSPORT]];
    case "cancel":
      // §9.1: no CANCEL before a provisional response has been received
      return [{ ...state, cancelling: true }, NOTHING];
  }
}

function proceeding(
  state: InviteClientState & { readonly name: "proceeding" },
  event: InviteClientEvent,
  timers: Timers,
): Step<InviteClientState> {
  switch (event.kind) {
    case "response":
      if (event.status < 200) return [state, [PASS]];
      return final(event.status, state.cancelled ? [clear("cancel")] : NOTHING, timers);
    case "timer":
      // §9.1: 64*T1 after the CANCEL without a final response, the transaction counts as cancelled
      return event.timer === "cancel" && state.cancelled ? [TERMINATED, [FAIL_TIMEOUT]] : [state, NOTHING];
    case "transport-error":
      return [TERMINATED, state.cancelled ? [clear("cancel"), FAIL_TRANSPORT] : [FAIL_TRANSPORT]];
    case "cancel":
      return state.cancelled ? [state, NOTHING] : [CANCELLED, [CANCEL, set("cancel", timers.timeoutMs)]];
  }
}

function final(status: number, stop: readonly Effect[], timers: Timers): Step<InviteClientState> {
  if (status < 300) return [ACCEPTED, [...stop, PASS, set("M", timers.timeoutMs)]];
  // a timer D of zero ends the transaction at once
  return timers.dMs === 0
    ? [TERMINATED, [...stop, PASS, ACK]]
    : [COMPLETED, [...stop, PASS, ACK, set("D", timers.dMs)]];
}

function completed(event: InviteClientEvent): Step<InviteClientState> {
  switch (event.kind) {
    case "response":
      return event.status >= 300 ? [COMPLETED, [ACK]] : [COMPLETED, NOTHING];
    case "timer":
      return event.timer === "D" ? [TERMINATED, NOTHING] : [COMPLETED, NOTHING];
    case "transport-error":
      return [TERMINATED, [clear("D"), FAIL_TRANSPORT]];
    case "cancel":
      return [COMPLETED, NOTHING];
  }
}

function accepted(event: InviteClientEvent): Step<InviteClientState> {
  switch (event.kind) {
    case "response":
      return event.status >= 200 && event.status < 300 ? [ACCEPTED, [PASS]] : [ACCEPTED, NOTHING];
    case "timer":
      return event.timer === "M" ? [TERMINATED, NOTHING] : [ACCEPTED, NOTHING];
    case "transport-error":
    case "cancel":
      return [ACCEPTED, NOTHING];
  }
}
