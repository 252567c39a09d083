import { describe, expect, it } from "vitest";
import { equalTelUris, parseTelephoneSubscriber, parseTelUri } from "../../src/message/tel-uri.js";

describe("RFC 3966 §3: tel URIs", () => {
  it.each([
    ["tel:+1-201-555-0123", { number: "+12015550123", isGlobal: true, context: null }],
    ["TEL:+358.(555).1234567", { number: "+3585551234567", isGlobal: true, context: null }],
    ["tel:+1-201;ext=12;isub=1", { number: "+1201", isGlobal: true, context: null }],
    ["tel:7042;phone-context=Example.com", { number: "7042", isGlobal: false, context: "example.com" }],
    ["tel:863-1234;phone-context=+1-914-555", { number: "8631234", isGlobal: false, context: "+1914555" }],
    ["tel:*21#AF;phone-context=example.com", { number: "*21#af", isGlobal: false, context: "example.com" }],
  ])("%s", (text, expected) => {
    expect(parseTelUri(text)).toMatchObject(expected);
  });

  it.each([
    ["sip:+1@h", "another scheme"],
    ["tel:", "no number"],
    ["tel:+", "no digit"],
    ["tel:--", "separators alone"],
    ["tel:+1 201", "a blank"],
    ["tel:+1*2", "a star in a global number"],
    ["tel:+1a", "a letter in a global number"],
    ["tel:7042", "a local number without context (§5.1.5)"],
    ["tel:7042;phone-context", "a context without a value"],
    ["tel:7042;phone-context=a b", "a blank in a parameter"],
    ["tel:7042;phone-context=+", "a context without digits"],
    ["tel:7042;phone-context=..", "a context that is no domain"],
    ["tel:+1;", "an empty parameter"],
    ["tel:+1; ext=2", "a blank before a parameter"],
    ["tel:hello;phone-context=h", "letters beyond hexadecimal"],
  ])("%j is refused: %s", (text) => {
    expect(parseTelUri(text)).toBeUndefined();
  });

  it("RFC 3261 §19.1.6: also as the user part of a SIP URI", () => {
    expect(parseTelephoneSubscriber("+358-555-1234567;postd=pp22")?.number).toBe("+3585551234567");
  });
});

describe("RFC 3966 §4: comparison", () => {
  it.each([
    ["tel:+1-201-555-0123", "tel:+12015550123", true],
    ["tel:+1;isub=aB;ext=1-2", "tel:+1;ext=12;isub=AB", true],
    ["tel:7;phone-context=Example.com", "tel:7;phone-context=example.COM", true],
    ["tel:7;phone-context=+1-914", "tel:7;phone-context=+1914", true],
    ["tel:+7", "tel:7;phone-context=h", false],
    ["tel:7;phone-context=a", "tel:7;phone-context=b", false],
    ["tel:+1;ext=1", "tel:+1", false],
    ["tel:+1;ext=1", "tel:+1;isub=1", false],
    ["tel:+1;x=1", "tel:+1;x=2", false],
    ["tel:+1", "tel:+2", false],
  ])("%s and %s: %s", (left, right, expected) => {
    const [a, b] = [parseTelUri(left)!, parseTelUri(right)!];
    expect([equalTelUris(a, b), equalTelUris(b, a)]).toEqual([expected, expected]);
    expect([equalTelUris(a, a), equalTelUris(b, b)]).toEqual([true, true]);
  });
});
