import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  endOfQuoted,
  equalIgnoringCase,
  indexOutside,
  isToken,
  parseDigits,
  quote,
  splitOutside,
  trim,
  unescapeOnce,
  unfold,
  unquote,
} from "../../src/message/grammar.js";

const octets = fc.string({ unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) });
/** Texts rich in what the scanners look for. */
const tricky = fc
  .array(fc.constantFrom('"', "\\", "<", ">", ",", ";", " ", "\r\n ", "%", "%4", "%41", "a", "\xe9"), {
    maxLength: 20,
  })
  .map((parts) => parts.join(""));

describe("§25.1 token", () => {
  it.each([
    ["INVITE", true],
    ["!interesting-Method0123456789_*+`.%indeed'~", true],
    ["", false],
    ["a b", false],
    ["a@b", false],
    ["a/b", false],
    ["caf\xe9", false],
    ["Ā", false],
  ])("%j: %s", (text, expected) => {
    expect(isToken(text)).toBe(expected);
  });
});

describe("1*DIGIT", () => {
  it.each([
    ["0", 0],
    ["0009", 9],
    ["4294967296", 4294967296],
    ["9007199254740991", 9007199254740991],
    ["9007199254740993", Number.POSITIVE_INFINITY],
    [`1${"0".repeat(400)}`, Number.POSITIVE_INFINITY],
    ["", undefined],
    ["-1", undefined],
    ["+1", undefined],
    ["1.0", undefined],
    ["1 ", undefined],
    ["0x1", undefined],
    ["\xb2", undefined],
  ])("%j", (text, expected) => {
    expect(parseDigits(text)).toBe(expected);
  });
});

describe("§25.1 quoted-string", () => {
  it.each([
    ['"a"', 3],
    ['""', 2],
    ['"a\\"b" c', 6],
    ['"a\\\\" c', 5],
    ['"a\\\\\\" c"', 9],
    ['"a', -1],
    ['"a\\"', -1],
    ['"', -1],
  ])("%j ends at %i", (text, expected) => {
    expect(endOfQuoted(text, 0, text.length)).toBe(expected);
  });

  it("ends nowhere when its end lies beyond what may be looked at", () => {
    expect(endOfQuoted('"abc"', 0, 4)).toBe(-1);
  });

  it.each([
    ['"J Rosenberg \\\\\\""', 'J Rosenberg \\"'],
    ['"\\a"', "a"],
    ["plain", "plain"],
    ['"', '"'],
    ['""', ""],
  ])("%j says %j", (text, expected) => {
    expect(unquote(text)).toBe(expected);
  });

  it("gives back any text that was quoted", () => {
    fc.assert(
      fc.property(octets, (text) => {
        const quoted = quote(text);
        expect(endOfQuoted(quoted, 0, quoted.length)).toBe(quoted.length);
        expect(unquote(quoted)).toBe(text);
      }),
    );
  });
});

describe("§7.3.1 lists", () => {
  it.each([
    ["a, b ,c", ["a", "b", "c"]],
    ['"a, b" <sip:a,b@c>, d', ['"a, b" <sip:a,b@c>', "d"]],
    ['"\\", still", x', ['"\\", still"', "x"]],
    ["a,,b", ["a", "", "b"]],
    ["", [""]],
    ['a, "b', undefined],
    ["a, <b", undefined],
    ["a,b,c,d", undefined],
  ])("%j", (text, expected) => {
    expect(splitOutside(text, 0x2c, 3)).toEqual(expected);
  });

  it("finds the first separator just where it splits", () => {
    fc.assert(
      fc.property(tricky, (text) => {
        const parts = splitOutside(text, 0x2c, 100);
        if (parts === undefined) return;
        const at = indexOutside(text, 0x2c, 0);
        expect(trim(at < 0 ? text : text.slice(0, at))).toBe(parts[0]);
        expect(at < 0).toBe(parts.length === 1);
      }),
    );
  });
});

describe("§7.3.1 folding", () => {
  it.each([
    ["a\r\n b", "a b"],
    ["a \t\r\n\t  b", "a b"],
    ["a\r\n \r\n b", "a b"],
    ["a\nb", "a b"],
    ["a\rb", "a b"],
    ["a b", "a b"],
  ])("%j is %j", (text, expected) => {
    expect(unfold(text)).toBe(expected);
  });

  it("leaves no line break, and all else as it was", () => {
    fc.assert(
      fc.property(octets, (text) => {
        const line = unfold(text);
        expect(line).not.toMatch(/[\r\n]/);
        expect(line.replace(/[ \t]/g, "")).toBe(text.replace(/[ \t\r\n]/g, ""));
        expect(unfold(line)).toBe(line);
      }),
    );
  });
});

describe("§19.1.2 escapes", () => {
  it.each([
    ["v%61lue%25%34%31", "value%41"],
    ["%00", "\x00"],
    ["%C3%a9", "\xc3\xa9"],
    ["plain", "plain"],
    ["%", undefined],
    ["%4", undefined],
    ["%4g", undefined],
    ["a%41%", undefined],
  ])("%j is %j", (text, expected) => {
    expect(unescapeOnce(text)).toBe(expected);
  });
});

describe("texts without regard to case", () => {
  it("holds for ASCII letters alone", () => {
    expect(equalIgnoringCase("aBc-1", "AbC-1")).toBe(true);
    expect(equalIgnoringCase("a", "aa")).toBe(false);
    expect(equalIgnoringCase("\xc9", "\xe9")).toBe(false);
    expect(equalIgnoringCase("@", "`")).toBe(false);
  });
});
