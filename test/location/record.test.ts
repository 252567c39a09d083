import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import { decodeRecord, encodeRecord, recordAlarmSec, recordCount } from "../../src/location/record.js";
import { StoreError } from "../../src/location/store.js";
import { aBinding } from "../../src/testing/bindings.js";

const octets = (maxLength: number) =>
  fc.array(fc.integer({ min: 0, max: 255 }), { maxLength }).map((codes) => String.fromCharCode(...codes));
const timeMs = fc.integer({ min: 0, max: 2 ** 48 - 1 });
const orNull = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: null });

const binding: fc.Arbitrary<Binding> = fc
  .record({
    uri: octets(300),
    params: octets(40),
    expiresAtMs: timeMs,
    qMilli: fc.integer({ min: 0, max: 1000 }),
    callId: octets(40),
    cseq: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    userAgent: orNull(octets(40)),
    received: octets(40),
    flow: orNull(octets(40)),
    path: fc.array(octets(40), { maxLength: 3 }),
    instance: orNull(octets(40)),
    regId: orNull(fc.integer({ min: 0, max: 2 ** 31 - 1 })),
    registeredAtMs: timeMs,
    updatedAtMs: timeMs,
    extra: fc.option(fc.dictionary(octets(8), octets(20), { maxKeys: 3 }), { nil: undefined }),
    instanceInParams: fc.boolean(),
  })
  .map(({ extra, instanceInParams, ...rest }) => ({
    ...rest,
    ...(instanceInParams && rest.instance !== null
      ? { params: `;+sip.instance="${rest.instance}"${rest.params}` }
      : {}),
    ...(extra === undefined ? {} : { extra: { ...extra } }),
  }));
const bindings = fc.array(binding, { maxLength: 4 });
const alarmSec = fc.integer({ min: 0, max: 2 ** 40 - 1 });

test("what was packed is unpacked, to the last octet", () => {
  fc.assert(
    fc.property(bindings, alarmSec, (set, alarm) => {
      const record = encodeRecord(set, alarm);
      expect(decodeRecord(record)).toEqual(set);
      expect(recordAlarmSec(record)).toBe(alarm);
      expect(recordCount(record)).toBe(set.length);
    }),
  );
});

test("a record that was cut, or that something follows, is damaged", () => {
  fc.assert(
    fc.property(bindings, fc.nat(), octets(3), (set, at, tail) => {
      const record = encodeRecord(set, 5);
      expect(() => decodeRecord(record.slice(0, at % record.length))).toThrow(StoreError);
      if (tail !== "") expect(() => decodeRecord(record + tail)).toThrow(StoreError);
    }),
  );
});

test("octets that nobody packed are damaged or a set of bindings, never another error", () => {
  fc.assert(
    fc.property(octets(200), (noise) => {
      try {
        expect(Array.isArray(decodeRecord(`\x01\0\0\0\0\0${noise}`))).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ name: "StoreError", code: "damaged" });
      }
    }),
    { numRuns: 1000 },
  );
});

test("a record of another layout is damaged", () => {
  const record = encodeRecord([aBinding()], 0);
  expect(() => decodeRecord(`\x02${record.slice(1)}`)).toThrow(StoreError);
});

describe("what cannot be packed is refused, not mangled", () => {
  for (const [what, given] of [
    ["text beyond latin1", { uri: "sip:\u0161@example.com" }],
    ["a time before the epoch", { expiresAtMs: -1 }],
    ["a time past 48 bits", { updatedAtMs: 2 ** 48 }],
    ["a part of a millisecond", { registeredAtMs: 0.5 }],
    ["a negative CSeq", { cseq: -1 }],
    ["a broken q", { qMilli: 0.7 }],
    ["no number", { cseq: Number.NaN }],
  ] as const) {
    test(what, () => {
      expect(() => encodeRecord([aBinding(given)], 0)).toThrow(RangeError);
    });
  }
});

test("the instance that stands in the contact's parameters takes no room of its own", () => {
  const instance = "<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>";
  const params = `;+sip.instance="${instance}"`;
  const without = encodeRecord([aBinding({ params })], 0).length;
  expect(encodeRecord([aBinding({ params, instance })], 0).length).toBe(without + 2);
});
