import type { Binding } from "../location/binding.js";
import { equalSipUris, parseSipUri } from "../message/uri.js";
import type { RegisterContact } from "./contact.js";

/**
 * Is this binding the one that a Contact speaks of? A flow's is found by instance and reg-id (RFC 5626 §6), any other by
 * URI equality (RFC 3261 §10.3 step 7, §19.1.4). A flow also takes over the binding that the same instance made of the
 * same URI without a flow; a contact without one takes none away from a flow, but may remove it.
 */
export function speaksOf(contact: RegisterContact, binding: Binding, removes: boolean): boolean {
  if (contact.regId !== null) {
    if (binding.instance !== contact.instance) return false;
    return binding.regId === contact.regId || (binding.regId === null && hasUriOf(binding, contact));
  }
  return (binding.regId === null || removes) && hasUriOf(binding, contact);
}

function hasUriOf(binding: Binding, contact: RegisterContact): boolean {
  if (binding.uri === contact.uri) return true;
  if (contact.sipUri === undefined) return false;
  const uri = parseSipUri(binding.uri);
  return uri !== undefined && equalSipUris(uri, contact.sipUri);
}

/** Do two Contacts of one request speak of the same binding? */
export function sameContact(a: RegisterContact, b: RegisterContact): boolean {
  if (a.regId !== null || b.regId !== null) return a.regId === b.regId && a.instance === b.instance;
  if (a.uri === b.uri) return true;
  return a.sipUri !== undefined && b.sipUri !== undefined && equalSipUris(a.sipUri, b.sipUri);
}
