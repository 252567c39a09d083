import type {
  AccountName,
  AccountPage,
  AccountStore,
  DigestAlgorithm,
  Ha1Answer,
  Ha1Set,
} from "../auth/source.js";
import { accountKey, accountName, encodeHa1s, findHa1, newAccountKey, pageLimit } from "./account-record.js";
import type { LmdbEnvironment } from "./lmdb-environment.js";
import { FIRST_KEY } from "./lmdb-table.js";

/**
 * Accounts in an LMDB environment. Every question is answered from the map as it is now, so that what another process
 * changes is seen at once.
 */
export function lmdbAccounts(environment: LmdbEnvironment): AccountStore {
  const get = (user: string, realm: string): string | undefined => {
    const key = accountKey(user, realm);
    return key === null ? undefined : environment.read(({ accounts }) => accounts.get(key));
  };
  return {
    ha1(user: string, realm: string, algorithm: DigestAlgorithm): Ha1Answer {
      return findHa1(get, { user, realm }, algorithm);
    },
    has: (user, realm) => get(user, realm) !== undefined,
    isEmpty: () =>
      environment.read(({ accounts }) => [...accounts.getKeys({ start: FIRST_KEY, limit: 1 })].length === 0),
    async set(user: string, realm: string, ha1s: Ha1Set): Promise<void> {
      const key = newAccountKey(user, realm);
      await environment.transaction(({ accounts }) => void accounts.put(key, encodeHa1s(ha1s)));
    },
    async remove(user: string, realm: string): Promise<boolean> {
      const key = accountKey(user, realm);
      if (key === null) return false;
      return environment.transaction(({ accounts }) => {
        const known = accounts.get(key) !== undefined;
        if (known) void accounts.remove(key);
        return known;
      });
    },
    async list(options: { readonly after?: AccountName; readonly limit: number }): Promise<AccountPage> {
      const { after } = options;
      const limit = pageLimit(options.limit);
      const start = after === undefined ? FIRST_KEY : newAccountKey(after.user, after.realm);
      const range = { start, exclusiveStart: after !== undefined, limit: limit + 1 };
      const keys = environment.read(({ accounts }) => [...accounts.getKeys(range)]);
      const found = keys.slice(0, limit).map(accountName);
      return { accounts: found, next: keys.length > limit ? found[limit - 1]! : null };
    },
  };
}
