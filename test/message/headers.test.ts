import { describe, expect, it } from "vitest";
import { canonicalName } from "../../src/message/header-names.js";
import { headers } from "./texts.js";

describe("RFC 3261 §7.3.3 compact forms", () => {
  it.each([
    ["a", "accept-contact"],
    ["b", "referred-by"],
    ["c", "content-type"],
    ["d", "request-disposition"],
    ["e", "content-encoding"],
    ["f", "from"],
    ["i", "call-id"],
    ["j", "reject-contact"],
    ["k", "supported"],
    ["l", "content-length"],
    ["m", "contact"],
    ["n", "identity-info"],
    ["o", "event"],
    ["r", "refer-to"],
    ["s", "subject"],
    ["t", "to"],
    ["u", "allow-events"],
    ["v", "via"],
    ["x", "session-expires"],
    ["y", "identity"],
  ])("%s is %s", (letter, name) => {
    expect(canonicalName(letter)).toBe(name);
    expect(canonicalName(letter.toUpperCase())).toBe(name);
  });

  it("is one name in any case, known or not", () => {
    for (const name of ["Call-ID", "WWW-Authenticate", "P-Nobody-Knows", "z", "X", "Content-Lengths"]) {
      const expected = name === "X" ? "session-expires" : name.toLowerCase();
      expect([name, name.toLowerCase(), name.toUpperCase()].map(canonicalName)).toEqual([
        expected,
        expected,
        expected,
      ]);
    }
  });
});

describe("§7.3.1: room within the limit of elements", () => {
  const lines = (count: number) => Array.from({ length: count }, () => "Via: SIP/2.0/UDP h");
  const list = (name: string, count: number) =>
    `${name}: ${Array.from({ length: count }, () => '<sip:"a,b@h>').join()}`;

  it.each([
    ["nothing there", [], 100, true],
    ["nothing there, one too many", [], 101, false],
    ["99 lines", lines(99), 1, true],
    ["100 lines", lines(100), 0, true],
    ["100 lines", lines(100), 1, false],
    ["another header field", lines(100).map((line) => line.replace("Via", "Route")), 1, true],
    ["a list of 99, with commas within brackets", [list("Via", 99)], 1, true],
    ["a list of 99 and a line", [list("Via", 99), ...lines(1)], 1, false],
  ])("%s and more: %#", (_, fields, more, expected) => {
    expect(headers(...fields).hasRoomFor("via", more)).toBe(expected);
  });
});

describe("§7.3.1 header fields", () => {
  const fields = headers(
    "Via: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b",
    "v :\tSIP/2.0/UDP c",
    "VIA:SIP/2.0/UDP d",
    "Subject: I know you're there,",
    "      pick up the phone   ",
    "   and answer!",
    "Supported: path , Outbound,, a b, gruu",
    "k: 100REL",
    "Allow:",
  );

  it("has one name for every form", () => {
    expect(fields.length).toBe(7);
    expect(fields.count("via")).toBe(3);
    expect(fields.all("via")).toEqual([
      "SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b",
      "SIP/2.0/UDP c",
      "SIP/2.0/UDP d",
    ]);
    expect(fields.list("via")).toHaveLength(4);
    expect(fields.get("via")).toBe("SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b");
  });

  it("is one line however it was folded, and its own text on the way through", () => {
    expect(fields.get("subject")).toBe("I know you're there, pick up the phone and answer!");
    expect(fields.lineAt(fields.indexOf("subject"))).toBe(
      "Subject: I know you're there,\r\n      pick up the phone   \r\n   and answer!",
    );
    expect(fields.lineAt(1)).toBe("v :\tSIP/2.0/UDP c");
  });

  it("has option tags in lower case, without what is none (§20.37)", () => {
    expect(fields.optionTags("supported")).toEqual(["path", "outbound", "gruu", "100rel"]);
    expect(fields.optionTags("require")).toEqual([]);
  });

  it("tells an empty field from none", () => {
    expect([fields.get("allow"), fields.list("allow")]).toEqual(["", []]);
    expect([fields.get("contact"), fields.list("contact")]).toEqual([undefined, []]);
    expect(fields.has("contact")).toBe(false);
  });

  it.each([
    ["Contact: <sip:a>, , <sip:b>", "an empty element"],
    ['Contact: "a, <sip:b>', "a quote that never closes"],
    ["Contact: <sip:a, <sip:b", "a bracket that never closes"],
  ])("%# no list: %s", (line) => {
    expect(headers(line).list("contact")).toBeUndefined();
  });

  it("counts elements over all lines", () => {
    const lines = Array.from({ length: 101 }, (_, i) => `Allow-Events: e${i}`);
    expect(headers(...lines.slice(1)).list("allow-events")).toHaveLength(100);
    expect(headers(...lines).list("allow-events")).toBeUndefined();
    expect(headers(`Allow-Events: ${"e,".repeat(100)}e`).list("allow-events")).toBeUndefined();
    expect(headers("Contact: <sip:a>, <sip:b>").list("contact", 1)).toBeUndefined();
  });
});
