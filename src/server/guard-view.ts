import type { Ban } from "./guard-bans.js";

/** Which list an address stands on. */
export type Listing = "allow" | "deny" | "none";

/** What a guard knows of an address, and why it treats it as it does. */
export interface GuardView {
  /** What the address is counted as: itself, or its /64. */
  readonly source: string;
  /** `heard`: like everybody. `allowed`, `denied`: by the lists. `banned`, `limited`: by what it did. */
  readonly verdict: "heard" | "allowed" | "denied" | "banned" | "limited";
  /** In words, for people. */
  readonly why: string;
  readonly bannedUntilMs: number | null;
  /** When a user last proved itself from there; `null` when none did lately. */
  readonly lastSuccessMs: number | null;
  /** About how many different users failed there within ten minutes. */
  readonly failingUsers: number;
  /** Requests that it may send at once now. */
  readonly budget: number;
  /** What was dropped from there since it is known. */
  readonly dropped: number;
}

/** How a source is treated, and why. */
export function explainVerdict(
  list: Listing,
  ban: Ban | undefined,
  budget: number,
  nowMs: number,
): [GuardView["verdict"], string] {
  if (list === "deny") return ["denied", "it is on the deny list: nothing from there is heard"];
  if (list === "allow") return ["allowed", "it is on the allow list: it is never limited or banned"];
  if (ban !== undefined) {
    const leftSec = Math.ceil((ban.untilMs - nowMs) / 1000);
    return [
      "banned",
      `about ${ban.users} different users failed there and none had succeeded within an hour: banned for ${leftSec} s more; flows that proved a user are heard`,
    ];
  }
  if (budget < 1)
    return [
      "limited",
      "it sends more requests that prove no user than it may: only a little of each flow is heard",
    ];
  return ["heard", "nothing is held against it"];
}
