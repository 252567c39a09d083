import { type Cursor, damaged, packText, readOctet, readText } from "../location/octets.js";
import { recordCount } from "../location/record.js";
import type { Table } from "./lmdb-table.js";
import { ownCopy } from "./own-copy.js";
import { packPatch, readPatch } from "./record-patch.js";

/** How long a journal may get. */
export interface JournalLimits {
  readonly maxChanges: number;
  /** Changes that are folded at a time: this long is the store locked for it. */
  readonly foldChanges: number;
}

/**
 * As many refreshes as there are in the journal cost no write of a page in the tree; a store that is opened reads so many
 * changes, which takes some hundredths of a second.
 */
const LIMITS: JournalLimits = { maxChanges: 32_768, foldChanges: 512 };
/** The key behind every batch's. */
const HEAD_KEY = "\xff";
/** What an entry of a batch says of a record, behind its key: that it is as in the tree, or how it differs from there. */
const IN_TREE = 0;
const PATCHED = 1;

/** Tables that a journal works on. */
export interface JournalTables {
  /** Records by address-of-record: the tree. */
  readonly locations: Table;
  /** Batches of changes by number, and the head. */
  readonly journal: Table;
}

/** A place for the record of one address-of-record; `undefined` stands for none. */
export interface Slot {
  readonly aor: string;
  /** As of the last transaction that this process knows. */
  readonly record: string | undefined;
}

interface OwnSlot {
  aor: string;
  record: string | undefined;
  /** The record in the tree. */
  base: string | undefined;
  /** The last batch that speaks of it; 0 for a slot that none does. */
  batch: number;
  isStaged: boolean;
  /** What the transaction under way makes of it, if it is staged; and whether that goes into the tree. */
  next: string | undefined;
  nextInTree: boolean;
}

/** Where the journal ends and begins, and what the store holds. */
interface Head {
  readonly last: number;
  /** The last batch that is not needed any more. */
  readonly folded: number;
  readonly aors: number;
  readonly bindings: number;
}

interface Batch {
  readonly number: number;
  readonly slots: readonly OwnSlot[];
}

/**
 * Records as a tree on disk and a journal of how some of them differ from it. The refreshes of a transaction go as one
 * batch of small patches into a few pages that lie together, however far apart their records are in the tree. What makes
 * a record, takes it away or changes much of it is written to the tree at once. The oldest batches are folded into the
 * tree later, when most of what they say is out of date.
 *
 * A patch is always one of the record in the tree, so that the last word on a record is enough to know it: the tree holds
 * that record until a batch says that it holds another one, or until no batch that is left speaks of it.
 *
 * Every process that has the store open keeps the records of the journal in memory, and reads the batches of the others
 * before it decides on anything.
 */
export class LmdbJournal {
  readonly #tables: JournalTables;
  readonly #limits: JournalLimits;
  /** Slots of the records that a batch speaks of, or that are staged. */
  readonly #slots = new Map<string, OwnSlot>();
  #batches: Batch[] = [];
  /** Changes in all of the batches. */
  #changes = 0;
  #head: Head = EMPTY;
  #headText = "";
  #staged: OwnSlot[] = [];
  /** What `flush` wrote and `publish` is to make known. */
  #written: Head | null = null;

  constructor(tables: JournalTables, limits: JournalLimits = LIMITS) {
    this.#tables = tables;
    this.#limits = limits;
  }

  /** The record as far as this process knows; `refresh` before makes it the newest there is. */
  get(aor: string): string | undefined {
    const slot = this.#slots.get(aor);
    return slot === undefined ? this.#tables.locations.get(aor) : slot.record;
  }

  /** The same as a slot, for one who means to change it. */
  find(aor: string): Slot {
    return this.#slots.get(aor) ?? newSlot(aor, this.#tables.locations.get(aor));
  }

  /** Inside a transaction, the slot that stands for what another one stood for before. */
  current(slot: Slot): Slot {
    const own = slot as OwnSlot;
    return own.batch > 0 || own.isStaged ? own : this.find(slot.aor);
  }

  /** Inside a transaction, what the record is by now. */
  staged(slot: Slot): string | undefined {
    const own = slot as OwnSlot;
    return own.isStaged ? own.next : own.record;
  }

