import type { SecretStore } from "../auth/source.js";
import type { LmdbEnvironment } from "./lmdb-environment.js";

/** Secrets in an LMDB environment: one value for all processes, whoever comes first. */
export function lmdbSecrets(environment: LmdbEnvironment): SecretStore {
  const read = (name: string): string | null => environment.read(({ secrets }) => secrets.get(name) ?? null);
  return {
    read,
    async create(name: string, value: string): Promise<string> {
      return (
        read(name) ??
        environment.transaction(({ secrets }) => {
          const held = secrets.get(name);
          if (held === undefined) void secrets.put(name, value);
          return held ?? value;
        })
      );
    },
    replace: (name, expected, value) =>
      environment.transaction(({ secrets }) => {
        const held = secrets.get(name);
        if (held !== undefined && held !== expected) return held;
        void secrets.put(name, value);
        return value;
      }),
  };
}
