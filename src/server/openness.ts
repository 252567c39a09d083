import type { AccountStore } from "../auth/source.js";
import type { Clock, Timer } from "../port/clock.js";
import type { Log } from "../port/log.js";
import { acceptsAnybody, type ServerConfig } from "./config.js";

/** May anybody register without credentials now? */
export interface Openness {
  isOpen(): boolean;
  /** Decides anew for another configuration. */
  decide(config: ServerConfig): Promise<void>;
  close(): void;
}

export interface OpennessParts {
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often a server that is open for want of accounts looks whether there is one, in milliseconds. */
const LOOK_EVERY_MS = 250;

/**
 * A server is open when the configuration says so, or while there is no account and nobody but this machine can reach it.
 * The first account closes such a one, whichever process makes it; it opens again by a restart or a reload alone.
 */
export async function openness(
  first: ServerConfig,
  { accounts, clock, log }: OpennessParts,
): Promise<Openness> {
  let open = false;
  let isClosed = false;
  let timer: Timer | undefined;

  const watch = (config: ServerConfig): void => {
    timer = clock.after(LOOK_EVERY_MS, () => {
      hasAccounts(config, accounts).then(
        (some) => {
          if (isClosed) return;
          if (!some) return watch(config);
          open = false;
          log.info({}, "closed: there is an account now, so REGISTER needs credentials");
        },
        (error: unknown) => {
          log.error({ error: String(error) }, "the accounts cannot be read");
          if (!isClosed) watch(config);
        },
      );
    });
  };
  const decide = async (config: ServerConfig): Promise<void> => {
    const some = await hasAccounts(config, accounts);
    timer?.cancel();
    open = acceptsAnybody(config, some);
    if (open && config.open === null) watch(config);
  };
  await decide(first);
  return {
    isOpen: () => open,
    decide,
    close() {
      isClosed = true;
      timer?.cancel();
    },
  };
}

/** Is there any account? A source outside the store is taken for one that has some: nobody configures an empty one. */
async function hasAccounts(config: ServerConfig, accounts: AccountStore): Promise<boolean> {
  if (config.accounts.some(({ kind }) => kind !== "store")) return true;
  return (await accounts.list({ limit: 1 })).accounts.length > 0;
}
