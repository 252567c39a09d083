import { StoreError } from "./store.js";

/*
 * Numbers and texts packed into latin1 text, one character an octet. Numbers of fixed length are big endian; a varint has
 * seven bits an octet, the low ones first; a text is its length as varint and then its octets. Writing what cannot be
 * written throws `RangeError`, reading what nobody wrote a `StoreError` "damaged".
 */

const MAX_MOMENT_MS = 2 ** 48 - 1;

/** Where somebody reads in such a text. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** A whole number from 0 to `max`, which is below 2^40, in five octets. */
export function packNumber(value: number, max: number): string {
  checkWhole(value, max);
  const high = Math.floor(value / 2 ** 32);
  return String.fromCharCode(
    high & 0xff,
    (value >>> 24) & 0xff,
    (value >>> 16) & 0xff,
    (value >>> 8) & 0xff,
    value & 0xff,
  );
}

/** An octet, and then three moments in milliseconds from 0 to 2^48 - 1, in six octets each: one call makes them all. */
export function packMoments(octet: number, a: number, b: number, c: number): string {
  checkWhole(a, MAX_MOMENT_MS);
  checkWhole(b, MAX_MOMENT_MS);
  checkWhole(c, MAX_MOMENT_MS);
  const highA = Math.floor(a / 2 ** 32);
  const highB = Math.floor(b / 2 ** 32);
  const highC = Math.floor(c / 2 ** 32);
  return String.fromCharCode(
    octet,
    (highA >>> 8) & 0xff,
    highA & 0xff,
    (a >>> 24) & 0xff,
    (a >>> 16) & 0xff,
    (a >>> 8) & 0xff,
    a & 0xff,
    (highB >>> 8) & 0xff,
    highB & 0xff,
    (b >>> 24) & 0xff,
    (b >>> 16) & 0xff,
    (b >>> 8) & 0xff,
    b & 0xff,
    (highC >>> 8) & 0xff,
    highC & 0xff,
    (c >>> 24) & 0xff,
    (c >>> 16) & 0xff,
    (c >>> 8) & 0xff,
    c & 0xff,
  );
}

function checkWhole(value: number, max: number): void {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${value} is no whole number from 0 to ${max}`);
  }
}

/** A whole number from 0 to 2^53 - 1. */
export function packVarint(value: number): string {
  if (value >= 0 && value < 0x80 && Number.isInteger(value)) return String.fromCharCode(value);
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is no whole number from 0`);
  let out = "";
  let rest = value;
  while (rest >= 0x80) {
    out += String.fromCharCode((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return out + String.fromCharCode(rest);
}

export function packText(value: string): string {
  return packVarint(value.length) + value;
}

export function readOctet(cursor: Cursor): number {
  if (cursor.at >= cursor.text.length) throw damaged();
  return cursor.text.charCodeAt(cursor.at++);
}

/** A moment as `packMoments` writes it. */
export function readMoment(cursor: Cursor): number {
  const { text, at } = cursor;
  if (at + 6 > text.length) throw damaged();
  cursor.at = at + 6;
  const high = (text.charCodeAt(at) << 8) | text.charCodeAt(at + 1);
  const low =
    text.charCodeAt(at + 2) * 2 ** 24 +
    ((text.charCodeAt(at + 3) << 16) | (text.charCodeAt(at + 4) << 8) | text.charCodeAt(at + 5));
  return high * 2 ** 32 + low;
}

export function readVarint(cursor: Cursor): number {
  let value = 0;
  for (let unit = 1; unit < Number.MAX_SAFE_INTEGER; unit *= 0x80) {
    const octet = readOctet(cursor);
    value += (octet & 0x7f) * unit;
    if (octet < 0x80) {
      if (value > Number.MAX_SAFE_INTEGER) throw damaged();
      return value;
    }
  }
  throw damaged();
}

export function readText(cursor: Cursor): string {
  const length = readVarint(cursor);
  const end = cursor.at + length;
  if (end > cursor.text.length) throw damaged();
  const value = cursor.text.slice(cursor.at, end);
  cursor.at = end;
  return value;
}

export function damaged(): StoreError {
  return new StoreError("damaged", "a stored record cannot be read");
}
