import { readFile, stat } from "node:fs/promises";
import type { CredentialSource, DigestAlgorithm, Ha1Answer } from "../auth/source.js";
import type { Clock, Timer } from "../port/clock.js";
import { type Log, NO_LOG } from "../port/log.js";
import { type HtdigestAccounts, HtdigestError, htdigestKey, parseHtdigest } from "./htdigest-parse.js";

export interface HtdigestOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log?: Log;
  /** How often the file is looked at, in milliseconds; 1,000 when not given. A change counts when it is there twice. */
  readonly pollMs?: number;
  /** Largest file that is read, in octets; 64 MiB when not given. */
  readonly maxOctets?: number;
}

/** Accounts in a file that others write. */
export interface HtdigestSource extends CredentialSource {
  /** Reads the file now; rejects when it cannot be read or has a bad line, and the accounts stay as they were. */
  reload(): Promise<void>;
  /** How many HA1s there are. */
  readonly size: number;
  /** Stops looking at the file. */
  close(): void;
}

const DEFAULT_MAX_OCTETS = 64 * 2 ** 20;

/**
 * Accounts in a file of lines `user:realm:HA1` (Apache's htdigest). It is read again when it changes; while it is missing, too large
 * or has a bad line, the accounts from before stay and the fault is logged with the number of the line. Best replaced by renaming,
 * so that nobody reads half of it. Only MD5 and SHA-256 have such files; nobody in them has a hash of SHA-512-256.
 * @throws HtdigestError naming file, line and reason, or the system's error, when it cannot be read at the start
 */
export async function openHtdigest(options: HtdigestOptions): Promise<HtdigestSource> {
  const file = new HtdigestFile(options);
  await file.reload();
  file.poll();
  return file;
}

class HtdigestFile implements HtdigestSource {
  readonly #options: HtdigestOptions;
  readonly #log: Log;
  #accounts: HtdigestAccounts = { md5: new Map(), sha256: new Map() };
  /** What the file looked like when it was last read, well or not. */
  #seen = "";
  /** What it looked like at the last look, when that was something new. */
  #changed = "";
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: HtdigestOptions) {
    this.#options = options;
    this.#log = options.log ?? NO_LOG;
  }

  ha1(user: string, realm: string, algorithm: DigestAlgorithm): Ha1Answer {
    const { md5, sha256 } = this.#accounts;
    const key = htdigestKey(user, realm);
    const accounts = algorithm === "MD5" ? md5 : algorithm === "SHA-256" ? sha256 : undefined;
    return accounts?.get(key) ?? (md5.has(key) || sha256.has(key) ? false : null);
  }

  get size(): number {
    return this.#accounts.md5.size + this.#accounts.sha256.size;
  }

  async reload(): Promise<void> {
    const { path, maxOctets = DEFAULT_MAX_OCTETS } = this.#options;
    this.#seen = await looksOf(path);
    const { size } = await stat(path);
    if (size > maxOctets) throw new HtdigestError(0, `${path} is larger than ${maxOctets} octets`);
    const text = await readFile(path, "latin1");
    // what was written while it was read may have come by halves, and half a file can look whole
    if ((await looksOf(path)) !== this.#seen) throw new HtdigestError(0, `${path} changed while it was read`);
    try {
      this.#accounts = parseHtdigest(text);
    } catch (error) {
      throw error instanceof HtdigestError ? new HtdigestError(0, `${path} ${error.message}`) : error;
    }
  }

  /** Looks at the file from time to time, until it is closed. */
  poll(): void {
    if (this.#closed) return;
    const { clock, pollMs = 1000 } = this.#options;
    this.#timer = clock.after(pollMs, () => void this.#look().then(() => this.poll()));
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { path } = this.#options;
    const now = await looksOf(path).catch(() => "missing");
    if (now === this.#seen) return;
    // one look later it must be the same: somebody may be in the midst of writing it
    if (now !== this.#changed) {
      this.#changed = now;
      return;
    }
    try {
      await this.reload();
      this.#log.info({ file: path, accounts: this.size }, "accounts read again");
    } catch (error) {
      // told once for each state of the file, not at each look
      this.#seen = now;
      this.#log.error(
        { error: error instanceof Error ? error.message : String(error) },
        "accounts cannot be read again; those from before stay",
      );
    }
  }
}

/** All that tells one state of a file from another. */
async function looksOf(path: string): Promise<string> {
  const { mtimeNs, ctimeNs, size, ino } = await stat(path, { bigint: true });
  return `${mtimeNs} ${ctimeNs} ${size} ${ino}`;
}
