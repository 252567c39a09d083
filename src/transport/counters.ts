import type { DropReason, LegCounters } from "../port/leg.js";

/** {@link LegCounters} as the leg that owns them writes them. */
export interface MutableCounters extends LegCounters {
  received: number;
  sent: number;
  keepAlives: number;
  connections: number;
  readonly dropped: Record<DropReason, number>;
}

/** A set of counters that starts at zero. */
export function legCounters(): MutableCounters {
  return {
    received: 0,
    sent: 0,
    keepAlives: 0,
    connections: 0,
    dropped: {
      "not-admitted": 0,
      "too-many": 0,
      malformed: 0,
      "too-large": 0,
      overloaded: 0,
      handshake: 0,
      idle: 0,
      "send-failed": 0,
      "socket-buffer": 0,
      unreachable: 0,
    },
  };
}
