import type { Database, RootDatabase, RootDatabaseOptions } from "lmdb";

/** A table of an LMDB environment whose keys and values are latin1 text, an octet a character. */
export type Table = Database<string, string>;

/**
 * Longest key: LMDB takes 1,978 octets on pages of 4 kB. Keys here are an address-of-record and a few octets before it.
 */
const MAX_KEY_OCTETS = 1_100;

/** Values are written inside transactions only, so one buffer serves them all in turn. */
let scratch = newScratch(16_384);

interface Scratch extends Buffer {
  /** lmdb-js takes the value from between these two. */
  start: number;
  end: number;
}

const OPTIONS: RootDatabaseOptions = {
  encoder: {
    /** lmdb-js: the buffer that `encode` returns may be used again once the write is done. */
    copyBuffers: true,
    encode(text: string): Scratch {
      if (text.length > scratch.length) scratch = newScratch(text.length * 2);
      scratch.end = scratch.write(text, 0, "latin1");
      return scratch;
    },
    decode(octets: Uint8Array): string {
      const { length } = octets;
      // Small values stand in one buffer of lmdb-js's that is longer than it says; large ones are a view of the map.
      const whole = Buffer.isBuffer(octets) ? octets : Buffer.from(octets.buffer, octets.byteOffset, length);
      return whole.toString("latin1", 0, length);
    },
  },
  keyEncoder: {
    writeKey(key: string, target: Buffer, start: number): number {
      if (key.length > MAX_KEY_OCTETS) throw new RangeError(`a key has ${key.length} octets`);
      if (target.length - start < key.length) throw new RangeError("no room for a key");
      return start + target.write(key, start, "latin1");
    },
    readKey(source: Buffer, start: number, end: number): string {
      return source.toString("latin1", start, end);
    },
  },
};

/** Opens a table, or makes it; only to be called where nothing is being written. `undefined` when it is not there. */
export function openTable(root: RootDatabase, name: string, mode: "open" | "create"): Table | undefined {
  const options: RootDatabaseOptions & { create: boolean } = { ...OPTIONS, create: mode === "create" };
  return root.openDB<string, string>(name, options);
}

/** First key that a table can have: no key is empty. */
export const FIRST_KEY = "\0";

function newScratch(octets: number): Scratch {
  return Object.assign(Buffer.allocUnsafeSlow(octets), { start: 0, end: 0 });
}
