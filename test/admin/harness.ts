import type { FastifyInstance } from "fastify";
import { type AccessPolicy, adminAccess } from "../../src/admin/access.js";
import { adminApp } from "../../src/admin/app.js";
import type { AdminBackend } from "../../src/admin/backend.js";
import type { Binding } from "../../src/location/binding.js";
import type { LocationStore } from "../../src/location/store.js";
import { NO_LOG } from "../../src/port/log.js";
import { memoryEnvironment } from "../../src/storage/memory.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";

export const LOCAL: AccessPolicy = { host: "127.0.0.1", token: null, basic: null, hosts: [] };

/** An admin interface over stores in memory and a clock that stands still. */
export interface Harness {
  readonly app: FastifyInstance;
  readonly backend: AdminBackend;
  readonly store: LocationStore;
  readonly clock: ManualClock;
  /** Binds a contact to an address-of-record. */
  bind(aor: string, binding?: Partial<Binding>): Promise<void>;
}

export async function harness(
  access: AccessPolicy = LOCAL,
  overrides: Partial<AdminBackend> = {},
): Promise<Harness> {
  const clock = manualClock();
  const { locations: store, accounts } = memoryEnvironment({ clock });
  const backend: AdminBackend = {
    store,
    accounts,
    realm: () => null,
    nowMs: clock.nowMs,
    readiness: () => true,
    isFlowAlive: () => false,
    metrics: [],
    version: "9.9.9",
    ...overrides,
  };
  return {
    app: await adminApp({ backend, access: adminAccess(access), log: NO_LOG }),
    backend,
    store,
    clock,
    async bind(aor, binding = {}) {
      const added = bindingAt(clock.nowMs(), binding);
      await store.update(aor, (current) => ({ bindings: [...current, added], outcome: undefined }));
    },
  };
}

/** A binding that was made at a moment and lasts a minute, unless said otherwise. */
export function bindingAt(nowMs: number, binding: Partial<Binding> = {}): Binding {
  return {
    uri: "sip:alice@192.0.2.7:5060;transport=udp",
    params: "",
    expiresAtMs: nowMs + 60_000,
    qMilli: 1000,
    callId: "call-1",
    cseq: 12,
    userAgent: null,
    received: "udp:198.51.100.4:61002",
    flow: null,
    path: [],
    instance: null,
    regId: null,
    registeredAtMs: nowMs,
    updatedAtMs: nowMs,
    ...binding,
  };
}
