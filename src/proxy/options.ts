import type { Binding } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import type { MaybePromise } from "../message/result.js";
import type { Identity } from "../port/receiver.js";
import type { FarContacts } from "./destination.js";
import type { ProxyHooks } from "./hooks.js";
import type { MarkFailed, Resolve } from "./hop.js";
import type { OutgoingOptions } from "./outgoing.js";
import type { ProxyDispatcher } from "./sender.js";

/** What is known of a user who has no live binding: nothing (404), that there is one (480), or that there was one (410). */
export type UserState = "unknown" | "known" | "gone";

export interface ProxyOptions extends ProxyHooks, OutgoingOptions {
  readonly dispatcher: ProxyDispatcher;
  /** Where the bindings are. */
  readonly store: LocationStore;
  /** Domain or domains that we speak for; every domain when none is given. */
  readonly domain?: string | readonly string[];
  readonly domains?: string | readonly string[];
  /** Names and addresses of this server besides those its legs are bound to, without brackets. */
  readonly hosts?: readonly string[];
  /** Host that peers are told in place of what the legs are bound to: for a server behind a port forwarding. */
  readonly advertised?: string;
  /**
   * Asked for a user without live bindings (an `addressOfRecord` as in the store). When not given, a user is known who has
   * a record in the store, if only of expired bindings.
   * @param caller who asks; `undefined` for one who has not proved who it is, from whom it may be hidden which users exist
   */
  readonly userState?: (aor: string, caller: Identity | undefined) => MaybePromise<UserState>;
  /**
   * May this caller say who it is in P-Asserted-Identity and the like (RFC 3325 §5)? Where not, those header fields go no
   * further. Everybody may when not given. Where one who proves nothing may, a From of ours makes it one of our users within
   * the dialogs it opens, so that its peer's Contact may move to another port.
   * @param caller `undefined` for one who has not proved who it is
   */
  readonly mayAssertIdentity?: (caller: Identity | undefined) => boolean;
  /** May this binding be called? For what pings have found out; every live one when not given. */
  readonly isReachable?: (aor: string, binding: Binding) => boolean;
  /** Finds servers by DNS (RFC 3263); addresses alone when not given. */
  readonly resolve?: Resolve;
  /** Told which of the servers that `resolve` found fail, so that others are tried before them. */
  readonly markFailed?: MarkFailed;
  /** See {@link FarContacts}; `"source"` when not given. */
  readonly farContacts?: FarContacts;
  /** Never call contacts that point back to this server; they are called when not given, and loops end by RFC 5393. */
  readonly barSelf?: boolean;
  /** Stay in the path of dialogs; on when not given. */
  readonly recordRoute?: boolean;
  /** Timer C in seconds, more than 180 (RFC 3261 §16.6 step 11); 185 when not given. */
  readonly timerCSec?: number;
  /** Option tags of Proxy-Require that some extension handles; none when not given. */
  readonly proxyExtensions?: readonly string[];
  /**
   * Signs branches and Record-Route: 32 hexadecimal digits. Drawn at random when not given, so that dialogs from before a
   * restart, or on another process, are not recognised.
   */
  readonly secret?: string;
}

const NAMES: ReadonlySet<string> = new Set(
  (
    "dispatcher store domain domains hosts advertised userState mayAssertIdentity isReachable resolve markFailed farContacts barSelf recordRoute " +
    "timerCSec proxyExtensions secret resolveGruu openRoute outgoingProxy domainProxies"
  ).split(" "),
);

/**
 * @throws TypeError for an unknown option, a missing dispatcher or store, or a timer C of three minutes or less
 */
export function checkOptions(options: ProxyOptions): void {
  for (const name of Object.keys(options))
    if (!NAMES.has(name)) throw new TypeError(`StatefulProxy: unknown option ${name}`);
  if (options.dispatcher === undefined) throw new TypeError("StatefulProxy: dispatcher is mandatory");
  if (options.store === undefined) throw new TypeError("StatefulProxy: store is mandatory");
  if (options.timerCSec !== undefined && !(options.timerCSec > 180))
    throw new TypeError("StatefulProxy: timerCSec must be more than 180");
}

/** The domains of `domain` and `domains` together. */
export function domainsOf(options: Pick<ProxyOptions, "domain" | "domains">): string[] {
  return [options.domain ?? [], options.domains ?? []].flat();
}
