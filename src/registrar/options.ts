import type { Binding } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import { canonicalHost } from "../message/host.js";
import { bareHost } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Log } from "../port/log.js";
import type { AddressRules } from "./address.js";
import type { RegistrarExtension } from "./extension.js";
import type { FlowIndex } from "./flows.js";
import type { OverLimit } from "./limits.js";

/** Options of a registrar. Durations in seconds. */
export interface RegistrarOptions {
  /** Whose packets it receives, and whose legs it answers through. Mandatory. */
  readonly dispatcher: DispatcherPort;
  /** Where bindings live. */
  readonly store: LocationStore;
  /** Longer requests are cut to this; 300 when not given. */
  readonly maxExpires?: number;
  /** Shorter requests are answered 423; 30 (or `maxExpires`, when that is less) when not given, 0 switches the check off. */
  readonly minExpires?: number;
  /** Granted when nothing was asked for; `maxExpires` when not given. */
  readonly defaultExpires?: number;
  /** Domains it is responsible for; every domain when neither this nor `domains` is given. */
  readonly domain?: string | readonly string[];
  /** More of them: both may be given, and count together. */
  readonly domains?: string | readonly string[];
  /** The header field that names the domain; `"to"` when not given. */
  readonly domainHeader?: "to" | "from";
  /** Further host names of the server itself, that a Request-URI may have in place of a domain. */
  readonly aliases?: readonly string[];
  /** Source of time; the dispatcher's when not given. */
  readonly clock?: Clock;
  /** Most contacts of one address-of-record; 32 when not given. */
  readonly maxContacts?: number;
  /** Most Contacts in one request, 403 beyond; 32 when not given. */
  readonly maxContactsPerRequest?: number;
  /** What to do beyond `maxContacts`; reject with 403 when not given. */
  readonly overLimit?: OverLimit;
  /** Can a request still be sent to this binding? Its connection lives, or it needs none, when not given. */
  readonly isReachable?: (binding: Binding) => boolean;
  /** Does a rebooted phone (same `+sip.instance`, new Call-ID) take away what it bound before? `true` when not given. */
  readonly deviceIdentity?: boolean;
  /** RFCs on top of RFC 3261 (docs/registrar-extensions.md); none when not given. */
  readonly extensions?: readonly RegistrarExtension[];
  /** Seconds between looks for expired bindings, fractions allowed; 0.5 when not given, 0: only when `expire` is called. */
  readonly expireEvery?: number;
  readonly log?: Log;
  /** Which connections have bindings; one of its own when not given. Hand on the same one to the registrar that takes this one's place. */
  readonly flows?: FlowIndex;
}

/** Every option there is: another name is refused. */
const NAMES: ReadonlySet<string> = new Set<keyof RegistrarOptions>([
  "dispatcher",
  "store",
  "maxExpires",
  "minExpires",
  "defaultExpires",
  "domain",
  "domains",
  "domainHeader",
  "aliases",
  "clock",
  "maxContacts",
  "maxContactsPerRequest",
  "overLimit",
  "isReachable",
  "deviceIdentity",
  "extensions",
  "expireEvery",
  "log",
  "flows",
]);

/** Options that are objects, and the methods that the registrar calls of them. */
const PARTS: readonly (readonly [keyof RegistrarOptions, readonly string[]])[] = [
  ["dispatcher", ["findFlow", "onFlowClosed"]],
  ["store", ["update", "read", "expire"]],
  ["clock", ["nowMs", "after"]],
  ["log", ["debug", "info", "warn", "error"]],
];

/** @throws TypeError that names the option which is unknown, missing or out of range */
export function checkOptions(options: Partial<RegistrarOptions>): void {
  for (const name of Object.keys(options)) {
    if (!NAMES.has(name)) throw new TypeError(`Registrar: unknown option ${name}`);
  }
  if (options.dispatcher === undefined || options.dispatcher === null)
    throw new TypeError("Registrar: dispatcher is mandatory");
  for (const [name, methods] of PARTS) checkPart(name, options[name], methods);
  for (const name of ["domain", "domains", "aliases"] as const) checkNames(name, options[name]);
  if (options.extensions !== undefined && !Array.isArray(options.extensions))
    throw new TypeError("Registrar: extensions must be a list");
  if (options.isReachable !== undefined && typeof options.isReachable !== "function")
    throw new TypeError("Registrar: isReachable must be a function");
  const wholeFrom = (name: keyof RegistrarOptions, least: number) => {
    const value = options[name];
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) >= least))
      throw new TypeError(`Registrar: ${name} must be a whole number, ${least} or more`);
  };
  wholeFrom("maxExpires", 1);
  wholeFrom("minExpires", 0);
  wholeFrom("defaultExpires", 1);
  wholeFrom("maxContacts", 1);
  wholeFrom("maxContactsPerRequest", 1);
  const { minExpires = 0, maxExpires = 300, domainHeader = "to", overLimit, expireEvery = 0 } = options;
  if (!(Number.isFinite(expireEvery) && expireEvery >= 0))
    throw new TypeError("Registrar: expireEvery must be a number, 0 or more");
  if (minExpires > maxExpires) throw new TypeError("Registrar: minExpires is above maxExpires");
  if (domainHeader !== "to" && domainHeader !== "from")
    throw new TypeError('Registrar: domainHeader must be "to" or "from"');
  if (overLimit !== undefined && !isOverLimit(overLimit))
    throw new TypeError(
      "Registrar: overLimit must reject with 403 or 503, evict-oldest or evict-unreachable",
    );
}

function checkPart(name: string, part: unknown, methods: readonly string[]): void {
  if (part === undefined) return;
  const lacking = methods.find((method) => typeof Object(part)[method] !== "function");
  if (lacking !== undefined) throw new TypeError(`Registrar: ${name} has no method ${lacking}`);
}

function checkNames(name: string, value: unknown): void {
  const all: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
  if (!all.every((one) => typeof one === "string" && one !== ""))
    throw new TypeError(`Registrar: ${name} must be a name or a list of names`);
}

function isOverLimit(value: OverLimit): boolean {
  if (value.action === "reject") return value.status === 403 || value.status === 503;
  return value.action === "evict-oldest" || value.action === "evict-unreachable";
}

/** Whole domain names in lower case, without the brackets of IPv6 references. */
export function addressRules(options: RegistrarOptions): AddressRules {
  const domains = [...listOf(options.domain), ...listOf(options.domains)];
  return {
    domains: domains.length === 0 ? undefined : new Set(domains.map(plainHost)),
    header: options.domainHeader ?? "to",
    aliases: new Set((options.aliases ?? []).map(plainHost)),
  };
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

function plainHost(name: string): string {
  return bareHost(canonicalHost(name) ?? name.toLowerCase());
}
