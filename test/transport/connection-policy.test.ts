import { describe, expect, it } from "vitest";
import { type ConnectionLimits, connectionLimits } from "../../src/transport/connection-options.js";
import { type ConnectionFacts, judge } from "../../src/transport/connection-policy.js";

const NOW_MS = 1_000_000;

const LIMITS: ConnectionLimits = {
  ...connectionLimits({ host: "127.0.0.1", port: 0 }),
  handshakeMs: 30_000,
  messageMs: 15_000,
  stallMs: 30_000,
  idleMs: 300_000,
  lingerMs: 2_000,
  pingMs: 30_000,
  maxMissedPings: 2,
};

/** A peer that has just spoken, in the middle of its life. */
const LIVELY: ConnectionFacts = {
  state: "open",
  isOutgoing: false,
  hasSpoken: true,
  isRetained: false,
  stateSinceMs: NOW_MS - 500_000,
  openedAtMs: NOW_MS - 500_000,
  lastActiveMs: NOW_MS,
  partialSinceMs: 0,
  stalledSinceMs: 0,
  lastPingMs: NOW_MS,
  unansweredPings: 0,
};

function ago(ms: number): number {
  return NOW_MS - ms;
}

describe("the bounds in time on one connection", () => {
  it.each<[string, Partial<ConnectionFacts>, string]>([
    ["who speaks stays", {}, "keep"],
    ["a handshake within its time", { state: "handshake", openedAtMs: ago(29_999) }, "keep"],
    ["a handshake beyond", { state: "handshake", openedAtMs: ago(30_000) }, "drop-handshake"],
    ["no message yet, within the time", { hasSpoken: false, openedAtMs: ago(29_999) }, "keep"],
    ["no message, and time is up", { hasSpoken: false, openedAtMs: ago(30_000) }, "drop-handshake"],
    ["a dialed peer owes none", { hasSpoken: false, isOutgoing: true, openedAtMs: ago(30_000) }, "keep"],
    ["half a message, still coming", { partialSinceMs: ago(14_999) }, "keep"],
    ["half a message for too long", { partialSinceMs: ago(15_000) }, "drop-handshake"],
    [
      "half a message on a retained connection",
      { partialSinceMs: ago(15_000), isRetained: true },
      "drop-handshake",
    ],
    ["a queue that nobody reads yet", { stalledSinceMs: ago(29_999) }, "keep"],
    ["a queue that nobody reads", { stalledSinceMs: ago(30_000), isRetained: true }, "drop-overloaded"],
    ["idle, but not for long", { lastActiveMs: ago(299_999) }, "keep"],
    ["idle", { lastActiveMs: ago(300_000) }, "end-idle"],
    ["idle, yet a binding lives on it", { lastActiveMs: ago(300_000_000), isRetained: true }, "keep"],
    ["time for a ping", { lastPingMs: ago(30_000) }, "ping"],
    ["and for another", { lastPingMs: ago(30_000), unansweredPings: 1 }, "ping"],
    ["pings in vain", { lastPingMs: ago(30_000), unansweredPings: 2, isRetained: true }, "drop-dead"],
    ["the last ping may still be answered", { lastPingMs: ago(29_999), unansweredPings: 2 }, "keep"],
    ["answers on their way", { state: "draining", stateSinceMs: ago(1_999) }, "keep"],
    ["answers that never came", { state: "draining", stateSinceMs: ago(2_000) }, "end"],
    ["a goodbye", { state: "ending", stateSinceMs: ago(1_999) }, "keep"],
    ["a goodbye that is not returned", { state: "ending", stateSinceMs: ago(2_000) }, "drop-dead"],
    ["what is closed", { state: "closed", stateSinceMs: ago(2_000_000) }, "keep"],
  ])("%s", (_name, facts, verdict) => {
    expect(judge({ ...LIVELY, ...facts }, NOW_MS, LIMITS)).toBe(verdict);
  });

  it("knows no pings where the transport has none", () => {
    const limits = connectionLimits({ host: "127.0.0.1", port: 0 });
    expect(judge({ ...LIVELY, lastPingMs: 0 }, NOW_MS, limits)).toBe("keep");
  });
});