  /** Addresses-of-record and bindings, as of the last `refresh`. */
  get count(): { readonly aors: number; readonly bindings: number } {
    return { aors: this.#head.aors, bindings: this.#head.bindings };
  }

  /** Keys behind this one in order, up to `limit`; fewer only at the end. */
  keys(after: string, limit: number): readonly string[] {
    return [...this.#tables.locations.getKeys({ start: after, exclusiveStart: true, limit })];
  }

  /** Reads what other processes have committed; returns whether that was anything. */
  refresh(): boolean {
    // Between a transaction and its end there is nothing to be read: its process has the store locked.
    if (this.#staged.length > 0) return false;
    const text = this.#tables.journal.get(HEAD_KEY) ?? "";
    if (text === this.#headText) return false;
    const head = parseHead(text);
    // A snapshot from before what we know: nothing in it is news.
    if (head.last < this.#head.last) return false;
    // First what is in the tree now: what the batches say next is said of the records there.
    this.#forget(head.folded);
    this.#load(Math.max(head.folded, this.#head.last), head.last);
    this.#head = head;
    this.#headText = text;
    return true;
  }

  /** Takes a change of a current slot into this transaction. */
  stage(slot: Slot, next: string | undefined): void {
    const own = slot as OwnSlot;
    own.next = next;
    if (own.isStaged) return;
    own.isStaged = true;
    this.#staged.push(own);
    if (own.batch > 0) return;
    // The key may be a slice of the message it came in, which would live on in it.
    own.aor = ownCopy(own.aor);
    this.#slots.set(own.aor, own);
  }

  /** Writes what was staged, at the end of the transaction. */
  flush(): void {
    if (this.#staged.length === 0) return;
    let { last, folded, aors, bindings } = this.#head;
    let batch = "";
    for (const slot of this.#staged) {
      batch += this.#write(slot);
      aors += (slot.next === undefined ? 0 : 1) - (slot.record === undefined ? 0 : 1);
      bindings += countOf(slot.next) - countOf(slot.record);
    }
    if (batch !== "") {
      last++;
      void this.#tables.journal.put(batchKey(last), batch);
      folded = this.#fold();
    }
    this.#written = { last, folded, aors, bindings };
    void this.#tables.journal.put(HEAD_KEY, headText(this.#written));
  }

  /** The transaction is committed. */
  publish(): void {
    const head = this.#written;
    if (head === null) return;
    const spokenOf: OwnSlot[] = [];
    for (const slot of this.#staged) {
      slot.record = slot.next;
      if (slot.nextInTree) slot.base = slot.next;
      if (slot.nextInTree && slot.batch === 0) {
        this.#slots.delete(slot.aor);
      } else {
        slot.batch = head.last;
        spokenOf.push(slot);
      }
    }
    if (spokenOf.length > 0) this.#addBatch(head.last, spokenOf);
    this.#unstage();
    this.#forget(head.folded);
    this.#head = head;
    this.#headText = headText(head);
  }

  /** The transaction came to nothing. */
  discard(): void {
    for (const slot of this.#staged) if (slot.batch === 0) this.#slots.delete(slot.aor);
    this.#unstage();
  }

  #unstage(): void {
    for (const slot of this.#staged) {
      slot.isStaged = false;
      slot.next = undefined;
    }
    this.#staged = [];
    this.#written = null;
  }

  /** Writes one staged record to the tree if it has to be there; returns what the batch says of it. */
  #write(slot: OwnSlot): string {
    const { aor, base, next } = slot;
    const patch = base === undefined || next === undefined ? null : packPatch(base, next);
    slot.nextInTree = patch === null || patch.length > next!.length / 2;
    if (!slot.nextInTree) return packText(aor) + String.fromCharCode(PATCHED) + patch!;
    if (next !== undefined) void this.#tables.locations.put(aor, next);
    else if (base !== undefined) void this.#tables.locations.remove(aor);
    return slot.batch === 0 ? "" : packText(aor) + String.fromCharCode(IN_TREE);
  }

  #addBatch(number: number, slots: readonly OwnSlot[]): void {
    this.#batches.push({ number, slots });
    this.#changes += slots.length;
  }

  /** Reads the batches behind `from`, up to `last`. */
  #load(from: number, last: number): void {
    const changed = new Map<OwnSlot, Patch>();
    let number = from;
    for (const { key, value } of this.#tables.journal.getRange({
      start: batchKey(from + 1),
      end: batchKey(last + 1),
    })) {
      if (key !== batchKey(++number)) throw damaged();
      const slots: OwnSlot[] = [];
      for (const cursor = { text: value, at: 0 }; cursor.at < value.length; ) {
        const slot = this.#slotOf(readText(cursor));
        const patch = readEntry(cursor);
        if (patch === null || slot.batch === 0) slot.base = this.#tables.locations.get(slot.aor);
        slot.batch = number;
        slots.push(slot);
        changed.set(slot, patch);
      }
      this.#addBatch(number, slots);
    }
    if (number !== last) throw damaged();
    // The tree is as of the last batch: only the last word on a record fits it.
    for (const [slot, patch] of changed) slot.record = patch === null ? slot.base : applyTo(slot, patch);
  }

  #slotOf(aor: string): OwnSlot {
    let slot = this.#slots.get(aor);
    if (slot === undefined) {
      slot = newSlot(ownCopy(aor), undefined);
      this.#slots.set(slot.aor, slot);
    }
    return slot;
  }

