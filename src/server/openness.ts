import type { AccountStore } from "../auth/source.js";
import type { Clock, Timer } from "../port/clock.js";
import type { Log } from "../port/log.js";
import { acceptsAnybody, type ServerConfig } from "./config.js";

/** May anybody register without credentials now? */
export interface Openness {
  isOpen(): boolean;
  /**
   * Decides anew for another configuration.
   * @throws what the store throws when it cannot be read; nothing is decided then
   */
  decide(config: ServerConfig): void;
  close(): void;
}

export interface OpennessParts {
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly log: Log;
}

/** How often a server that is open for want of accounts looks for one while nobody asks, in milliseconds. */
const LOOK_EVERY_MS = 250;

/**
 * A server is open when the configuration says so, or while there is no account and nobody but this machine can reach it.
 * The first account closes such a one at once, whichever process makes it; it opens again by a restart or a reload alone.
 */
export function openness(first: ServerConfig, { accounts, clock, log }: OpennessParts): Openness {
  let open = false;
  /** Runs while only the want of accounts keeps it open. */
  let timer: Timer | undefined;

  /** Closes it when there is an account. */
  const look = (): void => {
    if (accounts.isEmpty()) return;
    open = false;
    timer?.cancel();
    timer = undefined;
    log.info({}, "closed: there is an account now, so REGISTER needs credentials");
  };
  // so that it closes, and says so, also when nobody asks before the account is gone again
  const watch = (): void => {
    timer = clock.after(LOOK_EVERY_MS, () => {
      try {
        look();
      } catch (error) {
        log.error({ error: String(error) }, "the accounts cannot be read");
      }
      if (timer !== undefined) watch();
    });
  };
  const decide = (config: ServerConfig): void => {
    const isOpen = acceptsAnybody(config, hasAccounts(config, accounts));
    timer?.cancel();
    timer = undefined;
    open = isOpen;
    if (open && config.open === null) watch();
  };
  decide(first);
  return {
    isOpen() {
      if (timer === undefined) return open;
      try {
        look();
      } catch {
        // told by the next look; a store that cannot be read takes no binding either
      }
      return open;
    },
    decide,
    close() {
      timer?.cancel();
      timer = undefined;
    },
  };
}

/** Is there any account? A source outside the store is taken for one that has some: nobody configures an empty one. */
function hasAccounts(config: ServerConfig, accounts: AccountStore): boolean {
  return config.accounts.some(({ kind }) => kind !== "store") || !accounts.isEmpty();
}
