import { type Cursor, damaged, packText, packVarint, readText, readVarint } from "../location/octets.js";

/*
 * The difference between two records. A refresh changes some twenty octets of two hundred, here and there.
 *
 *   of equal length: for each run that differs, how many octets stay before it, then the new ones
 *   otherwise:       how many octets stay at the beginning and at the end, and what stands between
 *
 * The first varint tells: the number of runs, or `REPLACED`.
 */
const REPLACED = 0x7f;
/** Octets that must be equal for a run to end: a new run costs two. */
const GAP = 3;
/** Mostly, records differ in the numbers at their beginning alone: two texts are compared faster than their octets. */
const FRONT = 32;

/** Packs how to make `next` out of `was`. */
export function packPatch(was: string, next: string): string {
  return was.length === next.length ? packRuns(was, next) : packReplacement(was, next);
}

/** Reads a patch, and makes the new record; throws a `StoreError` "damaged" where it fits no such record. */
export function readPatch(cursor: Cursor): (was: string) => string {
  const runs = readVarint(cursor);
  if (runs === REPLACED) {
    const head = readVarint(cursor);
    const tail = readVarint(cursor);
    const between = readText(cursor);
    return (was) => replace(was, head, tail, between);
  }
  const steps: { readonly skip: number; readonly octets: string }[] = [];
  for (let i = 0; i < runs; i++) {
    const skip = readVarint(cursor);
    steps.push({ skip, octets: readText(cursor) });
  }
  return (was) => {
    let out = "";
    let at = 0;
    for (const { skip, octets } of steps) {
      out += was.slice(at, at + skip) + octets;
      at += skip + octets.length;
    }
    if (at > was.length) throw damaged();
    return out + was.slice(at);
  };
}

function packRuns(was: string, next: string): string {
  const length = next.slice(FRONT) === was.slice(FRONT) ? Math.min(FRONT, next.length) : next.length;
  let out = "";
  let runs = 0;
  let kept = 0;
  for (let start = difference(was, next, 0, length); start < length; ) {
    let end = start + 1;
    let following = difference(was, next, end, length);
    while (following < length && following - end < GAP) {
      end = following + 1;
      following = difference(was, next, end, length);
    }
    out += packVarint(start - kept) + packText(next.slice(start, end));
    kept = end;
    start = following;
    if (++runs === REPLACED) return packReplacement(was, next);
  }
  return packVarint(runs) + out;
}

/** The first place from here where two texts differ, before `length`; that when there is none. */
function difference(was: string, next: string, from: number, length: number): number {
  let at = from;
  while (at < length && was.charCodeAt(at) === next.charCodeAt(at)) at++;
  return at;
}

function packReplacement(was: string, next: string): string {
  const most = Math.min(was.length, next.length);
  let head = 0;
  while (head < most && was.charCodeAt(head) === next.charCodeAt(head)) head++;
  let tail = 0;
  while (
    tail < most - head &&
    was.charCodeAt(was.length - 1 - tail) === next.charCodeAt(next.length - 1 - tail)
  ) {
    tail++;
  }
  const between = packText(next.slice(head, next.length - tail));
  return packVarint(REPLACED) + packVarint(head) + packVarint(tail) + between;
}

function replace(was: string, head: number, tail: number, between: string): string {
  if (head + tail > was.length) throw damaged();
  return was.slice(0, head) + between + was.slice(was.length - tail);
}
