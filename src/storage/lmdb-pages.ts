import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { endianness } from "node:os";
import { StoreError } from "../location/store.js";

/*
 * LMDB maps its file and believes it: a page that is not there kills the process on the first look at it. This walks
 * from the roots to every page that the newest state needs, with reads that can fail, before LMDB is let near the file.
 *
 * Layout after lmdb 3.5's mdb.c (data version 2, 64 bits, little endian). A page has a header of 24 octets (flags at 18,
 * twice its number of nodes at 20), then the offsets of its nodes, from the end of the header. A node has 8 octets (of a
 * page number in branches, of sizes and flags in leaves), its key, and in leaves its value. A tree is described by 48
 * octets: its depth at 6, its root at 40. Pages 0 and 1 are meta pages, with the trees of free pages and of tables.
 */
const HEADER = 24;
const NODE = 8;
const TREE = { octets: 48, depth: 6, root: 40 };
const META = { octets: 144, magic: 0, version: 4, freeTree: 24, mainTree: 72, lastPage: 120, txnId: 128 };
const MAGIC = 0xbeefc0de;
const DATA_VERSION = 2;
const IS_BRANCH = 0x01;
const IS_LEAF = 0x02;
const IS_META = 0x08;
/** The value of a leaf node is the number of its first overflow page; how many there are stands 16 octets behind. */
const HAS_BIG_VALUE = 0x01;
const BIG_VALUE_OCTETS = 24;
/** The value of a leaf node describes a tree. */
const HAS_TREE = 0x02;
const NO_PAGE = 2n ** 64n - 1n;
const MIN_PAGE = 256;
const MAX_PAGE = 65_536;
const MAX_DEPTH = 32;
/** How often to look again when another process changed the file meanwhile. */
const ATTEMPTS = 5;

interface Tree {
  readonly root: bigint;
  readonly depth: number;
}

interface Meta {
  readonly pageSize: number;
  readonly lastPage: bigint;
  readonly txnId: bigint;
  readonly free: Tree;
  readonly main: Tree;
}

/** A page to visit: `level` 1 is a leaf. */
interface Visit {
  readonly number: bigint;
  readonly level: number;
  readonly holdsTrees: boolean;
}

/**
 * Checks that a file is an LMDB environment whose newest state is whole. Reads what leads to the leaves, and the leaves
 * too when the file is shorter than the pages it tells of. Throws a `StoreError` "damaged" or "newer-version", or the
 * system's error.
 */
export function checkPages(file: string): void {
  const fd = openSync(file, "r");
  try {
    for (let attempt = 1; ; attempt++) {
      const meta = readMeta(fd, file);
      const fault = endianness() === "LE" ? findFault(fd, meta) : null;
      if (fault === null) return;
      // Pages that a live process writes under our eyes are not damage.
      if (readMeta(fd, file).txnId === meta.txnId) throw damaged(file, fault);
      if (attempt === ATTEMPTS) return;
    }
  } finally {
    closeSync(fd);
  }
}

function readMeta(fd: number, file: string): Meta {
  const first = readMetaPage(fd, file, 0);
  const second = readMetaPage(fd, file, first.pageSize);
  return second.txnId > first.txnId ? second : first;
}

function readMetaPage(fd: number, file: string, offset: number): Meta {
  const page = Buffer.alloc(HEADER + META.octets);
  if (readSync(fd, page, 0, page.length, offset) < page.length) throw damaged(file, "it ends too soon");
  const meta = page.subarray(HEADER);
  if ((page.readUInt16LE(18) & IS_META) === 0 || meta.readUInt32LE(META.magic) !== MAGIC) {
    throw damaged(file, "this is no LMDB file");
  }
  if ((meta.readUInt32LE(META.version) & 0xffff) > DATA_VERSION) {
    throw new StoreError("newer-version", `a newer LMDB wrote the store: ${file}`);
  }
  const pageSize = meta.readUInt32LE(META.freeTree);
  if (pageSize < MIN_PAGE || pageSize > MAX_PAGE || (pageSize & (pageSize - 1)) !== 0) {
    throw damaged(file, "its page size makes no sense");
  }
  return {
    pageSize,
    lastPage: meta.readBigUInt64LE(META.lastPage),
    txnId: meta.readBigUInt64LE(META.txnId),
    free: readTree(meta, META.freeTree),
    main: readTree(meta, META.mainTree),
  };
}

