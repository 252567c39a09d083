import type { CredentialSource, Ha1Answer } from "../auth/source.js";
import { bindingsOf, type Gruu, gruu } from "../extension/gruu.js";
import { outbound } from "../extension/outbound.js";
import { type PathOptions, path } from "../extension/path.js";
import { type ServiceRouteRule, serviceRoute } from "../extension/service-route.js";
import type { Binding } from "../location/binding.js";
import type { SipUri } from "../message/uri.js";
import type { Identity, Receiver } from "../port/receiver.js";
import type { ProxyOptions, UserState } from "../proxy/options.js";
import type { PingFindings, Reachability } from "../proxy/ping.js";
import { Redirect } from "../proxy/redirect.js";
import { StatefulProxy } from "../proxy/stateful-proxy.js";
import { StatelessProxy } from "../proxy/stateless-proxy.js";
import type { RegistrarExtension } from "../registrar/extension.js";
import type { FlowIndex } from "../registrar/flows.js";
import type { OverLimit } from "../registrar/limits.js";
import type { Resolver } from "../transport/resolve.js";
import { openAccountSources } from "./account-sources.js";
import { Authorize } from "./authorize.js";
import type { AuthorizeOptions } from "./authorize-options.js";
import type { ChainParts } from "./chain.js";
import type { ServerConfig } from "./config.js";
import type { Announced, Dispatcher } from "./dispatcher.js";
import type { Guard } from "./guard.js";
import { parseNetworks, sourceOctets } from "./guard-networks.js";
import { nodeHasher } from "./hasher.js";
import { ownHosts } from "./own-hosts.js";
import { startPinger } from "./pinging.js";
import { ReceiveChain } from "./receive-chain.js";
import { Registrar } from "./registrar.js";
import { accountOfAor } from "./user-account.js";

/** What one configuration makes of the chain; a reload replaces it as a whole. */
export interface Links {
  readonly receiver: Receiver;
  readonly announced: Announced;
  readonly authorizers: readonly Authorize[];
  /** What pings have found out about a binding; `undefined` when it is not pinged. */
  reachability(aor: string, binding: Binding): Reachability | undefined;
  close(): Promise<void>;
}

export interface LinkParts extends ChainParts {
  /** Connections with bindings: known to every registrar, before and after a reload. */
  readonly flows: FlowIndex;
  /** What pings have found out, before and after a reload. */
  readonly findings: PingFindings;
  /** Absent when it is switched off. */
  readonly guard: Guard | undefined;
  readonly resolver: Resolver;
}

/** Methods that the proxy carries to phones. */
const CARRIED = "INVITE ACK CANCEL BYE MESSAGE SUBSCRIBE NOTIFY REFER PUBLISH INFO UPDATE PRACK".split(" ");

/** Composes the chain: guard -> authorize -> registrar -> authorize for calls -> proxy. */
export async function makeLinks(
  parts: LinkParts,
  dispatcher: Dispatcher,
  config: ServerConfig,
): Promise<Links> {
  const { environment, entropy, log, flows, findings, guard, resolver } = parts;
  const { locations, secrets } = environment;
  const hasher = nodeHasher();
  const { accounts } = environment;
  const sources = await openAccountSources(config, { accounts, clock: parts.clock, hasher, log });
  const { source } = sources;
  const globalGruu = config.gruu
    ? gruu({ hasher, entropy, key: await secrets.create("gruu-key", entropy.hex(32)) })
    : undefined;
  const authorizeOptions: AuthorizeOptions = {
    dispatcher,
    source,
    ...(config.auth.realm === null ? {} : { realm: config.auth.realm }),
    ...(config.domains.length === 0 ? {} : { domains: config.domains }),
    algorithms: config.auth.algorithms,
    nonceSeconds: config.auth.nonceSec,
    allowWithoutQop: config.auth.allowWithoutQop,
    rules: config.auth.rules,
    aliases: ownHosts(dispatcher.legs),
    secrets,
    open: parts.isOpen,
    ...(guard === undefined ? {} : { watcher: guard }),
    hasher,
    log,
  };
  const authorize = new Authorize(authorizeOptions);
  const extensions = extensionsOf(config, globalGruu);
  const registrar = new Registrar({
    dispatcher,
    store: locations,
    minExpires: config.expires.minSec,
    maxExpires: config.expires.maxSec,
    defaultExpires: config.expires.defaultSec,
    domains: config.domains,
    maxContacts: config.limits.contactsPerAor,
    maxContactsPerRequest: config.limits.contactsPerRequest,
    overLimit: overLimitOf(config),
    extensions,
    log,
    flows,
  });
  const secret = config.proxy.enabled ? await secrets.create("proxy-key", entropy.hex(16)) : "";
  if (config.nat.pingSec === 0) findings.clear();
  const pinger =
    config.nat.pingSec === 0 ? undefined : await startPinger(parts, dispatcher, config, findings);
  const authorizers = [authorize];
  const receivers: Receiver[] = [...(guard === undefined ? [] : [guard]), authorize, registrar];
  if (config.proxy.enabled) {
    const proxy = proxyOf(config, {
      dispatcher,
      store: locations,
      domains: config.domains,
      hosts: ownHosts(dispatcher.legs),
      userState: userStates(config, source, parts.isOpen),
      mayAssertIdentity: (caller: Identity | undefined) => caller !== undefined || parts.isOpen(),
      resolve: (uri, how) => resolver.resolve(uri, how),
      markFailed: (server, seconds) => resolver.markFailed(server, seconds),
      secret,
      isReachable: (aor: string, binding: Binding) =>
        dispatcher.lostFlows.sinceMs(binding) === undefined && pinger?.isReachable(aor, binding) !== false,
      ...(globalGruu === undefined ? {} : { resolveGruu: (uri) => targetOf(globalGruu, uri) }),
    });
    const authorizeCalls = new Authorize({
      ...authorizeOptions,
      purpose: "proxy",
      ...("isInDialog" in proxy
        ? { inDialog: (request, leg, from) => proxy.isInDialog(request, leg, from) }
        : {}),
    });
    authorizers.push(authorizeCalls);
    receivers.push(authorizeCalls, proxy);
  }
  return {
    receiver: new ReceiveChain(receivers),
    announced: announcedOf(config, extensions),
    authorizers,
    reachability: (aor, binding) => pinger?.get(aor, binding),
    async close() {
      for (const authorizer of authorizers) authorizer.close();
      pinger?.close();
      await registrar.close();
      await sources.close();
    },
  };
}

