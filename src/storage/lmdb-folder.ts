import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { StoreError } from "../location/store.js";
import { checkPages } from "./lmdb-pages.js";

/** LMDB's names for the two files of an environment. */
const DATA = "data.mdb";
const LOCK = "lock.mdb";
/** Room for LMDB's table of readers. LMDB would leave the file sparse, and die on a full disk when it fills it in. */
const LOCK_OCTETS = 16_384;
/** Room that a new store needs at least. */
const NEEDED_OCTETS = 131_072;

/**
 * Makes sure that the folder holds an environment which LMDB can open: makes the folder (for its owner alone) and an
 * empty environment where there is none, checks the one that is there. What exists is never written to.
 * @param create makes an empty environment in the folder it is given, and closes it
 * @returns what identifies the environment on this machine, by whatever path it is reached
 * Throws a `StoreError`, or the system's error.
 */
export function prepareFolder(path: string, create: (folder: string) => void): string {
  makeFolder(path);
  if (!statSync(path).isDirectory())
    throw new StoreError("unavailable", `the store is not a folder: ${path}`);
  accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
  if (!exists(join(path, DATA))) place(path, create);
  accessSync(join(path, DATA), constants.R_OK | constants.W_OK);
  checkPages(join(path, DATA));
  if (!exists(join(path, LOCK))) placeLock(path);
  accessSync(join(path, LOCK), constants.R_OK | constants.W_OK);
  // By name, never by opening it: closing a file gives up every lock that the process has on it.
  const { dev, ino } = statSync(join(path, LOCK));
  return `${dev}:${ino}`;
}

/**
 * What identifies an environment that stands on a read-only file system, where LMDB needs no lock file: nobody writes to
 * it. `undefined` when there is none, or when it could be written to.
 */
export function findReadOnly(path: string): string | undefined {
  const data = join(path, DATA);
  if (!exists(data) || !isReadOnly(data)) return undefined;
  checkPages(data);
  const { dev, ino } = statSync(data);
  return `${dev}:${ino}`;
}

function isReadOnly(file: string): boolean {
  try {
    accessSync(file, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}

/** Makes a folder for its owner alone, and those that lead to it; one that is there stays as it is. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    // Node says ENOENT for whatever keeps it from making several (a read-only file system, say); making one tells the truth.
    let missing = resolve(path);
    while (!exists(dirname(missing))) missing = dirname(missing);
    if (!exists(missing)) mkdirSync(missing, { mode: 0o700 });
    throw error;
  }
}

/** Builds the environment aside and links it into place whole: another process does the same, and one of them wins. */
function place(path: string, create: (folder: string) => void): void {
  withScratchFolder(path, (scratch) => {
    // lmdb-js may crash when LMDB fails to open a file: a full disk has to be found out before.
    const room = join(scratch, "room");
    writeFileSync(room, Buffer.alloc(NEEDED_OCTETS), { flush: true });
    rmSync(room);
    writeLock(join(scratch, LOCK));
    create(scratch);
    linkUnlessThere(join(scratch, DATA), join(path, DATA));
  });
  const folder = openSync(path, "r");
  fsyncSync(folder);
  closeSync(folder);
}

function placeLock(path: string): void {
  withScratchFolder(path, (scratch) => {
    const file = join(scratch, LOCK);
    writeLock(file);
    linkUnlessThere(file, join(path, LOCK));
  });
}

function writeLock(file: string): void {
  writeFileSync(file, Buffer.alloc(LOCK_OCTETS), { mode: 0o600, flush: true });
}

function withScratchFolder(path: string, use: (scratch: string) => void): void {
  const scratch = mkdtempSync(join(path, ".new-"));
  try {
    use(scratch);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function linkUnlessThere(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!exists(to)) throw error;
  }
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}
