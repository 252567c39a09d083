import type { Binding, Bindings } from "./binding.js";
import {
  type Cursor,
  damaged,
  packMoments,
  packNumber,
  packText,
  packVarint,
  readMoment,
  readOctet,
  readText,
  readVarint,
} from "./octets.js";

/*
 * A record packs the bindings of one address-of-record into latin1 text, one character an octet, so that a store keeps
 * one small value instead of many objects, and a reader slices fields out of it without copying. Layout:
 *
 *   version (1) · alarm in seconds (5) · count (varint) · the bindings
 *   binding: flags (1) · expiresAtMs, registeredAtMs, updatedAtMs (6 each) · cseq (varint) · uri, params, callId, received (texts)
 *            · what the flags name, in the order of their bits
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
const MAX_ALARM_SEC = 2 ** 40 - 1;
const FULL_Q = 1000;
const NOT_LATIN1 = /[^\x00-\xff]/;

/**
 * Packs a set of bindings. Pure and total for bindings whose texts are latin1 and whose numbers are whole and not
 * negative (times below 2^48 ms); anything else is a fault of the caller's and throws `RangeError`.
 * @param alarmSec when a store means to look at the record for expiry, seconds since the epoch, below 2^40
 */
export function encodeRecord(bindings: Bindings, alarmSec: number): string {
  let out = String.fromCharCode(VERSION) + packNumber(alarmSec, MAX_ALARM_SEC) + packVarint(bindings.length);
  for (const binding of bindings) out += encodeBinding(binding);
  if (NOT_LATIN1.test(out)) throw new RangeError("a binding holds text that is not latin1");
  return out;
}

/** Unpacks a record, expired bindings included. Octets that no `encodeRecord` wrote throw a `StoreError` "damaged". */
export function decodeRecord(record: string): Bindings {
  check(record);
  const cursor: Cursor = { text: record, at: HEAD };
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
  check(record);
  let second = 0;
  for (let i = 1; i < HEAD; i++) second = second * 256 + record.charCodeAt(i);
  return second;
}

/** How many bindings the record holds, without unpacking them. */
export function recordCount(record: string): number {
  check(record);
  const first = record.charCodeAt(HEAD);
  return first < 0x80 ? first : readVarint({ text: record, at: HEAD });
}

function encodeBinding(binding: Binding): string {
  const { userAgent, flow, path, instance, regId, extra } = binding;
  let flags = 0;
  let rest = "";
  if (binding.qMilli !== FULL_Q) {
    flags |= HAS_Q;
    rest += packVarint(binding.qMilli);
  }
  if (userAgent !== null) {
    flags |= HAS_USER_AGENT;
    rest += packText(userAgent);
  }
  if (flow !== null) {
    flags |= HAS_FLOW;
    rest += packText(flow);
  }
  if (path.length > 0) {
    flags |= HAS_PATH;
    rest += packVarint(path.length);
    for (const hop of path) rest += packText(hop);
  }
  if (instance !== null) {
    const offset = binding.params.indexOf(instance);
    flags |= offset === -1 ? HAS_INSTANCE : INSTANCE_IN_PARAMS;
    rest += offset === -1 ? packText(instance) : packVarint(offset) + packVarint(instance.length);
  }
  if (regId !== null) {
    flags |= HAS_REG_ID;
    rest += packVarint(regId);
  }
  if (extra !== undefined) {
    flags |= HAS_EXTRA;
    const names = Object.keys(extra);
    rest += packVarint(names.length);
    for (const name of names) rest += packText(name) + packText(extra[name]!);
  }
  return (
    packMoments(flags, binding.expiresAtMs, binding.registeredAtMs, binding.updatedAtMs) +
    packVarint(binding.cseq) +
    packText(binding.uri) +
    packText(binding.params) +
    packText(binding.callId) +
    packText(binding.received) +
    rest
  );
}

/** A record has a version that we know, and more than its head. */
function check(record: string): void {
  if (record.length <= HEAD || record.charCodeAt(0) !== VERSION) throw damaged();
}

function readBinding(cursor: Cursor): Binding {
  const flags = readOctet(cursor);
  const expiresAtMs = readMoment(cursor);
  const registeredAtMs = readMoment(cursor);
  const updatedAtMs = readMoment(cursor);
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
