import type { SecretStore } from "../../src/auth/source.js";

/** Secrets that several keyrings share, as processes share a store; `late` answers reads with promises, as a remote store does. */
export function sharedSecrets(options: { readonly late?: boolean } = {}): SecretStore & {
  readonly values: Map<string, string>;
  /** While set, every call fails with it. */
  trouble: Error | null;
} {
  const values = new Map<string, string>();
  const store = {
    values,
    trouble: null as Error | null,
    read(name: string): string | null | Promise<string | null> {
      if (options.late) return late(() => values.get(name) ?? null);
      if (store.trouble !== null) throw store.trouble;
      return values.get(name) ?? null;
    },
    create: (name: string, value: string) =>
      late(() => {
        if (!values.has(name)) values.set(name, value);
        return values.get(name)!;
      }),
    replace: (name: string, expected: string, value: string) =>
      late(() => {
        if (values.get(name) === expected) values.set(name, value);
        return values.get(name)!;
      }),
  };
  const late = async <T>(what: () => T): Promise<T> => {
    await Promise.resolve();
    if (store.trouble !== null) throw store.trouble;
    return what();
  };
  return store;
}
