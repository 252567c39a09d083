import { damaged } from "../location/octets.js";
import { recordCount } from "../location/record.js";
import {
  batchKey,
  EMPTY,
  HEAD_KEY,
  type Head,
  headText,
  type Patch,
  packEntry,
  parseHead,
  readEntry,
} from "./journal-format.js";
import type { Table } from "./lmdb-table.js";
import { ownCopy } from "./own-copy.js";
import { packPatch } from "./record-patch.js";

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
  /** The record in the tree, if `hasBase`. */
  base: string | undefined;
  hasBase: boolean;
  /** The last word of the batches that were read on how `record` differs from `base`, until somebody asks for it. */
  unread: Patch | undefined;
  /** The last batch that speaks of it; 0 for a slot that none does. */
  batch: number;
  /** For a slot that no batch speaks of: which state of the store it was found in. */
  version: number;
  isStaged: boolean;
  /** What the transaction under way makes of it, if it is staged; and whether that goes into the tree. */
  next: string | undefined;
  nextInTree: boolean;
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
  /** Counts the states of the store that this process has seen. */
  #version = 0;

  constructor(tables: JournalTables, limits: JournalLimits = LIMITS) {
    this.#tables = tables;
    this.#limits = limits;
  }

  /** The record as of the last `refresh`. */
  get(aor: string): string | undefined {
    const slot = this.#slots.get(aor);
    if (slot === undefined) return this.#tables.locations.get(aor);
    if (slot.unread !== undefined) this.#readPatch(slot);
    return slot.record;
  }

  /** A slot with the record as far as this process knows, for one who means to change it. */
  find(aor: string): Slot {
    let slot = this.#slots.get(aor);
    if (slot?.unread !== undefined) {
      // A patch fits the tree of the moment that the journal was read.
      this.refresh();
      slot = this.#slots.get(aor);
      if (slot?.unread !== undefined) this.#readPatch(slot);
    }
    return slot ?? this.#newSlot(aor, this.#tables.locations.get(aor), true);
  }

  /** Inside a transaction, the slot that stands for what another one stood for before. */
  current(slot: Slot): Slot {
    const own = slot as OwnSlot;
    if (own.isStaged || (own.batch > 0 && own.unread === undefined)) return own;
    if (own.batch === 0 && own.version === this.#version && !this.#slots.has(own.aor)) return own;
    return this.find(own.aor);
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
    if (head.serial <= this.#head.serial) return false;
    // First what is in the tree now: what the batches say next is said of the records there.
    this.#forget(head.folded);
    this.#load(Math.max(head.folded, this.#head.last), head.last);
    this.#head = head;
    this.#headText = text;
    this.#version++;
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
    this.#written = { serial: this.#head.serial + 1, last, folded, aors, bindings };
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
    this.#version++;
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
    if (!slot.nextInTree) return packEntry(aor, patch);
    if (next !== undefined) void this.#tables.locations.put(aor, next);
    else if (base !== undefined) void this.#tables.locations.remove(aor);
    return slot.batch === 0 ? "" : packEntry(aor, null);
  }

  #addBatch(number: number, slots: readonly OwnSlot[]): void {
    this.#batches.push({ number, slots });
    this.#changes += slots.length;
  }

  /** Reads the batches behind `from`, up to `last`. */
  #load(from: number, last: number): void {
    let number = from;
    for (const { key, value } of this.#tables.journal.getRange({
      start: batchKey(from + 1),
      end: batchKey(last + 1),
    })) {
      if (key !== batchKey(++number)) throw damaged();
      const slots: OwnSlot[] = [];
      for (const cursor = { text: value, at: 0 }; cursor.at < value.length; ) {
        const { aor, patch } = readEntry(cursor);
        const slot = this.#slotOf(aor);
        slot.unread = patch;
        if (slot.unread === null) slot.hasBase = false;
        slot.batch = number;
        slots.push(slot);
      }
      this.#addBatch(number, slots);
    }
    if (number !== last) throw damaged();
  }

  #slotOf(aor: string): OwnSlot {
    let slot = this.#slots.get(aor);
    if (slot === undefined) {
      slot = this.#newSlot(ownCopy(aor), undefined, false);
      this.#slots.set(slot.aor, slot);
    }
    return slot;
  }

  #newSlot(aor: string, record: string | undefined, hasBase: boolean): OwnSlot {
    return {
      aor,
      record,
      base: record,
      hasBase,
      unread: undefined,
      batch: 0,
      version: this.#version,
      isStaged: false,
      next: undefined,
      nextInTree: false,
    };
  }

  /** Takes up what the batches say of a record; the tree is that of the last `refresh`. */
  #readPatch(slot: OwnSlot): void {
    if (!slot.hasBase) slot.base = this.#tables.locations.get(slot.aor);
    slot.hasBase = true;
    const patch = slot.unread!;
    slot.record = patch === null ? slot.base : applyTo(slot.base, patch);
    slot.unread = undefined;
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
    for (const slot of due) {
      if (slot.unread !== undefined) this.#readPatch(slot);
      if (slot.record !== slot.base) void this.#tables.locations.put(slot.aor, slot.record!);
    }
    return folded;
  }
}

function applyTo(base: string | undefined, patch: (was: string) => string): string {
  if (base === undefined) throw damaged();
  return ownCopy(patch(base));
}

function countOf(record: string | undefined): number {
  return record === undefined ? 0 : recordCount(record);
}
