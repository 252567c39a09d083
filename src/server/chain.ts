import type { CredentialSource } from "../auth/source.js";
import { gruu } from "../extension/gruu.js";
import { outbound } from "../extension/outbound.js";
import { path } from "../extension/path.js";
import { type ServiceRouteRule, serviceRoute } from "../extension/service-route.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Leg } from "../port/leg.js";
import type { Log } from "../port/log.js";
import type { MetricSample } from "../port/metrics.js";
import type { Receiver } from "../port/receiver.js";
import type { RegistrarExtension } from "../registrar/extension.js";
import type { OverLimit } from "../registrar/limits.js";
import { Authorize } from "./authorize.js";
import type { ServerConfig } from "./config.js";
import { Dispatcher } from "./dispatcher.js";
import type { Environment } from "./environment.js";
import { nodeHasher } from "./hasher.js";
import { ReceiveChain } from "./receive-chain.js";
import { Registrar } from "./registrar.js";

export interface ChainParts {
  readonly config: ServerConfig;
  readonly legs: readonly Leg[];
  readonly environment: Environment;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  /** May anybody register now? */
  readonly isOpen: () => boolean;
}

/** The receive chain of a server with the dispatcher before it. */
export interface Chain {
  readonly dispatcher: Dispatcher;
  /** Outcomes of authentication so far. */
  authentications(): MetricSample[];
  /** Composes the receivers anew from another configuration; what is under way ends with the old ones. */
  reload(config: ServerConfig): Promise<void>;
  close(): Promise<void>;
}

/** What one configuration makes of the chain, replaced as a whole by a reload. */
interface Links {
  readonly receiver: Receiver;
  readonly authorizers: readonly Authorize[];
  close(): Promise<void>;
}

/** Composes authoriser, registrar and proxy behind a dispatcher: guard -> authorize -> registrar -> proxy -> the last word. */
export async function makeChain(parts: ChainParts): Promise<Chain> {
  const { config, legs, clock, entropy, log } = parts;
  const dispatcher = new Dispatcher({ legs, clock, entropy, log, limits: config.message });
  let links = await makeLinks(parts, dispatcher, config);
  dispatcher.setReceiver(links.receiver);
  return {
    dispatcher,
    authentications: () =>
      links.authorizers.flatMap(({ counters }) =>
        Object.entries(counters).map(([outcome, value]) => ({ labels: { outcome }, value })),
      ),
    async reload(fresh) {
      const old = links;
      links = await makeLinks(parts, dispatcher, fresh);
      dispatcher.setReceiver(links.receiver);
      await old.close();
    },
    close: () => links.close(),
  };
}

async function makeLinks(parts: ChainParts, dispatcher: Dispatcher, config: ServerConfig): Promise<Links> {
  const { environment, entropy, log } = parts;
  const hasher = nodeHasher();
  const source: CredentialSource = environment.accounts;
  const authorize = new Authorize({
    dispatcher,
    source,
    ...(config.auth.realm === null ? {} : { realm: config.auth.realm }),
    ...(config.domains.length === 0 ? {} : { domains: config.domains }),
    algorithms: config.auth.algorithms,
    nonceSeconds: config.auth.nonceSec,
    secrets: environment.secrets,
    open: parts.isOpen,
    hasher,
    log,
  });
  const key = await environment.secrets.create("gruu-key", entropy.hex(32));
  const registrar = new Registrar({
    dispatcher,
    store: environment.locations,
    minExpires: config.expires.minSec,
    maxExpires: config.expires.maxSec,
    defaultExpires: config.expires.defaultSec,
    domains: config.domains,
    maxContacts: config.limits.contactsPerAor,
    maxContactsPerRequest: config.limits.contactsPerRequest,
    overLimit: overLimitOf(config),
    extensions: [...extensionsOf(config), ...(config.gruu ? [gruu({ hasher, entropy, key })] : [])],
    log,
  });
  return {
    receiver: new ReceiveChain([authorize, registrar]),
    authorizers: [authorize],
    close: () => registrar.close(),
  };
}

function overLimitOf({ limits }: ServerConfig): OverLimit {
  return limits.overLimit === "reject"
    ? { action: "reject", status: limits.overLimitStatus }
    : { action: limits.overLimit };
}

function extensionsOf(config: ServerConfig): RegistrarExtension[] {
  const extensions: RegistrarExtension[] = [];
  if (config.path) extensions.push(path());
  if (config.outbound.enabled) {
    extensions.push(outbound({ flowTimerSec: config.outbound.flowTimerSec }));
  }
  if (config.serviceRoute.length > 0) extensions.push(serviceRoute(config.serviceRoute.map(ruleOf)));
  return extensions;
}

function ruleOf({ domain, user, routes }: ServerConfig["serviceRoute"][number]): ServiceRouteRule {
  return { routes, ...(domain === null ? {} : { domain }), ...(user === null ? {} : { user }) };
}
