import type { Binding, Bindings } from "../../location/binding.js";
import type { Change, LocationEvent, LocationStore } from "../../location/store.js";
import { aBinding } from "../bindings.js";

/** One promise that a location store keeps. */
export interface StoreCase<Store> {
  readonly name: string;
  /** Rejects with an assertion error when the promise is not kept. `open` gives an empty store; `run` closes it. */
  run(open: () => Store | Promise<Store>): Promise<void>;
}

/** Runs a case on one store and closes it whatever comes of it. */
export function storeCase(
  name: string,
  check: (store: LocationStore) => Promise<void>,
): StoreCase<LocationStore> {
  return {
    name,
    async run(open) {
      const store = await open();
      try {
        await check(store);
      } finally {
        await store.close();
      }
    },
  };
}

export const ALICE = "sip:alice@example.com";
export const BOB = "sip:bob@example.com";
/** The moment of the suite. Expiry is told by it, never by the machine's clock. */
export const NOW_MS = 1_767_225_600_000;

/** A binding to this host, for an hour from `NOW_MS`. */
export function at(host: string, given: Partial<Binding> = {}): Binding {
  return aBinding({
    uri: `sip:phone@${host}`,
    callId: `call@${host}`,
    expiresAtMs: NOW_MS + 3_600_000,
    ...given,
  });
}

/** A change that makes the set just these. */
export function setTo(...bindings: readonly Binding[]): Change<null> {
  return () => ({ bindings, outcome: null });
}

/** A change that adds one; its outcome is how many there are then. */
export function add(binding: Binding): Change<number> {
  return (current) => ({ bindings: [...current, binding], outcome: current.length + 1 });
}

/** A change that takes everything that matches away. */
export function drop(matches: (binding: Binding) => boolean): Change<null> {
  return (current) => ({ bindings: current.filter((binding) => !matches(binding)), outcome: null });
}

/** Hosts of a set made with `at`, in its order. */
export function hosts(bindings: Bindings): readonly string[] {
  return bindings.map(hostOf);
}

export function hostOf({ uri }: Binding): string {
  return uri.slice("sip:phone@".length);
}

/** Events in a line each: `registered sip:alice@example.com h1`. */
export function told(events: readonly LocationEvent[]): readonly string[] {
  return events.map(({ kind, aor, binding }) => `${kind} ${aor} ${hostOf(binding)}`);
}

/** Fails on purpose inside a change. */
export class OnPurpose extends Error {}
