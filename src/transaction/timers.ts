/** The basic times that every timer of RFC 3261 §17 is derived from (table 4), in milliseconds. */
export interface BaseTimes {
  /** Estimate of the round trip. */
  readonly t1Ms: number;
  /** Longest interval between retransmissions of a non-INVITE request or an INVITE response. */
  readonly t2Ms: number;
  /** How long a message stays in the network. */
  readonly t4Ms: number;
}

export const DEFAULT_TIMES: BaseTimes = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** Timers by their letters in RFC 3261 table 4 and RFC 6026 §8.11; `trying` waits to send a 100, `cancel` waits behind a CANCEL (§9.1). */
export type TimerName =
  | "A"
  | "B"
  | "D"
  | "E"
  | "F"
  | "G"
  | "H"
  | "I"
  | "J"
  | "K"
  | "L"
  | "M"
  | "trying"
  | "cancel";

/** The timers of one transport as data: what a machine sets, in milliseconds. */
export interface Timers {
  /** First interval of retransmissions (timers A, E, G); `null` over a reliable transport, where nothing is sent twice. */
  readonly retransmitMs: number | null;
  /** Cap on the intervals of timers E and G. */
  readonly capMs: number;
  /** Timers B, F, H, L and M, and the wait behind a CANCEL: 64*T1 over every transport. */
  readonly timeoutMs: number;
  /** Timer D: how long a response to INVITE may come again. */
  readonly dMs: number;
  /** Timer I: how long an ACK may come again. */
  readonly iMs: number;
  /** Timer J: how long a non-INVITE request may come again. */
  readonly jMs: number;
  /** Timer K: how long a response to a non-INVITE request may come again. */
  readonly kMs: number;
  /** 100 to an INVITE when nothing else was answered (§17.2.1: 200 ms); 0 sends it at once. */
  readonly inviteTryingMs: number;
  /** 100 to another request when nothing else was answered: when the peer's timer E has reached T2 (RFC 4320 §4.1). */
  readonly otherTryingMs: number;
}

/** §17.1.1.2: timer D is at least 32 s over an unreliable transport, whatever T1 is here. */
const LEAST_D_MS = 32_000;

/** The timers of an unreliable transport (UDP) and of the reliable ones. */
export interface TimerTable {
  readonly unreliable: Timers;
  readonly reliable: Timers;
}

/**
 * Derives every timer from the basic times (RFC 3261 table 4, RFC 6026 §8.11).
 * @param inviteTryingMs how long the user of an INVITE server transaction may take before a 100 is sent; 0: not at all
 */
export function timerTable(times: BaseTimes = DEFAULT_TIMES, inviteTryingMs = 0): TimerTable {
  const { t1Ms, t2Ms, t4Ms } = times;
  const timeoutMs = 64 * t1Ms;
  const shared = { capMs: t2Ms, timeoutMs, inviteTryingMs, otherTryingMs: untilCapMs(t1Ms, t2Ms) };
  return {
    unreliable: {
      ...shared,
      retransmitMs: t1Ms,
      dMs: Math.max(LEAST_D_MS, timeoutMs),
      iMs: t4Ms,
      jMs: timeoutMs,
      kMs: t4Ms,
    },
    reliable: { ...shared, retransmitMs: null, dMs: 0, iMs: 0, jMs: 0, kMs: 0 },
  };
}

/** When timer E is set to T2 for the first time: 3.5 s with the default times. */
function untilCapMs(t1Ms: number, t2Ms: number): number {
  let elapsedMs = 0;
  for (let intervalMs = t1Ms; intervalMs < t2Ms; intervalMs *= 2) elapsedMs += intervalMs;
  return elapsedMs;
}