/** What a GRUU leads to, as the proxy wants it. */
function targetOf(globalGruu: Gruu, uri: SipUri): ReturnType<NonNullable<ProxyOptions["resolveGruu"]>> {
  const target = globalGruu.resolve(uri);
  return target?.ok === true ? { ...target, bindings: (live) => bindingsOf(target, live) } : target;
}

function proxyOf({ proxy }: ServerConfig, options: ProxyOptions): StatefulProxy | StatelessProxy | Redirect {
  switch (proxy.mode) {
    case "proxy":
      return new StatefulProxy({ ...options, ...forwardingOf(proxy), timerCSec: proxy.timerCSec });
    case "stateless":
      return new StatelessProxy({ ...options, ...forwardingOf(proxy) });
    case "redirect": {
      const {
        secret: _secret,
        resolve: _resolve,
        markFailed: _markFailed,
        mayAssertIdentity: _mayAssertIdentity,
        ...rest
      } = options;
      return new Redirect(rest);
    }
  }
}

/** What those who forward are told, with state or without. */
function forwardingOf({
  recordRoute,
  callSelf,
  outgoingProxy,
  domainProxies,
}: ServerConfig["proxy"]): Pick<ProxyOptions, "recordRoute" | "barSelf" | "outgoingProxy" | "domainProxies"> {
  return {
    recordRoute,
    barSelf: !callSelf,
    domainProxies,
    ...(outgoingProxy === null ? {} : { outgoingProxy }),
  };
}

/**
 * Who is known without a binding: whoever has an account; with an open registrar nobody can say. Strangers are not told at a
 * closed one: every user is known to them, and no account is looked up, so that neither answer nor time tells one from another.
 */
function userStates(
  config: ServerConfig,
  source: CredentialSource,
  isOpen: () => boolean,
): NonNullable<ProxyOptions["userState"]> {
  const gone = new Set(config.proxy.goneUsers);
  return (aor, caller) => {
    if (gone.has(aor)) return "gone";
    if (caller === undefined && !isOpen()) return "known";
    const account = accountOfAor(aor, config.auth.realm);
    if (account === undefined) return "unknown";
    const known = (ha1: Ha1Answer): UserState => (ha1 === null && !isOpen() ? "unknown" : "known");
    const ha1 = source.ha1(account.user, account.realm, config.auth.algorithms[0] ?? "MD5");
    return ha1 instanceof Promise ? ha1.then(known) : known(ha1);
  };
}

function announcedOf(config: ServerConfig, extensions: readonly RegistrarExtension[]): Announced {
  const { domains } = config;
  return {
    allow: ["REGISTER", "OPTIONS", ...(config.proxy.enabled ? CARRIED : [])],
    supported: extensions.flatMap(({ optionTag }) => optionTag ?? []),
    ...(domains.length === 0 ? {} : { isOwnDomain: (domain: string) => domains.includes(domain) }),
  };
}

function overLimitOf({ limits }: ServerConfig): OverLimit {
  return limits.overLimit === "reject"
    ? { action: "reject", status: limits.overLimitStatus }
    : { action: limits.overLimit };
}

function extensionsOf(config: ServerConfig, globalGruu: Gruu | undefined): RegistrarExtension[] {
  const extensions: RegistrarExtension[] = [];
  if (config.path.mode !== "off") extensions.push(path(pathOptionsOf(config.path)));
  if (config.outbound.enabled) extensions.push(outbound({ flowTimerSec: config.outbound.flowTimerSec }));
  if (globalGruu !== undefined) extensions.push(globalGruu);
  if (config.serviceRoute.length > 0) extensions.push(serviceRoute(config.serviceRoute.map(ruleOf)));
  return extensions;
}

function pathOptionsOf({ mode, from }: ServerConfig["path"]): PathOptions {
  const withoutSupport = mode === "strict" ? "reject" : "accept";
  if (from === null) return { withoutSupport };
  const networks = parseNetworks(from);
  return {
    withoutSupport,
    trusts({ address }) {
      const octets = sourceOctets(address);
      return octets !== undefined && networks.has(octets);
    },
  };
}

function ruleOf({ domain, user, routes }: ServerConfig["serviceRoute"][number]): ServiceRouteRule {
  return { routes, ...(domain === null ? {} : { domain }), ...(user === null ? {} : { user }) };
}
