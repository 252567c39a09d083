import type { Binding } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import { equalSipUris, parseSipUri } from "../message/uri.js";

export interface RemoveOptions {
  readonly nowMs: number;
  /** Contact URI, text of the wire; every binding when not given. */
  readonly contact?: string;
}

/** Takes the bindings of an address-of-record away; resolves to how many live ones went. */
export function removeBindings(
  store: LocationStore,
  aor: string,
  { nowMs, contact }: RemoveOptions,
): MaybePromise<number> {
  return store.update(aor, (current) => {
    const goes = contact === undefined ? () => true : matcher(contact);
    const bindings = current.filter((binding) => !goes(binding));
    const removed = current.filter((binding) => goes(binding) && binding.expiresAtMs > nowMs).length;
    return { bindings: bindings.length === current.length ? current : bindings, outcome: removed };
  });
}

/** The same text, or the same URI by the rules of RFC 3261 §19.1.4. */
function matcher(contact: string): (binding: Binding) => boolean {
  const wanted = parseSipUri(contact);
  return ({ uri }) => {
    if (uri === contact) return true;
    if (wanted === undefined) return false;
    const candidate = parseSipUri(uri);
    return candidate !== undefined && equalSipUris(candidate, wanted);
  };
}
