import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aorOf, escapeUser } from "../../src/location/aor.js";
import { unescapeOnce } from "../../src/message/grammar.js";
import { parseSipUri } from "../../src/message/uri.js";

const key = (text: string): string => aorOf(parseSipUri(text)!);

describe("RFC 3261 §10.3 step 5: the key of an address-of-record", () => {
  it.each([
    ["sip:alice@Example.COM", "sip:alice@example.com"],
    ["sips:alice:pw@example.com:5071;transport=tls?x=y", "sip:alice@example.com"],
    ["sip:example.com", "sip:example.com"],
    ["sip:%61lice@example.com", "sip:alice@example.com"],
    ["sip:a%2fb@example.com", "sip:a/b@example.com"],
    ["sip:j%C3%A4s@example.com", "sip:j\u00c3\u00a4s@example.com"],
    ["sip:a%3ab@example.com", "sip:a%3Ab@example.com"],
    ["sip:o%22brien@example.com", "sip:o%22brien@example.com"],
    ["sip:a%5c%40%25%20%0a%7f@example.com", "sip:a%5C%40%25%20%0A%7F@example.com"],
    ["sip:%2541@example.com", "sip:%2541@example.com"],
  ])("%s has %s", (text, expected) => {
    expect(key(text)).toBe(expected);
  });

  it("is a URI of the same user, and its own key, whatever octets the user has", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (octets) => {
        const user = String.fromCharCode(...octets);
        const every = [...octets].map((octet) => `%${octet.toString(16).padStart(2, "0")}`).join("");
        const aor = key(`sip:${every}@example.com`);
        expect(aor).toBe(`sip:${escapeUser(user)}@example.com`);
        const uri = parseSipUri(aor);
        expect(uri).toMatchObject({ password: null, host: "example.com" });
        expect(unescapeOnce(uri!.user!)).toBe(user);
        expect(key(aor)).toBe(aor);
      }),
    );
  });
});
