import type { AccountStore, CredentialSource, Hasher } from "../auth/source.js";
import type { Clock } from "../port/clock.js";
import type { Log } from "../port/log.js";
import { accountCache } from "../storage/account-cache.js";
import { accountChain } from "../storage/account-chain.js";
import { openHtdigest } from "../storage/htdigest.js";
import { httpAccounts } from "../storage/http-accounts.js";
import { postgresAccounts } from "../storage/postgres-accounts.js";
import type { AccountSource, ServerConfig } from "./config.js";
import { ConfigError } from "./config-error.js";

export interface AccountSourceParts {
  /** Accounts of the embedded store. */
  readonly accounts: AccountStore;
  readonly clock: Clock;
  readonly hasher: Hasher;
  readonly log: Log;
}

/** The sources of a configuration as one, and how to let go of them. */
export interface OpenedSources {
  readonly source: CredentialSource;
  close(): Promise<void>;
}

interface Opened {
  readonly source: CredentialSource;
  readonly close?: () => void | Promise<void>;
}

/**
 * Opens the sources of accounts in the order of the configuration. Those behind a network are cached; the embedded store
 * and files in memory are asked each time, so that a change there holds at once.
 * @throws ConfigError when one cannot be opened; those opened before it are closed again
 */
export async function openAccountSources(
  config: ServerConfig,
  parts: AccountSourceParts,
): Promise<OpenedSources> {
  const opened: Opened[] = [];
  const close = async (): Promise<void> => {
    for (const { close } of opened) await close?.();
  };
  try {
    for (const source of config.accounts) opened.push(await openSource(source, parts));
  } catch (error) {
    await close();
    throw new ConfigError([`accounts: ${error instanceof Error ? error.message : String(error)}`]);
  }
  return { source: accountChain(opened.map(({ source }) => source)), close };
}

async function openSource(source: AccountSource, parts: AccountSourceParts): Promise<Opened> {
  const { accounts, clock, hasher, log } = parts;
  switch (source.kind) {
    case "store":
      return { source: accounts };
    case "htdigest": {
      const file = await openHtdigest({ path: source.file, clock, log });
      return { source: file, close: () => file.close() };
    }
    case "postgres": {
      const table = await postgresAccounts({ url: source.url, hasher, log });
      return { source: accountCache(table, { clock }), close: () => table.close() };
    }
    case "http":
      return { source: accountCache(httpAccounts({ url: source.url }), { clock }) };
  }
}
