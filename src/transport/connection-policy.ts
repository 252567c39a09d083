import type { ConnectionLimits } from "./connection-options.js";

/**
 * `handshake`: accepted, no way to the peer yet; `open`; `draining`: the peer has said its last word, or one that
 * cannot be read, and only waits for answers; `ending`: closed from here, saying goodbye; `closed`.
 */
export type ConnectionState = "handshake" | "open" | "draining" | "ending" | "closed";

/** What the policy wants to know of a connection. All times in milliseconds since the epoch, 0 for never. */
export interface ConnectionFacts {
  readonly state: ConnectionState;
  /** Was it opened from here? Then the peer owes no message. */
  readonly isOutgoing: boolean;
  /** Has a whole message ever come? */
  readonly hasSpoken: boolean;
  /** Does a binding live on it? */
  readonly isRetained: boolean;
  /** When the present state began. */
  readonly stateSinceMs: number;
  /** When it was accepted or connected. */
  readonly openedAtMs: number;
  /** When the last message or CRLF ping passed, either way. */
  readonly lastActiveMs: number;
  /** When the first octet of a message came whose last is still missing. */
  readonly partialSinceMs: number;
  /** Since when the peer has read nothing of what waits for it. */
  readonly stalledSinceMs: number;
  readonly lastPingMs: number;
  readonly unansweredPings: number;
}

/** What to do with a connection now: nothing, ask it for a sign of life, or close it, and for which reason. */
export type Verdict =
  | "keep"
  | "ping"
  | "end"
  | "end-idle"
  | "drop-handshake"
  | "drop-overloaded"
  | "drop-dead";

/** The bounds in time on one connection; they hold also for peers that keep their socket open and do nothing. */
export function judge(facts: ConnectionFacts, nowMs: number, limits: ConnectionLimits): Verdict {
  switch (facts.state) {
    case "handshake":
      return nowMs - facts.openedAtMs >= limits.handshakeMs ? "drop-handshake" : "keep";
    case "draining":
      return nowMs - facts.stateSinceMs >= limits.lingerMs ? "end" : "keep";
    case "ending":
      return nowMs - facts.stateSinceMs >= limits.lingerMs ? "drop-dead" : "keep";
    case "closed":
      return "keep";
    case "open":
      return judgeOpen(facts, nowMs, limits);
  }
}

function judgeOpen(facts: ConnectionFacts, nowMs: number, limits: ConnectionLimits): Verdict {
  if (facts.stalledSinceMs > 0 && nowMs - facts.stalledSinceMs >= limits.stallMs) return "drop-overloaded";
  if (facts.partialSinceMs > 0 && nowMs - facts.partialSinceMs >= limits.messageMs) return "drop-handshake";
  const owesMessage = !facts.isOutgoing && !facts.hasSpoken;
  if (owesMessage && nowMs - facts.openedAtMs >= limits.handshakeMs) return "drop-handshake";
  if (!facts.isRetained && nowMs - facts.lastActiveMs >= limits.idleMs) return "end-idle";
  if (nowMs - facts.lastPingMs < limits.pingMs) return "keep";
  return facts.unansweredPings >= limits.maxMissedPings ? "drop-dead" : "ping";
}
