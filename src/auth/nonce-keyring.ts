import type { MaybePromise } from "../message/result.js";
import type { Clock, Timer } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { NonceKeys } from "./nonce.js";
import type { SecretStore } from "./source.js";

export interface NonceKeyringOptions {
  /** Where the keys live, for all processes; without one they are made at random and die with this process. */
  readonly secrets: SecretStore | undefined;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** How long a key signs, in milliseconds. The key before it is believed for as long again. */
  readonly rotateMs: number;
  /** How often the store is looked at for keys that others made, in milliseconds. */
  readonly refreshMs: number;
  /** Called with the keys that hold from now on. */
  readonly changed: (keys: NonceKeys) => void;
  /** Called when a look at the store failed; the keys at hand stay in force. */
  readonly failed: (error: unknown) => void;
}

/** Name of the keys in the {@link SecretStore}. */
export const NONCE_KEYS = "nonce-keys";

const KEY_OCTETS = 32;

/** What is stored: the keys and when the current one was made. */
interface StoredKeys extends NonceKeys {
  readonly madeAtMs: number;
}

/**
 * The keys that nonces are signed with: shared through the store by all processes and over restarts, and changed from time
 * to time by whichever process comes first. Since the key before is still believed, and processes look for new ones long
 * before they need them, a change locks nobody out.
 */
export class NonceKeyring {
  readonly #options: NonceKeyringOptions;
  #keys: StoredKeys | undefined;
  /** What the store held when it was last read: the `expected` of a change. */
  #text = "";
  #loading: Promise<void> | undefined;
  #lookedMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: NonceKeyringOptions) {
    this.#options = options;
  }

  /**
   * Settles when there are keys; at once when there are some already.
   * @throws what the store threw, when there are none and it cannot be read; a later call tries again
   */
  ready(): MaybePromise<void> {
    if (this.#keys !== undefined) return undefined;
    return this.refresh();
  }

  /** Is it worth a look at the store for a nonce signed with a key not known here? Once a second at most: anybody can invent one. */
  mayLookAgain(): boolean {
    return this.#options.secrets !== undefined && this.#options.clock.nowMs() - this.#lookedMs >= 1000;
  }

  /** Reads the keys, makes the first ones, and changes the current one when its time is over. */
  refresh(): MaybePromise<void> {
    if (this.#loading !== undefined) return this.#loading;
    const { secrets, clock } = this.#options;
    this.#lookedMs = clock.nowMs();
    if (secrets === undefined) return this.#take(this.#due() ? this.#next() : this.#text);
    const stored = secrets.read(NONCE_KEYS);
    // the common case, a store that answers at once and a key in its prime, costs no promise
    if (!(stored instanceof Promise) && stored !== null && !this.#isDue(stored)) return this.#take(stored);
    this.#loading = this.#load(secrets, stored).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #load(secrets: SecretStore, reading: MaybePromise<string | null>): Promise<void> {
    let text = await reading;
    text ??= await secrets.create(NONCE_KEYS, this.#next());
    if (this.#isDue(text)) {
      this.#adopt(text);
      text = await secrets.replace(NONCE_KEYS, text, this.#next());
    }
    this.#take(text);
  }

  #isDue(text: string): boolean {
    return this.#options.clock.nowMs() - parseKeys(text).madeAtMs >= this.#options.rotateMs;
  }

  #due(): boolean {
    return this.#keys === undefined || this.#isDue(this.#text);
  }

  /** The keys after those at hand, as they are stored. */
  #next(): string {
    const { clock, entropy } = this.#options;
    return writeKeys({
      generation: this.#keys === undefined ? 0 : this.#keys.generation + 1,
      current: entropy.hex(KEY_OCTETS),
      previous: this.#keys?.current ?? null,
      madeAtMs: clock.nowMs(),
    });
  }

  #take(text: string): void {
    this.#adopt(text);
    this.#timer?.cancel();
    if (this.#closed) return;
    const { clock, refreshMs } = this.#options;
    this.#timer = clock.after(refreshMs, () => void this.#tick());
  }

  #adopt(text: string): void {
    if (this.#keys !== undefined && text === this.#text) return;
    this.#keys = parseKeys(text);
    this.#text = text;
    this.#options.changed(this.#keys);
  }

  async #tick(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      this.#options.failed(error);
      if (this.#closed) return;
      const { clock, refreshMs } = this.#options;
      this.#timer = clock.after(refreshMs, () => void this.#tick());
    }
  }
}

/** `generation current previous madeAtMs`, with `-` for no previous one. */
function writeKeys(keys: StoredKeys): string {
  return `${keys.generation} ${keys.current} ${keys.previous ?? "-"} ${keys.madeAtMs}`;
}

/** @throws Error when the text is not what `writeKeys` makes; it says nothing of what it holds */
function parseKeys(text: string): StoredKeys {
  const [generation, current, previous, madeAtMs, rest] = text.split(" ");
  const keys = {
    generation: Number(generation),
    current: current ?? "",
    previous: previous === undefined || previous === "-" ? null : previous,
    madeAtMs: Number(madeAtMs),
  };
  const isSound =
    rest === undefined &&
    Number.isSafeInteger(keys.generation) &&
    Number.isFinite(keys.madeAtMs) &&
    keys.current.length === KEY_OCTETS * 2 &&
    (keys.previous === null || keys.previous.length === KEY_OCTETS * 2);
  if (!isSound) throw new Error("the stored nonce keys are damaged");
  return keys;
}
