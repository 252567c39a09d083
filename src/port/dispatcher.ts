import type { Clock } from "./clock.js";
import type { Entropy } from "./entropy.js";
import type { Flow, Leg } from "./leg.js";

/** What receivers may ask of the dispatcher that they are mounted behind. */
export interface DispatcherPort {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly legs: readonly Leg[];
  /** The live connection with this token and the leg that owns it; `undefined` once it is closed, and for UDP tokens. */
  findFlow(token: string): { readonly leg: Leg; readonly flow: Flow } | undefined;
  /** Calls back for each connection that closed; returns the way to stop. */
  onFlowClosed(listener: (flow: Flow) => void): () => void;
}
