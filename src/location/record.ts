import type { Binding, Bindings } from "./binding.js";
import { StoreError } from "./store.js";

/*
 * A record packs the bindings of one address-of-record into latin1 text, one character an octet, so that a store keeps
 * one small value instead of many objects, and a reader slices fields out of it without copying. Layout:
 *
 *   version (1) · alarm in seconds (5) · count (varint) · the bindings
 *   binding: flags (1) · expiresAtMs, registeredAtMs, updatedAtMs (6 each) · cseq (varint) · uri, params, callId, received (texts)
 *            · what the flags name, in the order of their bits
 *
 * Numbers are big endian; a varint has seven bits an octet, low ones first; a text is its length as varint and its octets.
 */

/** First octet of every record of this layout. */
const VERSION = 1;

const HAS_Q = 0x01;
const HAS_USER_AGENT = 0x02;
const HAS_FLOW = 0x04;
const HAS_PATH = 0x08;
/** `instance` is a text of its own. */
const HAS_INSTANCE = 0x10;
/** `instance` stands in `params`, as it does for real phones: its offset and length. */
const INSTANCE_IN_PARAMS = 0x20;
const HAS_REG_ID = 0x40;
const HAS_EXTRA = 0x80;

/** Where the bindings' count begins. */
const HEAD = 6;
const MAX_TIME_MS = 2 ** 48 - 1;
const MAX_ALARM_SEC = 2 ** 40 - 1;
const FULL_Q = 1000;
const NOT_LATIN1 = /[^\x00-\xff]/;

/**
 * Packs a set of bindings. Pure and total for bindings whose texts are latin1 and whose numbers are whole and not
 * negative (times below 2^48 ms); anything else is a fault of the caller's and throws `RangeError`.
 * @param alarmSec when a store means to look at the record for expiry, seconds since the epoch, below 2^40
 */
export function encodeRecord(bindings: Bindings, alarmSec: number): string {
  let out = String.fromCharCode(VERSION) + number(alarmSec, 5, MAX_ALARM_SEC) + varint(bindings.length);
  for (const binding of bindings) out += encodeBinding(binding);
  if (NOT_LATIN1.test(out)) throw new RangeError("a binding holds text that is not latin1");
  return out;
}

/** Unpacks a record, expired bindings included. Octets that no `encodeRecord` wrote throw a `StoreError` "damaged". */
export function decodeRecord(record: string): Bindings {
  const cursor = open(record);
  const count = readVarint(cursor);
  // A binding takes more than 20 octets: a count that cannot be true must not reserve memory.
  if (count * 20 > record.length) throw damaged();
  const bindings: Binding[] = [];
  for (let i = 0; i < count; i++) bindings.push(readBinding(cursor));
  if (cursor.at !== record.length) throw damaged();
  return bindings;
}

/** The alarm that the record was packed with, in seconds. */
export function recordAlarmSec(record: string): number {
  return readNumber({ text: record, at: open(record).at - 5 }, 5);
}

/** How many bindings the record holds, without unpacking them. */
export function recordCount(record: string): number {
  return readVarint(open(record));
}

function encodeBinding(binding: Binding): string {
  const { userAgent, flow, path, instance, regId, extra } = binding;
  let flags = 0;
  let rest = "";
  if (binding.qMilli !== FULL_Q) {
    flags |= HAS_Q;
    rest += varint(binding.qMilli);
  }
  if (userAgent !== null) {
    flags |= HAS_USER_AGENT;
    rest += text(userAgent);
  }
  if (flow !== null) {
    flags |= HAS_FLOW;
    rest += text(flow);
  }
  if (path.length > 0) {
    flags |= HAS_PATH;
    rest += varint(path.length);
    for (const hop of path) rest += text(hop);
  }
  if (instance !== null) {
    const offset = binding.params.indexOf(instance);
    flags |= offset === -1 ? HAS_INSTANCE : INSTANCE_IN_PARAMS;
    rest += offset === -1 ? text(instance) : varint(offset) + varint(instance.length);
  }
  if (regId !== null) {
    flags |= HAS_REG_ID;
    rest += varint(regId);
  }
  if (extra !== undefined) {
    flags |= HAS_EXTRA;
    const names = Object.keys(extra);
    rest += varint(names.length);
    for (const name of names) rest += text(name) + text(extra[name]!);
  }
  return (
    String.fromCharCode(flags) +
    number(binding.expiresAtMs, 6, MAX_TIME_MS) +
    number(binding.registeredAtMs, 6, MAX_TIME_MS) +
    number(binding.updatedAtMs, 6, MAX_TIME_MS) +
    varint(binding.cseq) +
    text(binding.uri) +
    text(binding.params) +
    text(binding.callId) +
    text(binding.received) +
    rest
  );
}

