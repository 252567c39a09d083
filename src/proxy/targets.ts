import type { Binding, Bindings } from "../location/binding.js";
import { type LookupMoment, lookupTargets } from "../location/lookup.js";
import { bindingDestination, type Destination, type FarContacts, leadsBack } from "./destination.js";
import type { Candidate, Group } from "./response-context.js";
import type { Self } from "./self.js";

export interface TargetPolicy extends LookupMoment {
  readonly self: Self;
  readonly far: FarContacts;
  /** Leave out contacts that point back to this server. */
  readonly barSelf: boolean;
  /** Only contacts of the sips scheme: the request asked for sips (RFC 5630 §5.3). */
  readonly secure: boolean;
}

/** The target set of an address-of-record (RFC 3261 §16.5): groups by q, in them one candidate for each instance. */
export function targetGroups(bindings: Bindings, policy: TargetPolicy): readonly Group[] {
  const groups: Group[] = [];
  for (const targets of lookupTargets(bindings, policy)) {
    const group: Candidate[] = [];
    for (const { binding, fallbacks } of targets) {
      const destinations: Destination[] = [];
      add(destinations, binding, policy);
      for (const fallback of fallbacks) add(destinations, fallback, policy);
      if (destinations.length > 0) group.push(destinations);
    }
    if (group.length > 0) groups.push(group);
  }
  return groups;
}

function add(destinations: Destination[], binding: Binding, policy: TargetPolicy): void {
  const destination = destinationOf(binding, policy);
  if (destination !== undefined) destinations.push(destination);
}

function destinationOf(binding: Binding, policy: TargetPolicy): Destination | undefined {
  const destination = bindingDestination(binding, policy.far, policy.self);
  if (destination === undefined) return undefined;
  if (policy.barSelf && leadsBack(destination, policy.self)) return undefined;
  const { uri } = destination;
  const secure = /^sips:/i.test(uri);
  if (policy.secure) return secure ? destination : undefined;
  // RFC 5630 §5.3: a request for a sip URI goes to a sips contact under the sip scheme
  return secure ? { ...destination, uri: `sip${uri.slice(4)}` } : destination;
}
