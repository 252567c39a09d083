import type { AccountStore, SecretStore } from "../auth/source.js";
import { accountKey, accountName, encodeHa1s, findHa1, newAccountKey, pageLimit } from "./account-record.js";

/** Accounts that are gone with the process. */
export function memoryAccounts(): AccountStore {
  const accounts = new Map<string, string>();
  const get = (user: string, realm: string) => accounts.get(accountKey(user, realm) ?? "");
  return {
    ha1(user, realm, algorithm) {
      return findHa1(get, { user, realm }, algorithm);
    },
    has: (user, realm) => get(user, realm) !== undefined,
    isEmpty: () => accounts.size === 0,
    async set(user, realm, ha1s) {
      accounts.set(newAccountKey(user, realm), encodeHa1s(ha1s));
    },
    remove: async (user, realm) => accounts.delete(accountKey(user, realm) ?? ""),
    async list({ after, limit }) {
      const behind = after === undefined ? "" : newAccountKey(after.user, after.realm);
      const keys = [...accounts.keys()].filter((key) => key > behind).sort();
      const most = pageLimit(limit);
      const found = keys.slice(0, most).map(accountName);
      return { accounts: found, next: keys.length > most ? found[most - 1]! : null };
    },
  };
}

/** Secrets that are gone with the process. */
export function memorySecrets(): SecretStore {
  const secrets = new Map<string, string>();
  return {
    read: (name) => secrets.get(name) ?? null,
    async create(name, value) {
      const held = secrets.get(name) ?? value;
      secrets.set(name, held);
      return held;
    },
    async replace(name, expected, value) {
      const held = secrets.get(name);
      if (held !== undefined && held !== expected) return held;
      secrets.set(name, value);
      return value;
    },
  };
}
