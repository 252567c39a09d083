import type { CredentialSource } from "../auth/source.js";
import { bindingsOf, type Gruu, gruu } from "../extension/gruu.js";
import { outbound } from "../extension/outbound.js";
import { path } from "../extension/path.js";
import { type ServiceRouteRule, serviceRoute } from "../extension/service-route.js";
import type { MaybePromise } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { Receiver } from "../port/receiver.js";
import type { ProxyOptions, UserState } from "../proxy/options.js";
import { Pinger } from "../proxy/ping.js";
import { Redirect } from "../proxy/redirect.js";
import { StatefulProxy } from "../proxy/stateful-proxy.js";
import { StatelessProxy } from "../proxy/stateless-proxy.js";
import type { RegistrarExtension } from "../registrar/extension.js";
import type { FlowIndex } from "../registrar/flows.js";
import type { OverLimit } from "../registrar/limits.js";
import { Authorize } from "./authorize.js";
import type { AuthorizeOptions } from "./authorize-options.js";
import type { ChainParts } from "./chain.js";
import type { ServerConfig } from "./config.js";
import type { Announced, Dispatcher } from "./dispatcher.js";
import { nodeHasher } from "./hasher.js";
import { ReceiveChain } from "./receive-chain.js";
import { Registrar } from "./registrar.js";
import { accountOfAor } from "./user-account.js";

/** What one configuration makes of the chain; a reload replaces it as a whole. */
export interface Links {
  readonly receiver: Receiver;
  readonly announced: Announced;
  readonly authorizers: readonly Authorize[];
  close(): Promise<void>;
}

export interface LinkParts extends ChainParts {
  /** Connections with bindings: known to every registrar, before and after a reload. */
  readonly flows: FlowIndex;
}

/** Methods that the proxy carries to phones. */
const CARRIED = "INVITE ACK CANCEL BYE MESSAGE SUBSCRIBE NOTIFY REFER PUBLISH INFO UPDATE PRACK".split(" ");

/** Composes authoriser, registrar and proxy: authorize -> registrar -> authorize for calls -> proxy. */
export async function makeLinks(
  parts: LinkParts,
  dispatcher: Dispatcher,
  config: ServerConfig,
): Promise<Links> {
  const { environment, entropy, log, flows } = parts;
  const { locations, secrets } = environment;
  const hasher = nodeHasher();
  const source: CredentialSource = environment.accounts;
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
    secrets,
    open: parts.isOpen,
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
  const authorizers = [authorize];
  const receivers: Receiver[] = [authorize, registrar];
  if (config.proxy.enabled) {
    const authorizeCalls = new Authorize({ ...authorizeOptions, purpose: "proxy" });
    const secret = await secrets.create("proxy-key", entropy.hex(16));
    const proxy = proxyOf(config, {
      dispatcher,
      store: locations,
      domains: config.domains,
      userState: userStates(config, source, parts.isOpen),
      secret,
      ...(globalGruu === undefined ? {} : { resolveGruu: (uri) => targetOf(globalGruu, uri) }),
    });
    authorizers.push(authorizeCalls);
    receivers.push(authorizeCalls, proxy);
  }
  const pinger = config.nat.pingSec === 0 ? undefined : await startPinger(parts, dispatcher, config);
  return {
    receiver: new ReceiveChain(receivers),
    announced: announcedOf(config, extensions),
    authorizers,
    async close() {
      pinger?.close();
      await registrar.close();
    },
  };
}

/** What a GRUU leads to, as the proxy wants it. */
function targetOf(globalGruu: Gruu, uri: SipUri): ReturnType<NonNullable<ProxyOptions["resolveGruu"]>> {
  const target = globalGruu.resolve(uri);
  return target?.ok === true ? { ...target, bindings: (live) => bindingsOf(target, live) } : target;
}

function proxyOf({ proxy }: ServerConfig, options: ProxyOptions): Receiver {
  switch (proxy.mode) {
    case "proxy":
      return new StatefulProxy({ ...options, timerCSec: proxy.timerCSec, recordRoute: proxy.recordRoute });
    case "stateless":
      return new StatelessProxy({ ...options, recordRoute: proxy.recordRoute });
    case "redirect": {
      const { secret: _secret, ...rest } = options;
      return new Redirect(rest);
    }
  }
}

/** Who is known without a binding: whoever has an account; with an open registrar nobody can say. */
function userStates(
  config: ServerConfig,
  source: CredentialSource,
  isOpen: () => boolean,
): (aor: string) => MaybePromise<UserState> {
  const gone = new Set(
    config.proxy.goneUsers.map((user) => (user.startsWith("sip:") ? user : `sip:${user}`)),
  );
  return (aor) => {
    if (gone.has(aor)) return "gone";
    const account = accountOfAor(aor, config.auth.realm);
    if (account === undefined) return "unknown";
    const known = (ha1: string | null): UserState => (ha1 === null && !isOpen() ? "unknown" : "known");
    const ha1 = source.ha1(account.user, account.realm, config.auth.algorithms[0] ?? "MD5");
    return ha1 instanceof Promise ? ha1.then(known) : known(ha1);
  };
}

/** Pings phones behind a NAT, those that were registered before this start included. */
async function startPinger(
  { environment, clock, entropy, log }: ChainParts,
  dispatcher: Dispatcher,
  config: ServerConfig,
): Promise<Pinger> {
  const { locations } = environment;
  const pinger = new Pinger({
    clock,
    entropy,
    deliver: (draft, binding) => dispatcher.deliver(draft, binding),
    from: `sip:${config.domains[0] ?? "rollcall.invalid"}`,
    intervalSec: config.nat.pingSec,
    misses: config.nat.pingMisses,
    changed: ({ aor, binding, reachable, misses }) =>
      log.info(
        { aor, contact: binding.uri, misses },
        reachable ? "phone answers again" : "phone does not answer",
      ),
  });
  const stopWatching = locations.watch((event) => pinger.heed(event));
  let after: string | null = null;
  do {
    const page = await locations.scan({ limit: 1000, ...(after === null ? {} : { after }) });
    for (const { aor, bindings } of page.records) for (const binding of bindings) pinger.add(aor, binding);
    after = page.next;
  } while (after !== null);
  pinger.start();
  const close = pinger.close.bind(pinger);
  return Object.assign(pinger, {
    close() {
      stopWatching();
      close();
    },
  });
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
  if (config.path) extensions.push(path());
  if (config.outbound.enabled) extensions.push(outbound({ flowTimerSec: config.outbound.flowTimerSec }));
  if (globalGruu !== undefined) extensions.push(globalGruu);
  if (config.serviceRoute.length > 0) extensions.push(serviceRoute(config.serviceRoute.map(ruleOf)));
  return extensions;
}

function ruleOf({ domain, user, routes }: ServerConfig["serviceRoute"][number]): ServiceRouteRule {
  return { routes, ...(domain === null ? {} : { domain }), ...(user === null ? {} : { user }) };
}