function readTree(from: Buffer, at: number): Tree {
  return { depth: from.readUInt16LE(at + TREE.depth), root: from.readBigUInt64LE(at + TREE.root) };
}

/** Follows every branch; returns what is wrong, or `null`. */
function findFault(fd: number, { pageSize, lastPage, free, main }: Meta): string | null {
  const pages = BigInt(Math.floor(fstatSync(fd).size / pageSize));
  // LMDB leaves free pages at the end unwritten, so that a short file need not be a cut one: the leaves tell.
  const readsLeaves = pages <= lastPage;
  const page = Buffer.alloc(pageSize);
  const open: Visit[] = [];
  addTree(open, free, false);
  addTree(open, main, true);
  let visited = 0n;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { number, level, holdsTrees } = next;
    if (number >= pages) return `page ${number} is missing`;
    if (level < 1 || level > MAX_DEPTH || ++visited > pages) return `page ${number} makes no sense`;
    if (level === 1 && !holdsTrees && !readsLeaves) continue;
    readSync(fd, page, 0, pageSize, Number(number) * pageSize);
    if (page.readBigUInt64LE(0) !== number) return `page ${number} holds something else`;
    const fault = level === 1 ? visitLeaf(page, next, open, pages) : visitBranch(page, next, open);
    if (fault) return fault;
  }
  return null;
}

function addTree(open: Visit[], { root, depth }: Tree, holdsTrees: boolean): void {
  if (root !== NO_PAGE) open.push({ number: root, level: depth, holdsTrees });
}

function visitBranch(page: Buffer, { number, level, holdsTrees }: Visit, open: Visit[]): string | null {
  const nodes = nodesOf(page, IS_BRANCH);
  if (nodes === null) return `page ${number} is no branch`;
  for (const node of nodes) {
    const child = BigInt(page.readUInt32LE(node)) | (BigInt(page.readUInt16LE(node + 4)) << 32n);
    open.push({ number: child, level: level - 1, holdsTrees });
  }
  return null;
}

function visitLeaf(page: Buffer, { number }: Visit, open: Visit[], pages: bigint): string | null {
  const nodes = nodesOf(page, IS_LEAF);
  if (nodes === null) return `page ${number} is no leaf`;
  for (const node of nodes) {
    const flags = page.readUInt16LE(node + 4);
    const value = node + NODE + page.readUInt16LE(node + 6);
    if (flags & HAS_TREE && value + TREE.octets <= page.length) {
      addTree(open, readTree(page, value), false);
    }
    if (flags & HAS_BIG_VALUE && value + BIG_VALUE_OCTETS <= page.length) {
      const end = page.readBigUInt64LE(value) + page.readBigUInt64LE(value + 16);
      if (end > pages) return `a value on page ${number} is missing`;
    }
  }
  return null;
}

/** Where the nodes of a page begin; `null` when this is no such page. */
function nodesOf(page: Buffer, kind: number): readonly number[] | null {
  if ((page.readUInt16LE(18) & (IS_BRANCH | IS_LEAF)) !== kind) return null;
  const count = page.readUInt16LE(20) >> 1;
  if (HEADER + count * 2 > page.length) return null;
  const nodes: number[] = [];
  for (let i = 0; i < count; i++) {
    const node = HEADER + page.readUInt16LE(HEADER + i * 2);
    if (node + NODE > page.length) return null;
    nodes.push(node);
  }
  return nodes;
}

function damaged(file: string, what: string): StoreError {
  return new StoreError("damaged", `the store is damaged: ${file} (${what})`);
}
