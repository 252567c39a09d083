import type { Binding, Bindings } from "../location/binding.js";
import { shown } from "./text.js";

/** One contact as the command line and the admin interface give it; absent facts are `null`. */
export interface ContactView {
  readonly uri: string;
  /** Whole seconds left; a live contact has at least one. */
  readonly expires: number;
  /** 0 to 1. */
  readonly q: number;
  readonly callId: string;
  readonly cseq: number;
  readonly userAgent: string | null;
  /** `udp:198.51.100.4:61002` */
  readonly received: string;
  readonly path: readonly string[];
  readonly instance: string | null;
  readonly regId: number | null;
  /** ISO 8601, UTC. */
  readonly registeredAt: string;
  readonly updatedAt: string;
}

/** One address-of-record with its live contacts. */
export interface AorView {
  readonly aor: string;
  readonly contacts: readonly ContactView[];
}

/** How a binding is shown at a moment. */
export function contactView(binding: Binding, nowMs: number): ContactView {
  return {
    uri: shown(binding.uri),
    expires: Math.max(0, Math.ceil((binding.expiresAtMs - nowMs) / 1000)),
    q: binding.qMilli / 1000,
    callId: shown(binding.callId),
    cseq: binding.cseq,
    userAgent: binding.userAgent === null ? null : shown(binding.userAgent),
    received: binding.received,
    path: binding.path.map(shown),
    instance: binding.instance === null ? null : shown(binding.instance),
    regId: binding.regId,
    registeredAt: new Date(binding.registeredAtMs).toISOString(),
    updatedAt: new Date(binding.updatedAtMs).toISOString(),
  };
}

/** How an address-of-record is shown: its live contacts, or `undefined` when it has none. */
export function aorView(aor: string, bindings: Bindings, nowMs: number): AorView | undefined {
  const contacts: ContactView[] = [];
  for (const binding of bindings) if (binding.expiresAtMs > nowMs) contacts.push(contactView(binding, nowMs));
  return contacts.length === 0 ? undefined : { aor: shown(aor), contacts };
}
