import type { Binding } from "../location/binding.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Leg } from "../port/leg.js";
import type { Log } from "../port/log.js";
import type { MetricSample } from "../port/metrics.js";
import type { Reachability } from "../proxy/ping.js";
import { FlowIndex } from "../registrar/flows.js";
import { createResolver, type Resolver } from "../transport/resolve.js";
import { type AddressFamily, nodeDns } from "../transport/resolve-dns.js";
import type { ServerConfig } from "./config.js";
import { Dispatcher } from "./dispatcher.js";
import type { Environment } from "./environment.js";
import { Guard } from "./guard.js";
import type { GuardOptions } from "./guard-options.js";
import { makeLinks } from "./links.js";

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
  /** What the guard dropped so far, by reason. */
  guarded(): MetricSample[];
  /** What pings have found out about a binding; `undefined` when it is not pinged. */
  reachability(aor: string, binding: Binding): Reachability | undefined;
  /** Composes the receivers anew from another configuration; what is under way ends with the old ones. */
  reload(config: ServerConfig): Promise<void>;
  close(): Promise<void>;
}

/** Composes the receivers behind a dispatcher, and puts them in. */
export async function makeChain(parts: ChainParts): Promise<Chain> {
  const { config, legs, clock, entropy, log } = parts;
  const guard = config.guard.enabled ? new Guard(guardOptions(config, clock, log)) : undefined;
  const resolver = resolverFor(config, legs, clock, entropy);
  const dispatcher = new Dispatcher({
    legs,
    clock,
    entropy,
    log,
    limits: config.message,
    maxTransactions: config.transactions,
    resolve: (uri) => resolver.resolve(uri),
    ...(guard === undefined ? {} : { admits: guard.admits }),
  });
  const linkParts = { ...parts, flows: new FlowIndex(), findings: new Map(), guard, resolver };
  let links = await makeLinks(linkParts, dispatcher, config);
  dispatcher.setReceiver(links.receiver, links.announced);
  return {
    dispatcher,
    authentications: () =>
      links.authorizers.flatMap(({ counters }) =>
        Object.entries(counters).map(([outcome, value]) => ({ labels: { outcome }, value })),
      ),
    guarded: () =>
      Object.entries(guard?.counters ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
    reachability: (aor, binding) => links.reachability(aor, binding),
    async reload(fresh) {
      const old = links;
      guard?.setLists(fresh.guard);
      links = await makeLinks(linkParts, dispatcher, fresh);
      dispatcher.setReceiver(links.receiver, links.announced);
      await old.close();
    },
    close: () => links.close(),
  };
}

function guardOptions({ guard }: ServerConfig, clock: Clock, log: Log): GuardOptions {
  const { enabled: _enabled, ...limits } = guard;
  return { ...limits, clock, log };
}

function resolverFor(
  { dnsServers }: ServerConfig,
  legs: readonly Leg[],
  clock: Clock,
  entropy: Entropy,
): Resolver {
  const families = [4, 6].filter((family) =>
    legs.some(({ local }) => local.address.includes(":") === (family === 6)),
  ) as AddressFamily[];
  return createResolver({
    dns: nodeDns(dnsServers.length === 0 ? {} : { servers: dnsServers }),
    clock,
    entropy,
    transports: [...new Set(legs.map(({ transport }) => transport))],
    ...(families.length === 0 ? {} : { families }),
  });
}
