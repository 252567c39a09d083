import { type Cursor, damaged, packText, readOctet, readText } from "../location/octets.js";
import { readPatch } from "./record-patch.js";

/*
 * How a journal is kept in its table: batches by number, and behind them the head, in words. A batch is a row of entries,
 * each the key of a record and what is said of it: that it is as in the tree, or how it differs from there.
 */
const IN_TREE = 0;
const PATCHED = 1;

/** The key behind every batch's. */
export const HEAD_KEY = "\xff";

/** Where the journal ends and begins, and what the store holds. */
export interface Head {
  /**
   * Counts the transactions that changed records. Without it a head could come to look as one before it did, though other
   * records stand in the tree, and what was decided on those before would pass for current.
   */
  readonly serial: number;
  readonly last: number;
  /** The last batch that is not needed any more. */
  readonly folded: number;
  readonly aors: number;
  readonly bindings: number;
}

/** The head of a journal without one. */
export const EMPTY: Head = { serial: 0, last: 0, folded: 0, aors: 0, bindings: 0 };

/** How a record differs from the one in the tree; `null` when it does not. */
export type Patch = ((was: string) => string) | null;

export function headText({ serial, last, folded, aors, bindings }: Head): string {
  return `${serial} ${last} ${folded} ${aors} ${bindings}`;
}

/** Reads a head; throws a `StoreError` "damaged" for what is none. */
export function parseHead(text: string): Head {
  if (text === "") return EMPTY;
  const [serial, last, folded, aors, bindings] = text.split(" ").map(Number);
  const head = { serial: serial!, last: last!, folded: folded!, aors: aors!, bindings: bindings! };
  if (!Object.values(head).every(Number.isSafeInteger) || head.folded > head.last) throw damaged();
  return head;
}

/** Packs an entry: a patch as `packPatch` makes it, or `null` for a record as in the tree. */
export function packEntry(aor: string, patch: string | null): string {
  const key = packText(aor);
  return patch === null ? key + String.fromCharCode(IN_TREE) : key + String.fromCharCode(PATCHED) + patch;
}

/** Reads the next entry of a batch; throws a `StoreError` "damaged" for what is none. */
export function readEntry(cursor: Cursor): { readonly aor: string; readonly patch: Patch } {
  const aor = readText(cursor);
  switch (readOctet(cursor)) {
    case IN_TREE:
      return { aor, patch: null };
    case PATCHED:
      return { aor, patch: readPatch(cursor) };
    default:
      throw damaged();
  }
}

/** The key of a batch: big endian, so that batches stand in their order. */
export function batchKey(number: number): string {
  const high = Math.floor(number / 2 ** 32);
  return String.fromCharCode(
    (high >>> 8) & 0x7f,
    high & 0xff,
    (number >>> 24) & 0xff,
    (number >>> 16) & 0xff,
    (number >>> 8) & 0xff,
    number & 0xff,
  );
}
