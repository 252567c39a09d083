import type { Binding, Bindings } from "./binding.js";
import type { LocationEvent } from "./store.js";

/** What two sets of one address-of-record are compared for. */
export interface ChangeOfSet {
  readonly aor: string;
  readonly before: Bindings;
  readonly after: Bindings;
  readonly nowMs: number;
  /** What became of live bindings that are gone. */
  readonly goneAs: "removed" | "flow-closed";
}

/**
 * What happened between two sets, as events: those that are gone first, then the new and the refreshed in their order.
 * A binding that is the very same object in both did not change. Pure.
 */
export function eventsOf({ aor, before, after, nowMs, goneAs }: ChangeOfSet): readonly LocationEvent[] {
  const gone = before.filter((binding) => !after.includes(binding));
  const written: LocationEvent[] = [];
  for (const binding of after) {
    if (before.includes(binding)) continue;
    const at = findPredecessor(gone, binding);
    if (at !== -1) gone.splice(at, 1);
    written.push({ kind: at === -1 ? "registered" : "refreshed", aor, binding, atMs: nowMs });
  }
  const left = gone.map(
    (binding): LocationEvent => ({
      kind: binding.expiresAtMs <= nowMs ? "expired" : goneAs,
      aor,
      binding,
      atMs: nowMs,
    }),
  );
  return [...left, ...written];
}

/**
 * Which of the old bindings this one continues: that of the same instance and reg-id (RFC 5626 §6), else the one with its
 * URI, else the one that was made at the same moment by the same Call-ID (an equal URI in another spelling, §19.1.4).
 */
function findPredecessor(old: Bindings, binding: Binding): number {
  if (binding.instance !== null && binding.regId !== null) {
    const at = old.findIndex((one) => one.instance === binding.instance && one.regId === binding.regId);
    if (at !== -1) return at;
  }
  const at = old.findIndex((one) => one.uri === binding.uri);
  if (at !== -1) return at;
  return old.findIndex(
    (one) => one.registeredAtMs === binding.registeredAtMs && one.callId === binding.callId,
  );
}

/** The earliest moment at which one of the bindings expires; `Infinity` for none. */
export function earliestExpiryMs(bindings: Bindings): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const binding of bindings) if (binding.expiresAtMs < earliest) earliest = binding.expiresAtMs;
  return earliest;
}
