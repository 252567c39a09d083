import fc from "fast-check";
import { expect, test } from "vitest";
import { printable, printableJson, shown, typedAor } from "../../src/admin/text.js";
import { utf8Octets } from "../../src/auth/digest.js";

test.each([
  ["plain", "plain"],
  ["j\u00c3\u00b6rg", "jörg"],
  ["no UTF-8: \u00f6", "no UTF-8: ö"],
])("text of the wire %j is shown as %j", (wire, text) => expect(shown(wire)).toBe(text));

test("any text comes back from the wire as it was typed", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      expect(shown(utf8Octets(text))).toBe(text);
    }),
  );
});

test.each([
  ["a\u001b[31mb", "a\\u001b[31mb"],
  ["a\r\nb", "a\\u000d\\u000ab"],
  ["\u009b31m", "\\u009b31m"],
  ["abc\u202ecba", "abc\\u202ecba"],
])("controls are written out: %j", (text, safe) => expect(printable(text)).toBe(safe));

test("printable JSON means the same and steers no terminal", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.boolean(), (text, indented) => {
      const value = { text, list: [text] };
      const json = printableJson(value, indented ? 2 : 0);
      expect(JSON.parse(json)).toEqual(value);
      expect(json.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }),
  );
});

test.each([
  ["alice@example.com", "sip:alice@example.com"],
  [" sip:alice@example.com ", "sip:alice@example.com"],
  ["SIPS:alice@EXAMPLE.com;transport=tls", "sip:alice@example.com"],
  ["alice@example.com:5060", "sip:alice@example.com"],
  ["%61lice@example.com", "sip:alice@example.com"],
  ["jörg@example.com", "sip:j\u00c3\u00b6rg@example.com"],
  ["example.com", "sip:example.com"],
  ["alice", "sip:alice"],
  ["", undefined],
  ["alice@", undefined],
  ["a b@example.com", undefined],
  ["sip:alice:secret@example.com", undefined],
  ["tel:+4912345", undefined],
  ["alice@example.com?x=y", undefined],
])("typed %j is %j", (typed, aor) => expect(typedAor(typed)).toBe(aor));