  /** Lets the batches go that are not needed, and the records that no other one speaks of. */
  #forget(folded: number): void {
    let gone = 0;
    for (const { number, slots } of this.#batches) {
      if (number > folded) break;
      for (const slot of slots) {
        if (slot.batch !== number) continue;
        slot.batch = 0;
        this.#slots.delete(slot.aor);
      }
      this.#changes -= slots.length;
      gone++;
    }
    if (gone > 0) this.#batches.splice(0, gone);
  }

  /** Writes what the oldest batches say to the tree when the journal is long; returns the last batch that is not needed. */
  #fold(): number {
    let changes = this.#changes + this.#staged.length;
    const { maxChanges, foldChanges } = this.#limits;
    if (changes < maxChanges + foldChanges) return this.#head.folded;
    let { folded } = this.#head;
    const due: OwnSlot[] = [];
    for (const { number, slots } of this.#batches) {
      if (changes <= maxChanges) break;
      for (const slot of slots) if (slot.batch === number && !slot.isStaged) due.push(slot);
      changes -= slots.length;
      folded = number;
      void this.#tables.journal.remove(batchKey(number));
    }
    // In the order of the tree, so that neighbours share a page.
    due.sort((a, b) => (a.aor < b.aor ? -1 : 1));
    for (const { aor, base, record } of due) {
      if (record !== base) void this.#tables.locations.put(aor, record!);
    }
    return folded;
  }
}

const EMPTY: Head = { last: 0, folded: 0, aors: 0, bindings: 0 };

/** How a record differs from the one in the tree; `null` when it does not. */
type Patch = ((was: string) => string) | null;

function readEntry(cursor: Cursor): Patch {
  switch (readOctet(cursor)) {
    case IN_TREE:
      return null;
    case PATCHED:
      return readPatch(cursor);
    default:
      throw damaged();
  }
}

function applyTo({ base }: OwnSlot, patch: (was: string) => string): string {
  if (base === undefined) throw damaged();
  return ownCopy(patch(base));
}

function newSlot(aor: string, record: string | undefined): OwnSlot {
  return { aor, record, base: record, batch: 0, isStaged: false, next: undefined, nextInTree: false };
}

function headText({ last, folded, aors, bindings }: Head): string {
  return `${last} ${folded} ${aors} ${bindings}`;
}

function parseHead(text: string): Head {
  if (text === "") return EMPTY;
  const [last, folded, aors, bindings] = text.split(" ").map(Number);
  const head = { last: last!, folded: folded!, aors: aors!, bindings: bindings! };
  if (!Object.values(head).every(Number.isSafeInteger) || head.folded > head.last) throw damaged();
  return head;
}

function countOf(record: string | undefined): number {
  return record === undefined ? 0 : recordCount(record);
}

/** Big endian, so that batches stand in their order. */
function batchKey(number: number): string {
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
