import type { AccountStore } from "../auth/source.js";
import type { Binding } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import type { MetricSource } from "../port/metrics.js";
import type { PingFacts } from "./explain.js";

/** What the admin interface needs to know of the server that it shows. */
export interface AdminBackend {
  readonly store: LocationStore;
  /** The accounts that can be changed; `null` when the embedded store is not among the sources of accounts. */
  readonly accounts: AccountStore | null;
  /** The one realm of all users, or `null` when each domain is its own; asked anew each time, for it may be reloaded. */
  realm(): string | null;
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** `true`, or in words why the server is not ready. */
  readiness(): true | string;
  /** Is the connection with this token open? */
  isFlowAlive(token: string): boolean;
  /** What pings have found out about a binding; absent, or `undefined`, when it is not pinged. */
  reachability?(aor: string, binding: Binding): PingFacts | undefined;
  /** Since when ICMP says that nothing gets to a binding, milliseconds since the epoch; absent, or `undefined`, when none does. */
  lostSinceMs?(binding: Binding): number | undefined;
  /** What the server counted, read when somebody looks. */
  readonly metrics: readonly MetricSource[];
  /** Version of the server. */
  readonly version: string;
}
