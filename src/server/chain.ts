import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Leg } from "../port/leg.js";
import type { Log } from "../port/log.js";
import type { MetricSample } from "../port/metrics.js";
import { FlowIndex } from "../registrar/flows.js";
import type { ServerConfig } from "./config.js";
import { Dispatcher } from "./dispatcher.js";
import type { Environment } from "./environment.js";
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
  /** Composes the receivers anew from another configuration; what is under way ends with the old ones. */
  reload(config: ServerConfig): Promise<void>;
  close(): Promise<void>;
}

/** Composes the receivers behind a dispatcher, and puts them in. */
export async function makeChain(parts: ChainParts): Promise<Chain> {
  const { config, legs, clock, entropy, log } = parts;
  const dispatcher = new Dispatcher({ legs, clock, entropy, log, limits: config.message });
  const linkParts = { ...parts, flows: new FlowIndex() };
  let links = await makeLinks(linkParts, dispatcher, config);
  dispatcher.setReceiver(links.receiver, links.announced);
  return {
    dispatcher,
    authentications: () =>
      links.authorizers.flatMap(({ counters }) =>
        Object.entries(counters).map(([outcome, value]) => ({ labels: { outcome }, value })),
      ),
    async reload(fresh) {
      const old = links;
      links = await makeLinks(linkParts, dispatcher, fresh);
      dispatcher.setReceiver(links.receiver, links.announced);
      await old.close();
    },
    close: () => links.close(),
  };
}
