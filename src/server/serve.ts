import type { AccountStore } from "../auth/source.js";
import type { Binding } from "../location/binding.js";
import type { LocationStore } from "../location/store.js";
import type { Leg } from "../port/leg.js";
import type { Log } from "../port/log.js";
import type { MetricSource } from "../port/metrics.js";
import type { Reachability } from "../proxy/ping.js";
import { makeChain } from "./chain.js";
import type { ServerConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import { showAddress, showListen } from "./config-values.js";
import { openEnvironment } from "./environment.js";
import { certificateFiles, makeLegs, reloadCertificates } from "./legs.js";
import { serverMetrics } from "./metrics.js";
import { type Openness, openness } from "./openness.js";
import { systemClock, systemEntropy } from "./system.js";
import { watchFiles } from "./watch-files.js";

/** A server while it runs, and what others may look at. */
export interface RunningServer {
  /** Bound addresses, as `udp:127.0.0.1:5060`. */
  readonly listeners: readonly string[];
  readonly store: LocationStore;
  readonly accounts: AccountStore;
  readonly metrics: readonly MetricSource[];
  /** The configuration in force. */
  readonly config: ServerConfig;
  /** `true`, or in words why it is not ready. */
  readiness(): true | string;
  /** Is the connection with this token open? */
  isFlowAlive(token: string): boolean;
  /** What pings have found out about a binding; `undefined` when it is not pinged. */
  reachability(aor: string, binding: Binding): Reachability | undefined;
  /** Since when the network says that nothing gets to a binding, milliseconds since the epoch; `undefined` when it does not. */
  lostSinceMs(binding: Binding): number | undefined;
  /** Takes over what a new configuration may change while it runs; rejects, and keeps the old one, when it cannot. */
  reload(config: ServerConfig): Promise<void>;
  /** Takes nothing new, finishes what is under way, flushes, closes. */
  close(): Promise<void>;
}

const OPEN = "open: anybody may register without credentials";

/**
 * Starts a server: opens the store, composes the chain, binds every listener. When anything of this fails, what was
 * opened is closed again and the error is thrown.
 * @throws ConfigError, StoreError, or the system's error for a listener that cannot be bound
 */
export async function startServer(
  first: ServerConfig,
  options: { readonly log: Log },
): Promise<RunningServer> {
  const { log } = options;
  const clock = systemClock;
  const entropy = systemEntropy();
  const legs = makeLegs(first, clock, entropy);
  const environment = openEnvironment(first, clock);
  let open: Openness | undefined;
  try {
    open = openness(first, { accounts: environment.accounts, clock, log });
    const { isOpen } = open;
    const state = { config: first, isReady: false };
    const chain = await makeChain({
      config: first,
      legs,
      environment,
      clock,
      entropy,
      log,
      isOpen,
    });
    const { dispatcher } = chain;
    await dispatcher.start();
    const watcher = watchFiles(certificateFiles(first), clock, () => {
      try {
        reloadCertificates(legs, state.config);
        log.info({}, "certificates reloaded");
      } catch (error) {
        log.error({ error: String(error) }, "the new certificates are not usable; the old ones stay");
      }
    });
    state.isReady = true;
    for (const leg of legs) {
      if (leg.engine !== undefined) log.info({ listener: showLeg(leg), engine: leg.engine }, "UDP engine");
    }
    if (isOpen()) log.warn({}, OPEN);
    return {
      listeners: legs.map(showLeg),
      store: environment.locations,
      accounts: environment.accounts,
      metrics: serverMetrics({ dispatcher, environment, chain }),
      get config() {
        return state.config;
      },
      readiness: () => (state.isReady ? (environment.trouble()?.message ?? true) : "starting or stopping"),
      isFlowAlive: (token) => dispatcher.findFlow(token)?.flow.alive === true,
      reachability: chain.reachability,
      lostSinceMs: (binding) => dispatcher.lostFlows.sinceMs(binding),
      async reload(config) {
        refuseFixedChanges(state.config, config);
        reloadCertificates(legs, config);
        await chain.reload(config);
        open?.decide(config);
        if (isOpen()) log.warn({}, OPEN);
        state.config = config;
        watcher.watch(certificateFiles(config));
      },
      async close() {
        state.isReady = false;
        watcher.close();
        open?.close();
        await dispatcher.close();
        await chain.close();
        await environment.close();
      },
    };
  } catch (error) {
    open?.close();
    await environment.close();
    throw error;
  }
}

function showLeg({ transport, local }: Leg): string {
  return showListen({ transport, host: local.address, port: local.port });
}

/** What a running server cannot change: where it listens and where it keeps things. */
function fixedParts({ listen, store, dataDirectory, admin, dnsServers }: ServerConfig) {
  const adminListener = admin === null ? "off" : showAddress(admin);
  return { listen, store, data: dataDirectory, admin: adminListener, "dns.servers": dnsServers };
}

function refuseFixedChanges(old: ServerConfig, fresh: ServerConfig): void {
  const now = new Map<string, unknown>(Object.entries(fixedParts(old)));
  for (const [key, value] of Object.entries(fixedParts(fresh))) {
    if (JSON.stringify(value) !== JSON.stringify(now.get(key))) {
      throw new ConfigError([`${key} cannot change while the server runs; restart it`]);
    }
  }
}
