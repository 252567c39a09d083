import { statfsSync } from "node:fs";
import { StoreError, type StoreErrorCode } from "../location/store.js";

/** LMDB's own codes (lmdb.h) and the system's (errno), as lmdb-js gives them in `code`. */
const CODES: Readonly<Record<string, StoreErrorCode>> = {
  "-30792": "full", // MDB_MAP_FULL
  "28": "full", // ENOSPC
  ENOSPC: "full",
  "122": "full", // EDQUOT
  EDQUOT: "full",
  "27": "full", // EFBIG
  EFBIG: "full",
  "30": "read-only", // EROFS
  EROFS: "read-only",
  "13": "locked", // EACCES
  EACCES: "locked",
  "1": "locked", // EPERM
  EPERM: "locked",
  "-30794": "newer-version", // MDB_VERSION_MISMATCH
  "-30793": "damaged", // MDB_INVALID
  "-30796": "damaged", // MDB_CORRUPTED
  "-30797": "damaged", // MDB_PAGE_NOTFOUND
  "-30784": "damaged", // MDB_INCOMPATIBLE
};

const EIO = 5;
const LITTLE_ROOM_OCTETS = 1_048_576;

const WORDS: Readonly<Partial<Record<StoreErrorCode, string>>> = {
  full: "no room is left for the store",
  "read-only": "the store is on a read-only file system",
  locked: "the store's folder or files may not be read and written",
  "newer-version": "the store was written by a newer version",
  damaged: "the store is damaged",
};

/** Any error of the file system or of LMDB as one `StoreError` that names the store's folder. */
export function storeError(error: unknown, path: string): StoreError {
  if (error instanceof StoreError) return error;
  const code = codeOf(error, path);
  const words = WORDS[code] ?? "the store does not work";
  const detail = error instanceof Error ? error.message : String(error);
  return new StoreError(code, `${words}: ${path} (${detail})`, { cause: error });
}

function codeOf(error: unknown, path: string): StoreErrorCode {
  const code = errorCode(error);
  // LMDB calls a write that came out short an I/O error; mostly it is the last one before a disk is full.
  if (code === EIO && !hasRoom(path)) return "full";
  return CODES[String(code)] ?? "unavailable";
}

function hasRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize > LITTLE_ROOM_OCTETS;
  } catch {
    return true;
  }
}

/** Is this an error of LMDB's, rather than one of a job that runs inside its transaction? */
export function isLmdbError(error: unknown): boolean {
  return typeof errorCode(error) === "number";
}

/**
 * The error behind a commit that failed. lmdb-js rejects with an error that carries a promise of the real one; that
 * promise must be looked at, or it goes unhandled.
 */
export async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !("commitError" in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

function errorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
