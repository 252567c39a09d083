import { StoreError } from "./store.js";

/*
 * Numbers and texts packed into latin1 text, one character an octet. Numbers of fixed length are big endian; a varint has
 * seven bits an octet, the low ones first; a text is its length as varint and then its octets. Writing what cannot be
 * written throws `RangeError`, reading what nobody wrote a `StoreError` "damaged".
 */

/** Where somebody reads in such a text. */
export interface Cursor {
  readonly text: string;
  at: number;
}

/** A whole number from 0 to `max`, which is below 2^40 for five octets and below 2^48 for six. */
export function packNumber(value: number, octets: 5 | 6, max: number): string {
  if (!Number.isInteger(value) || value < 0 || value > max) {
    throw new RangeError(`${value} is no whole number from 0 to ${max}`);
  }
  const high = Math.floor(value / 2 ** 32);
  const low = value >>> 0;
  const tail = String.fromCharCode(
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
  );
  return octets === 5 ? tail : String.fromCharCode(high >>> 8) + tail;
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

export function readNumber(cursor: Cursor, octets: 5 | 6): number {
  let value = 0;
  for (let i = 0; i < octets; i++) value = value * 256 + readOctet(cursor);
  return value;
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
