import {
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

/** States of the non-INVITE client transaction (RFC 3261 figure 6). */
export type NonInviteClientState =
  | { readonly name: "trying"; readonly intervalMs: number }
  | { readonly name: "proceeding" }
  | { readonly name: "completed" }
  | { readonly name: "terminated" };

export type NonInviteClientEvent =
  | { readonly kind: "response"; readonly status: number }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "transport-error" };

const PROCEEDING: NonInviteClientState = { name: "proceeding" };
const COMPLETED: NonInviteClientState = { name: "completed" };
const TERMINATED: NonInviteClientState = { name: "terminated" };

const STOP: readonly Effect[] = [clear("E"), clear("F")];

/** §17.1.2.2: the request is sent, timer F runs over every transport, timer E over an unreliable one. */
export function startNonInviteClient(timers: Timers): Step<NonInviteClientState> {
  const intervalMs = timers.retransmitMs ?? 0;
  const state: NonInviteClientState = { name: "trying", intervalMs };
  return timers.retransmitMs === null
    ? [state, [SEND, set("F", timers.timeoutMs)]]
    : [state, [SEND, set("E", intervalMs), set("F", timers.timeoutMs)]];
}

/** One step of the non-INVITE client transaction (RFC 3261 §17.1.2). */
export function stepNonInviteClient(
  state: NonInviteClientState,
  event: NonInviteClientEvent,
  timers: Timers,
): Step<NonInviteClientState> {
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
  state: NonInviteClientState & { readonly name: "trying" | "proceeding" },
  event: NonInviteClientEvent,
  timers: Timers,
): Step<NonInviteClientState> {
  switch (event.kind) {
    case "response":
      if (event.status < 200) return [PROCEEDING, [PASS]];
      // a timer K of zero ends the transaction at once
      return timers.kMs === 0
        ? [TERMINATED, [...STOP, PASS]]
        : [COMPLETED, [...STOP, PASS, set("K", timers.kMs)]];
    case "timer":
      if (event.timer === "F") return [TERMINATED, [clear("E"), FAIL_TIMEOUT]];
      if (event.timer !== "E" || timers.retransmitMs === null) return [state, NOTHING];
      if (state.name === "proceeding") return [state, [SEND, set("E", timers.capMs)]];
      return retransmit(state.intervalMs, timers);
    case "transport-error":
      return [TERMINATED, [...STOP, FAIL_TRANSPORT]];
  }
}

function retransmit(lastMs: number, timers: Timers): Step<NonInviteClientState> {
  const intervalMs = Math.min(lastMs * 2, timers.capMs);
  return [{ name: "trying", intervalMs }, [SEND, set("E", intervalMs)]];
}

function completed(event: NonInviteClientEvent): Step<NonInviteClientState> {
  return event.kind === "timer" && event.timer === "K" ? [TERMINATED, NOTHING] : [COMPLETED, NOTHING];
}
