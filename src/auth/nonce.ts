import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Hasher } from "./source.js";

/** Keys that nonces are signed with, as text. The previous one is still believed, so that a change of keys locks nobody out. */
export interface NonceKeys {
  /** How many keys there were before the current one: nonces name their key by it. */
  readonly generation: number;
  readonly current: string;
  readonly previous: string | null;
}

/** What an authentic nonce says of itself. */
export interface Nonce {
  readonly issuedAtMs: number;
  /** Names the nonce among those of all processes, below 2^52; never given twice within any lifetime. */
  readonly id: number;
  /** The process that issued it, 2^23 to 2^24-1. */
  readonly process: number;
  /** Names the nonce among those of its process, below 2^28. */
  readonly serial: number;
  /** Keyed hash of the address that the challenge was sent to; see {@link NonceMint.sourceTag}. */
  readonly sourceTag: number;
}

/** What a nonce is bound to beside its text: whose challenge it was. */
export interface NonceScope {
  readonly realm: string;
  readonly purpose: "registrar" | "proxy";
}

export interface NonceMintOptions {
  readonly hasher: Hasher;
  readonly clock: Clock;
  readonly entropy: Entropy;
}

// key 2, time 11, process 6, serial 7, source 4, signature 24: 54 hexadecimal digits.
// Short on purpose: some clients keep a nonce in 64 octets.
const TIME_AT = 2;
const PROCESS_AT = 13;
const SERIAL_AT = 19;
const SOURCE_AT = 26;
const SIGNATURE_AT = 30;
const NONCE_LENGTH = 54;
const SERIALS = 0x1000_0000;

interface Key {
  /** Two hexadecimal digits. */
  readonly id: string;
  readonly secret: string;
  /** Start value of the source hash. */
  readonly seed: number;
}

/**
 * Makes nonces and tells its own from invented ones (RFC 7616 §3.3, §5.4). Nothing is kept per challenge: a nonce says when,
 * by which process and for which source it was issued, and an HMAC over that, realm and purpose proves it, in this process
 * and in every other one that has the key.
 */
export class NonceMint {
  readonly #hasher: Hasher;
  readonly #clock: Clock;
  /** Names this process in the nonces it makes: random, 24 bits. */
  readonly process: number;
  readonly #process: string;
  #serial: number;
  #current: Key;
  #previous: Key | undefined;
  #prefix = "";
  #prefixMs = -1;

  constructor(options: NonceMintOptions, keys: NonceKeys) {
    this.#hasher = options.hasher;
    this.#clock = options.clock;
    // the top bit set, so that no id of a whole nonce is as small as a serial
    this.process = Number.parseInt(options.entropy.hex(3), 16) | 0x80_0000;
    this.#process = this.process.toString(16);
    this.#serial = Number.parseInt(options.entropy.hex(3), 16);
    this.#current = this.#key(keys.current, keys.generation);
    this.#previous = keys.previous === null ? undefined : this.#key(keys.previous, keys.generation - 1);
  }

  /** Signs with other keys from now on. */
  useKeys(keys: NonceKeys): void {
    this.#current = this.#key(keys.current, keys.generation);
    this.#previous = keys.previous === null ? undefined : this.#key(keys.previous, keys.generation - 1);
    this.#prefixMs = -1;
  }

  /** Is this nonce signed with a key that we do not have (or by nobody at all)? */
  isOfUnknownKey(nonce: string): boolean {
    return nonce.length === NONCE_LENGTH && this.#keyOf(nonce) === undefined;
  }

  /** A new nonce for a challenge to `address`. */
  issue(scope: NonceScope, address: string): string {
    const nowMs = this.#clock.nowMs();
    const key = this.#current;
    if (nowMs !== this.#prefixMs) {
      this.#prefixMs = nowMs;
      this.#prefix = key.id + nowMs.toString(16).padStart(11, "0") + this.#process;
    }
    this.#serial = (this.#serial + 1) % SERIALS;
    const body =
      this.#prefix +
      this.#serial.toString(16).padStart(7, "0") +
      tagOf(key.seed, address).toString(16).padStart(4, "0");
    return body + this.#sign(key, scope, body);
  }

  /** What a nonce says, or `undefined` when it was not issued for this realm and purpose, or by nobody who has our keys. */
  open(nonce: string, scope: NonceScope): Nonce | undefined {
    if (nonce.length !== NONCE_LENGTH) return undefined;
    const key = this.#keyOf(nonce);
    if (key === undefined) return undefined;
    const body = nonce.slice(0, SIGNATURE_AT);
    if (!this.#hasher.equal(this.#sign(key, scope, body), nonce.slice(SIGNATURE_AT))) return undefined;
    return {
      issuedAtMs: Number.parseInt(nonce.slice(TIME_AT, PROCESS_AT), 16),
      id: Number.parseInt(nonce.slice(PROCESS_AT, SOURCE_AT), 16),
      process: Number.parseInt(nonce.slice(PROCESS_AT, SERIAL_AT), 16),
      serial: Number.parseInt(nonce.slice(SERIAL_AT, SOURCE_AT), 16),
      sourceTag: Number.parseInt(nonce.slice(SOURCE_AT, SIGNATURE_AT), 16),
    };
  }

  /**
   * Did this nonce go to this address? A sender of forged source addresses never sees the challenges that go there, so what
   * is held against an address must come with a nonce of its own. Never a reason to refuse credentials: phones roam.
   */
  wentTo(nonce: Nonce, address: string): boolean {
    return (
      nonce.sourceTag === tagOf(this.#current.seed, address) ||
      (this.#previous !== undefined && nonce.sourceTag === tagOf(this.#previous.seed, address))
    );
  }

  #keyOf(nonce: string): Key | undefined {
    if (nonce.startsWith(this.#current.id)) return this.#current;
    return this.#previous !== undefined && nonce.startsWith(this.#previous.id) ? this.#previous : undefined;
  }

  #sign(key: Key, scope: NonceScope, body: string): string {
    const text = `${body}${scope.purpose}:${scope.realm}`;
    return this.#hasher.hmac(key.secret, text).slice(0, NONCE_LENGTH - SIGNATURE_AT);
  }

  #key(secret: string, generation: number): Key {
    return {
      id: (generation & 0xff).toString(16).padStart(2, "0"),
      secret,
      seed: Number.parseInt(this.#hasher.hmac(secret, "source tag").slice(0, 8), 16),
    };
  }
}

/** Sixteen bits of a hash of an address (FNV-1a from a secret start). */
function tagOf(seed: number, address: string): number {
  let hash = seed;
  for (let i = 0; i < address.length; i++) hash = Math.imul(hash ^ address.charCodeAt(i), 0x0100_0193);
  return (hash ^ (hash >>> 16)) & 0xffff;
}
