import {
  clear,
  type Effect,
  FAIL_TIMEOUT,
  FAIL_TRANSPORT,
  NOTHING,
  PASS,
  RESPOND,
  SEND,
  type Step,
  set,
  TRYING,
} from "./effect.js";
import type { TimerName, Timers } from "./timers.js";

/** States of the INVITE server transaction (RFC 3261 figure 7 as replaced by RFC 6026 §8.6). */
export type InviteServerState =
  | { readonly name: "proceeding"; readonly waiting: boolean }
  | { readonly name: "completed"; readonly intervalMs: number }
  | { readonly name: "confirmed" }
  | { readonly name: "accepted" }
  | { readonly name: "terminated" };

export type InviteServerEvent =
  /** The same INVITE once more. */
  | { readonly kind: "request" }
  | { readonly kind: "ack" }
  /** The user hands over a response. */
  | { readonly kind: "respond"; readonly status: number }
  | { readonly kind: "timer"; readonly timer: TimerName }
  | { readonly kind: "transport-error" };

/** `waiting`: the 100 is still to be sent when the user stays silent. */
const WAITING: InviteServerState = { name: "proceeding", waiting: true };
const PROCEEDING: InviteServerState = { name: "proceeding", waiting: false };
const CONFIRMED: InviteServerState = { name: "confirmed" };
const ACCEPTED: InviteServerState = { name: "accepted" };
const TERMINATED: InviteServerState = { name: "terminated" };

const STOP_WAITING: readonly Effect[] = [clear("trying")];

/** §17.2.1: a 100 at once, or when the user stays silent for the time given. */
export function startInviteServer(timers: Timers): Step<InviteServerState> {
  return timers.inviteTryingMs === 0
    ? [PROCEEDING, [TRYING]]
    : [WAITING, [set("trying", timers.inviteTryingMs)]];
}

/** One step of the INVITE server transaction (RFC 3261 §17.2.1, RFC 6026 §7.1). */
export function stepInviteServer(
  state: InviteServerState,
  event: InviteServerEvent,
  timers: Timers,
): Step<InviteServerState> {
  switch (state.name) {
    case "proceeding":
      return proceeding(state, event, timers);
    case "completed":
      return completed(state, event, timers);
    case "confirmed":
      return event.kind === "timer" && event.timer === "I" ? [TERMINATED, NOTHING] : [state, NOTHING];
    case "accepted":
      return accepted(event);
    case "terminated":
      return [TERMINATED, NOTHING];
  }
}

function proceeding(
  state: InviteServerState & { readonly name: "proceeding" },
  event: InviteServerEvent,
  timers: Timers,
): Step<InviteServerState> {
  switch (event.kind) {
    case "request":
      return [state, [SEND]];
    case "ack":
      return [state, NOTHING];
    case "respond":
      return respond(event.status, state.waiting ? STOP_WAITING : NOTHING, timers);
    case "timer":
      return event.timer === "trying" && state.waiting ? [PROCEEDING, [TRYING]] : [state, NOTHING];
    case "transport-error":
      // RFC 6026 §7.1: the state stays, so that the INVITE when it comes again is not taken for a new one
      return [state, [FAIL_TRANSPORT]];
  }
}

function respond(status: number, stop: readonly Effect[], timers: Timers): Step<InviteServerState> {
  if (status < 200) return [PROCEEDING, [...stop, RESPOND]];
  if (status < 300) return [ACCEPTED, [...stop, RESPOND, set("L", timers.timeoutMs)]];
  const intervalMs = timers.retransmitMs ?? 0;
  const effects = [...stop, RESPOND, set("H", timers.timeoutMs)];
  if (timers.retransmitMs !== null) effects.push(set("G", intervalMs));
  return [{ name: "completed", intervalMs }, effects];
}

function completed(
  state: InviteServerState & { readonly name: "completed" },
  event: InviteServerEvent,
  timers: Timers,
): Step<InviteServerState> {
  switch (event.kind) {
    case "request":
      return [state, [SEND]];
    case "ack":
      // a timer I of zero ends the transaction at once
      return timers.iMs === 0
        ? [TERMINATED, [clear("G"), clear("H")]]
        : [CONFIRMED, [clear("G"), clear("H"), set("I", timers.iMs)]];
    case "respond":
      return [state, NOTHING];
    case "timer":
      if (event.timer === "H") return [TERMINATED, [clear("G"), FAIL_TIMEOUT]];
      if (event.timer !== "G" || timers.retransmitMs === null) return [state, NOTHING];
      return retransmit(state.intervalMs, timers);
    case "transport-error":
      return [state, [FAIL_TRANSPORT]];
  }
}

function retransmit(lastMs: number, timers: Timers): Step<InviteServerState> {
  const intervalMs = Math.min(lastMs * 2, timers.capMs);
  return [{ name: "completed", intervalMs }, [SEND, set("G", intervalMs)]];
}

function accepted(event: InviteServerEvent): Step<InviteServerState> {
  switch (event.kind) {
    case "request":
      return [ACCEPTED, NOTHING];
    case "ack":
      return [ACCEPTED, [PASS]];
    case "respond":
      return event.status >= 200 && event.status < 300 ? [ACCEPTED, [RESPOND]] : [ACCEPTED, NOTHING];
    case "timer":
      return event.timer === "L" ? [TERMINATED, NOTHING] : [ACCEPTED, NOTHING];
    case "transport-error":
      return [ACCEPTED, [FAIL_TRANSPORT]];
  }
}
