import { describe, expect, it } from "vitest";
import { parseContacts, parseQ, writeQ } from "../../src/message/contact.js";
import { expiresOf, parseExpires } from "../../src/message/expires.js";
import { headers } from "./texts.js";

/** URI, q and expires of each contact; a status for what is refused. */
function contacts(...lines: readonly string[]): unknown {
  const result = parseContacts(headers(...lines));
  if (!result.ok) return `${result.status} ${result.reason}`;
  if (result.value === "*") return "*";
  return result.value.map(({ address, qMilli, expiresSec }) => [address.uri, qMilli, expiresSec]);
}

describe("RFC 3261 §20.10 Contact", () => {
  it.each<readonly [string, readonly string[], unknown]>([
    ["none: a query", [], []],
    ["§10.2.2: a star alone", ["Contact: *"], "*"],
    ["one", ["Contact: <sip:a@h>"], [["sip:a@h", null, null]]],
    [
      "several in one line and in many, in order",
      ['Contact: "A, B" <sip:a@h>;q=0.7;expires=60, <sip:b@h>;Expires=0', "m: sip:c@h;q=1"],
      [
        ["sip:a@h", 700, 60],
        ["sip:b@h", null, 0],
        ["sip:c@h", 1000, null],
      ],
    ],
    ["another scheme", ["Contact: <mailto:a@h>;q=0.1"], [["mailto:a@h", 100, null]]],
    [
      "§20.10: expires is the header parameter, not the URI's",
      ["Contact: <sip:a@h;expires=5;q=0.1>"],
      [["sip:a@h;expires=5;q=0.1", null, null]],
    ],
    ["§10.2: a malformed expires is 3600", ["Contact: <sip:a@h>;expires=soon"], [["sip:a@h", null, 3600]]],
    [
      "RFC 2543's absolute time is malformed",
      ['Contact: <sip:a@h>;expires="Thu, 01 Dec 1994 16:00:00 GMT"'],
      [["sip:a@h", null, 3600]],
    ],
    ["a negative one too", ["Contact: <sip:a@h>;expires=-1"], [["sip:a@h", null, 3600]]],
    ["one without a value too", ["Contact: <sip:a@h>;expires"], [["sip:a@h", null, 3600]]],
    ["one that is empty too", ["Contact: <sip:a@h>;expires="], [["sip:a@h", null, 3600]]],
    [
      "an empty one before another parameter, and without brackets",
      ["Contact: <sip:a@h>; expires= ;q=0.5, sip:b@h;expires="],
      [
        ["sip:a@h", 500, 3600],
        ["sip:b@h", null, 3600],
      ],
    ],
    ["no other parameter may be empty", ["Contact: <sip:a@h>;q="], "400 Malformed Contact"],
    ["nor one we do not know", ["Contact: <sip:a@h>;x="], "400 Malformed Contact"],
    ["nor a quote that never closes", ['Contact: <sip:a@h>;expires="'], "400 Malformed Contact"],
    ["a number in quotes is a number", ['Contact: <sip:a@h>;expires="60"'], [["sip:a@h", null, 60]]],
    [
      "§10.2: past 2^32-1 is 2^32-1",
      ["Contact: <sip:a@h>;expires=280297596632815"],
      [["sip:a@h", null, 4_294_967_295]],
    ],
    ["an empty field", ["Contact:"], "400 Malformed Contact"],
    ["a star beside another", ["Contact: *, <sip:a@h>"], "400 Malformed Contact"],
    [
      "a star on a line of its own beside another",
      ["Contact: <sip:a@h>", "Contact: *"],
      "400 Malformed Contact",
    ],
    ["two stars", ["Contact: *", "Contact: *"], "400 Malformed Contact"],
    ["a star with parameters", ["Contact: *;expires=0"], "400 Malformed Contact"],
    [
      "RFC 4475 §3.1.2.13: a question mark outside brackets",
      ["Contact: sip:a@h?Route=%3Csip:b%3E"],
      "400 Malformed Contact",
    ],
    ["a good one beside a bad one", ["Contact: <sip:a@h>, <sip:b@h:x>"], "400 Malformed Contact"],
    ["a q that is none", ["Contact: <sip:a@h>;q=2"], "400 Malformed q In Contact"],
    ["a q without a value", ["Contact: <sip:a@h>;q"], "400 Malformed q In Contact"],
  ])("%s", (_, lines, expected) => {
    expect(contacts(...lines)).toEqual(expected);
  });
});

describe("§25.1 qvalue", () => {
  it.each([
    ["0", 0],
    ["0.", 0],
    ["0.5", 500],
    ["0.05", 50],
    ["0.001", 1],
    ["1", 1000],
    ["1.000", 1000],
    ["1.001", undefined],
    ["2", undefined],
    ["0.0001", undefined],
    [".5", undefined],
    ["0,5", undefined],
    ["-0.5", undefined],
    ["0.5x", undefined],
    ["", undefined],
  ])("%j", (text, expected) => {
    expect(parseQ(text)).toBe(expected);
  });

  it("is read as it was written", () => {
    for (let milli = 0; milli <= 1000; milli++) expect(parseQ(writeQ(milli))).toBe(milli);
  });
});

describe("§20.19 Expires", () => {
  it.each([
    ["0", 0],
    ["4294967295", 4_294_967_295],
    ["4294967296", 4_294_967_295],
    [`1${"0".repeat(100)}`, 4_294_967_295],
    ["", 3600],
    ["1.5", 3600],
    ["Thu, 01 Dec 1994 16:00:00 GMT", 3600],
  ])("%j", (text, expected) => {
    expect(parseExpires(text)).toBe(expected);
    expect(expiresOf(headers(`Expires: ${text}`))).toBe(expected);
  });

  it("is undefined when it is not there", () => {
    expect(expiresOf(headers())).toBeUndefined();
  });
});