interface Cursor {
  readonly text: string;
  at: number;
}

function open(record: string): Cursor {
  if (record.length <= HEAD) throw damaged();
  if (record.charCodeAt(0) !== VERSION) throw damaged();
  return { text: record, at: HEAD };
}

function readBinding(cursor: Cursor): Binding {
  const flags = readOctet(cursor);
  const expiresAtMs = readNumber(cursor, 6);
  const registeredAtMs = readNumber(cursor, 6);
  const updatedAtMs = readNumber(cursor, 6);
  const cseq = readVarint(cursor);
  const uri = readText(cursor);
  const params = readText(cursor);
  const callId = readText(cursor);
  const received = readText(cursor);
  const qMilli = flags & HAS_Q ? readVarint(cursor) : FULL_Q;
  const userAgent = flags & HAS_USER_AGENT ? readText(cursor) : null;
  const flow = flags & HAS_FLOW ? readText(cursor) : null;
  const path = flags & HAS_PATH ? readTexts(cursor) : NO_PATH;
  const instance = readInstance(cursor, flags, params);
  const regId = flags & HAS_REG_ID ? readVarint(cursor) : null;
  const binding: Binding = {
    uri,
    params,
    expiresAtMs,
    qMilli,
    callId,
    cseq,
    userAgent,
    received,
    flow,
    path,
    instance,
    regId,
    registeredAtMs,
    updatedAtMs,
  };
  return flags & HAS_EXTRA ? { ...binding, extra: readExtra(cursor) } : binding;
}

const NO_PATH: readonly string[] = [];

function readInstance(cursor: Cursor, flags: number, params: string): string | null {
  if (flags & INSTANCE_IN_PARAMS) {
    const offset = readVarint(cursor);
    const end = offset + readVarint(cursor);
    if (flags & HAS_INSTANCE || end > params.length) throw damaged();
    return params.slice(offset, end);
  }
  return flags & HAS_INSTANCE ? readText(cursor) : null;
}

function readTexts(cursor: Cursor): readonly string[] {
  const count = readVarint(cursor);
  if (count > cursor.text.length - cursor.at) throw damaged();
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push(readText(cursor));
  return texts;
}

function readExtra(cursor: Cursor): Readonly<Record<string, string>> {
  const entries: [string, string][] = [];
  const count = readVarint(cursor);
  if (count > cursor.text.length - cursor.at) throw damaged();
  for (let i = 0; i < count; i++) entries.push([readText(cursor), readText(cursor)]);
  return Object.fromEntries(entries);
}

function number(value: number, octets: 5 | 6, max: number): string {
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

function varint(value: number): string {
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

function text(value: string): string {
  return varint(value.length) + value;
}

function readOctet(cursor: Cursor): number {
  if (cursor.at >= cursor.text.length) throw damaged();
  return cursor.text.charCodeAt(cursor.at++);
}

function readNumber(cursor: Cursor, octets: number): number {
  let value = 0;
  for (let i = 0; i < octets; i++) value = value * 256 + readOctet(cursor);
  return value;
}

function readVarint(cursor: Cursor): number {
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

function readText(cursor: Cursor): string {
  const length = readVarint(cursor);
  const end = cursor.at + length;
  if (end > cursor.text.length) throw damaged();
  const value = cursor.text.slice(cursor.at, end);
  cursor.at = end;
  return value;
}

function damaged(): StoreError {
  return new StoreError("damaged", "a stored record of bindings cannot be read");
}
