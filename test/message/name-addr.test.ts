import { describe, expect, it } from "vitest";
import { parseNameAddr } from "../../src/message/name-addr.js";

describe("RFC 3261 §20.10, §25.1: name-addr and addr-spec", () => {
  it.each([
    ["<sip:a@h>", null, "sip:a@h", ""],
    ["<sip:a@h;lr>", null, "sip:a@h;lr", ""],
    ["sip:a@h", null, "sip:a@h", ""],
    ["sip:a@h;tag=1", null, "sip:a@h", ";tag=1"],
    ["sip:a@h ;tag=1", null, "sip:a@h", ";tag=1"],
    ['"A. Bell" <sip:a@h>;tag=1', "A. Bell", "sip:a@h", ";tag=1"],
    ['"A \\"B\\" <x>"<sip:a@h> ; tag=1', 'A "B" <x>', "sip:a@h", "; tag=1"],
    ['""<sip:a@h>', "", "sip:a@h", ""],
    ["Bob Smith <sip:b@h>", "Bob Smith", "sip:b@h", ""],
    // RFC 4475 §3.1.1.6: no blank between the display name and the bracket
    ["caller<sip:a@h>;tag=323", "caller", "sip:a@h", ";tag=323"],
    ["J\xc3\xb6rg <sip:j@h>", "J\xc3\xb6rg", "sip:j@h", ""],
    // RFC 4475 §3.1.1.2: quoted-pairs of any octet
    ['"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@h>', "BEL:\x07 NUL:\x00 DEL:\x7f", "sip:a@h", ""],
    ['sip:a@h;+sip.instance="<urn:uuid:1>"', null, "sip:a@h", ';+sip.instance="<urn:uuid:1>"'],
    ['<sip:a@h>;+sip.instance="<urn:uuid:1>"', null, "sip:a@h", ';+sip.instance="<urn:uuid:1>"'],
    ["<tel:+1-201;ext=2>", null, "tel:+1-201;ext=2", ""],
    ["isbn:2983792873", null, "isbn:2983792873", ""],
    ["<sip:a,b?c@h?d=e>", null, "sip:a,b?c@h?d=e", ""],
  ])("%s", (text, displayName, uri, paramText) => {
    expect(parseNameAddr(text)).toMatchObject({ displayName, uri, paramText });
  });

  it("parses the URI of its own schemes, and of those alone", () => {
    expect(parseNameAddr("<sips:a@h>")?.sipUri?.scheme).toBe("sips");
    expect(parseNameAddr("<tel:+1>")?.sipUri).toBeUndefined();
  });

  it.each([
    ["", "nothing"],
    ["sip:a@h?Route=%3Csip:b%3E", "a question mark outside brackets (RFC 4475 §3.1.2.13, RFC 8217)"],
    ["sip:a,b@h", "a comma outside brackets"],
    ["< sip:a@h >", "blanks within the brackets (RFC 4475 §3.1.2.14)"],
    ["Bell, Alexander <sip:a@h>", "an unquoted comma in the display name (RFC 4475 §3.1.2.15)"],
    ['"Mr. J. User <sip:j@h>', "a quote that never closes (RFC 4475 §3.1.2.6)"],
    ['"A" B <sip:a@h>', "a quoted display name with more behind it"],
    ['A "B" <sip:a@h>', "a quoted display name with more before it"],
    ["<sip:a@h", "a bracket that never closes"],
    ["<>", "no URI"],
    ["<sip:a@h>x", "something behind the bracket"],
    ["<sip:a@h>;", "an empty parameter"],
    ["<sip:a@h>;;;;", "empty parameters (RFC 4475 §3.1.2.1)"],
    ["<sip:a@h:port>", "a SIP URI that is malformed"],
    ["<sip:2001:db8::1>", "an IPv6 address without brackets"],
    ["<nothing>", "no URI within the brackets"],
    ["*", "a star"],
  ])("%j is refused: %s", (text) => {
    expect(parseNameAddr(text)).toBeUndefined();
  });
});
