import type { Binding } from "../location/binding.js";
import { equalSipUris, parseSipUri } from "../message/uri.js";
import type { RegisterContact } from "./contact.js";

/**
 * Is this binding the one that a Contact of a request speaks of? A flow's is found by instance and reg-id (RFC 5626 §6), any
 * other by URI equality (RFC 3261 §10.3 step 7, §19.1.4). A flow also takes over the binding that the same instance made of
 * the same URI without a flow. A contact without a flow takes none away from one, but may remove it, unless the request
 * speaks of that flow itself.
 * @param all the Contacts of the request
 */
export function speaksOf(
  contact: RegisterContact,
  binding: Binding,
  removes: boolean,
  all: readonly RegisterContact[],
): boolean {
  if (contact.regId !== null) {
    if (isFlowOf(contact, binding)) return true;
    const mayTakeOver = !removes && binding.regId === null && binding.instance === contact.instance;
    return mayTakeOver && hasUriOf(binding, contact);
  }
  if (binding.regId === null) return hasUriOf(binding, contact);
  return removes && hasUriOf(binding, contact) && !all.some((other) => isFlowOf(other, binding));
}

function isFlowOf(contact: RegisterContact, binding: Binding): boolean {
  return contact.regId !== null && binding.regId === contact.regId && binding.instance === contact.instance;
}

function hasUriOf(binding: Binding, contact: RegisterContact): boolean {
  if (binding.uri === contact.uri) return true;
  if (contact.sipUri === undefined) return false;
  const uri = parseSipUri(binding.uri);
  return uri !== undefined && equalSipUris(uri, contact.sipUri);
}

/** The last word on each binding that the Contacts of one request speak of more than once. */
export function distinctContacts(contacts: readonly RegisterContact[]): readonly RegisterContact[] {
  return contacts.filter((contact, i) => !contacts.some((later, j) => j > i && isSame(contact, later)));
}

/** Do two Contacts of one request speak of the same binding? */
function isSame(a: RegisterContact, b: RegisterContact): boolean {
  if (a.regId !== null || b.regId !== null) return a.regId === b.regId && a.instance === b.instance;
  if (a.uri === b.uri) return true;
  return a.sipUri !== undefined && b.sipUri !== undefined && equalSipUris(a.sipUri, b.sipUri);
}
