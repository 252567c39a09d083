import type { NonceLedger } from "../../src/auth/attempts.js";

/** A ledger that several processes share; `late` answers with promises, as a remote one does. */
export function sharedLedger(
  options: { readonly late?: boolean } = {},
): NonceLedger & { trouble: Error | null } {
  const holders = new Map<number, number>();
  const ledger = {
    trouble: null as Error | null,
    claim(nonce: number, process: number): number | Promise<number> {
      const holder = holders.get(nonce) ?? process;
      if (options.late) {
        return Promise.resolve().then(() => {
          if (ledger.trouble !== null) throw ledger.trouble;
          const late = holders.get(nonce) ?? process;
          holders.set(nonce, late);
          return late;
        });
      }
      if (ledger.trouble !== null) throw ledger.trouble;
      holders.set(nonce, holder);
      return holder;
    },
  };
  return ledger;
}
