import type { Binding, Bindings } from "./binding.js";

/** One branch of a call: the binding to try, and its device's other flows, to be tried when that one fails. */
export interface Target {
  readonly binding: Binding;
  /** Bindings of the same instance, in the order to try them (RFC 5626 §7). */
  readonly fallbacks: readonly Binding[];
}

/** Targets of the same preference, to be tried at once (RFC 3261 §16.6); the most recently registered first. */
export type TargetGroup = readonly Target[];

/** What a lookup must know of the moment it happens in. */
export interface LookupMoment {
  readonly nowMs: number;
  /** Does the connection with this token still live? Bindings over a dead one are not called. */
  isFlowAlive(token: string): boolean;
}

/**
 * Whom a call for an address-of-record reaches (RFC 3261 §16.5): the live bindings as groups to try one after another, by
 * falling q. Bindings of one instance never stand in the target set together: they are one target (RFC 5626 §7), which
 * has the q of the best of them. Pure.
 */
export function lookupTargets(
  bindings: Bindings,
  { nowMs, isFlowAlive }: LookupMoment,
): readonly TargetGroup[] {
  const live = bindings.filter(
    ({ expiresAtMs, flow }) => expiresAtMs > nowMs && (flow === null || isFlowAlive(flow)),
  );
  const devices = new Map<string, Binding[]>();
  for (const binding of live.sort(byPreference)) {
    // A URI never begins like this, so that it is no instance's key.
    const device = binding.instance === null ? binding.uri : `"${binding.instance}`;
    const known = devices.get(device);
    if (known === undefined) devices.set(device, [binding]);
    else addFlow(known, binding);
  }
  const groups: Target[][] = [];
  let qMilli = -1;
  for (const [binding, ...fallbacks] of devices.values()) {
    if (binding!.qMilli !== qMilli) groups.push([]);
    qMilli = binding!.qMilli;
    groups[groups.length - 1]!.push({ binding: binding!, fallbacks });
  }
  return groups;
}

/** RFC 5626 §7: the latest flow first; of those written within one millisecond that is the one which stands later in the set. */
function addFlow(flows: Binding[], binding: Binding): void {
  let at = flows.length;
  while (at > 0 && byPreference(flows[at - 1]!, binding) === 0) at--;
  flows.splice(at, 0, binding);
}

function byPreference(a: Binding, b: Binding): number {
  return b.qMilli - a.qMilli || b.updatedAtMs - a.updatedAtMs;
}
