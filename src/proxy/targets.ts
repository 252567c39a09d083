import type { Binding, Bindings } from "../location/binding.js";
import { bindingDestination, type Destination, type FarContacts } from "./destination.js";
import { hostOf } from "./hop.js";
import type { Candidate, Group } from "./response-context.js";
import type { Self } from "./self.js";

export interface TargetPolicy {
  readonly self: Self;
  readonly far: FarContacts;
  /** Leave out contacts that point back to this server. */
  readonly barSelf: boolean;
  /** Only contacts of the sips scheme: the request asked for sips (RFC 5630 §5.3). */
  readonly secure: boolean;
}

/** The target set of an address-of-record (RFC 3261 §16.5): highest q first, one candidate for each instance. */
export function targetGroups(bindings: Bindings, policy: TargetPolicy): readonly Group[] {
  const byQ = new Map<number, Map<string, Destination[]>>();
  for (const binding of bindings) {
    const destination = destinationOf(binding, policy);
    if (destination === undefined) continue;
    const instances = byQ.get(binding.qMilli) ?? new Map<string, Destination[]>();
    byQ.set(binding.qMilli, instances);
    const key = binding.instance ?? binding.uri;
    const flows = instances.get(key);
    if (flows === undefined) instances.set(key, [destination]);
    else flows.unshift(destination);
  }
  return [...byQ.entries()]
    .sort(([a], [b]) => b - a)
    .map(([, instances]): Group => [...instances.values()].map((flows): Candidate => flows));
}

function destinationOf(binding: Binding, policy: TargetPolicy): Destination | undefined {
  const destination = bindingDestination(binding, policy.far, policy.self);
  if (destination === undefined) return undefined;
  const { hop, uri } = destination;
  if (policy.barSelf && hop.kind === "uri" && policy.self.isServer(hostOf(hop.uri), hop.uri.port))
    return undefined;
  const secure = /^sips:/i.test(uri);
  if (policy.secure) return secure ? destination : undefined;
  // RFC 5630 §5.3: a request for a sip URI goes to a sips contact under the sip scheme
  return secure ? { ...destination, uri: `sip${uri.slice(4)}` } : destination;
}
