import type { MaybePromise } from "../message/result.js";
import type { NonceLedger } from "./attempts.js";
import { type Nonce, type NonceKeys, NonceMint, type NonceMintOptions, type NonceScope } from "./nonce.js";
import { NonceUses } from "./nonce-uses.js";

export interface NoncesOptions extends NonceMintOptions {
  /** How long a nonce serves. */
  readonly lifetimeMs: number;
  /** Nonces whose uses are kept at a time. */
  readonly capacity: number;
  /** Shared by all processes that share the keys. */
  readonly ledger: NonceLedger | undefined;
}

/** May a request be served that spends this nc of a nonce? `served`: yes; `repeated`: it was, a moment ago; the others say why not. */
export type Spending = "served" | "repeated" | "replayed" | "stale";

/**
 * The life of nonces: issued, opened, spent (RFC 7616 §5.4, §5.5). Uses are counted in the process that serves a nonce, and only
 * one does: the one that issued it, or with a ledger whichever first claimed it. Any other answers it as stale, so what was
 * accepted once is never accepted again elsewhere or after a restart, and the phone asks again with a new nonce at once.
 */
export class Nonces {
  readonly #options: NoncesOptions;
  readonly #mint: NonceMint;
  readonly #uses: NonceUses;

  constructor(options: NoncesOptions, keys: NonceKeys) {
    this.#options = options;
    this.#mint = new NonceMint(options, keys);
    this.#uses = new NonceUses({
      capacity: options.capacity,
      lifetimeMs: options.lifetimeMs,
      nowMs: options.clock.nowMs(),
    });
  }

  /** Signs with other keys from now on. */
  useKeys(keys: NonceKeys): void {
    this.#mint.useKeys(keys);
  }

  issue(scope: NonceScope, address: string): string {
    return this.#mint.issue(scope, address);
  }

  open(nonce: string, scope: NonceScope): Nonce | undefined {
    return this.#mint.open(nonce, scope);
  }

  wentTo(nonce: Nonce, address: string): boolean {
    return this.#mint.wentTo(nonce, address);
  }

  isOfUnknownKey(nonce: string): boolean {
    return this.#mint.isOfUnknownKey(nonce);
  }

  /**
   * Spends one nc of an authentic nonce, for a request whose credentials proved right.
   * @param nc 1 to 2^32-1
   * @param mark tells the request from every other one: a keyed hash of all of it
   */
  spend(nonce: Nonce, nc: number, mark: number): MaybePromise<Spending> {
    const { clock, lifetimeMs, ledger } = this.#options;
    const own = this.#mint.process;
    // a small integer for those of this process, nearly all: others have larger ids
    const use = {
      nonce: nonce.process === own ? nonce.serial : nonce.id,
      issuedAtMs: nonce.issuedAtMs,
      nc,
      mark,
    };
    const nowMs = clock.nowMs();
    const ageMs = nowMs - nonce.issuedAtMs;
    // a clock that was set back must not make a nonce serve for longer than its time
    if (ageMs > lifetimeMs || ageMs < -lifetimeMs)
      return this.#uses.isRepeat(use, nowMs) ? "repeated" : "stale";
    if (ledger === undefined) return nonce.process === own ? this.#take(use) : "stale";
    const holder = ledger.claim(nonce.id, own, nonce.issuedAtMs + lifetimeMs);
    if (!(holder instanceof Promise)) return holder === own ? this.#take(use) : "stale";
    return holder.then((process) => (process === own ? this.#take(use) : "stale"));
  }

  #take(use: Parameters<NonceUses["take"]>[0]): Spending {
    switch (this.#uses.take(use, this.#options.clock.nowMs())) {
      case "first":
        return "served";
      case "repeat":
        return "repeated";
      case "replay":
        return "replayed";
      case "forgotten":
        return "stale";
    }
  }
}
