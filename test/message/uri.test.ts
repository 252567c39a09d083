import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  equalSipUris,
  isAbsoluteUri,
  normaliseEscapes,
  parseSipUri,
  type SipUri,
  uriScheme,
  writeSipUri,
} from "../../src/message/uri.js";

function uri(text: string): SipUri {
  const parsed = parseSipUri(text);
  if (parsed === undefined) throw new Error(`no SIP URI: ${text}`);
  return parsed;
}

const plain = { user: null, password: null, port: null, params: [], headers: null };

describe("RFC 3261 §19.1.1, §19.1.3: parts of a URI", () => {
  it.each<readonly [string, SipUri]>([
    ["sip:atlanta.com", { ...plain, scheme: "sip", host: "atlanta.com" }],
    ["SIP:Alice@Atlanta.COM", { ...plain, scheme: "sip", user: "Alice", host: "atlanta.com" }],
    [
      "sip:alice:secretword@atlanta.com;transport=tcp",
      {
        ...plain,
        scheme: "sip",
        user: "alice",
        password: "secretword",
        host: "atlanta.com",
        params: [{ name: "transport", value: "tcp" }],
      },
    ],
    [
      "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
      {
        ...plain,
        scheme: "sips",
        user: "alice",
        host: "atlanta.com",
        headers: "subject=project%20x&priority=urgent",
      },
    ],
    [
      "sip:+1-212-555-1212:1234@gateway.com;user=phone",
      {
        ...plain,
        scheme: "sip",
        user: "+1-212-555-1212",
        password: "1234",
        host: "gateway.com",
        params: [{ name: "user", value: "phone" }],
      },
    ],
    ["sips:1212@gateway.com", { ...plain, scheme: "sips", user: "1212", host: "gateway.com" }],
    ["sip:alice@192.0.2.4", { ...plain, scheme: "sip", user: "alice", host: "192.0.2.4" }],
    [
      "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
      {
        ...plain,
        scheme: "sip",
        host: "atlanta.com",
        params: [{ name: "method", value: "REGISTER" }],
        headers: "to=alice%40atlanta.com",
      },
    ],
    [
      "sip:alice;day=tuesday@atlanta.com",
      { ...plain, scheme: "sip", user: "alice;day=tuesday", host: "atlanta.com" },
    ],
    // RFC 4475 §3.1.1.9
    [
      "sip:user;par=u%40example.net@example.com",
      { ...plain, scheme: "sip", user: "user;par=u%40example.net", host: "example.com" },
    ],
    [
      "sip:a?b/c,d&e=f+$g@example.com",
      { ...plain, scheme: "sip", user: "a?b/c,d&e=f+$g", host: "example.com" },
    ],
    ["sip:a:@h", { ...plain, scheme: "sip", user: "a", password: "", host: "h" }],
    ["sip:[2001:db8::10]:5070", { ...plain, scheme: "sip", host: "[2001:db8::10]", port: 5070 }],
    [
      "sip:a@h;Transport=UDP;lr;maddr=[::1];x=[/:&+$]",
      {
        ...plain,
        scheme: "sip",
        user: "a",
        host: "h",
        params: [
          { name: "transport", value: "UDP" },
          { name: "lr", value: null },
          { name: "maddr", value: "[::1]" },
          { name: "x", value: "[/:&+$]" },
        ],
      },
    ],
    // what the field sends beyond the letter, without ambiguity
    ["sip:*21#@h", { ...plain, scheme: "sip", user: "*21#", host: "h" }],
    ["sip:j\xc3\xb6rg@h", { ...plain, scheme: "sip", user: "j\xc3\xb6rg", host: "h" }],
    [
      "sip:a@h;pn-prid=Zm9v==",
      { ...plain, scheme: "sip", user: "a", host: "h", params: [{ name: "pn-prid", value: "Zm9v==" }] },
    ],
  ])("%s", (text, expected) => {
    expect(parseSipUri(text)).toEqual(expected);
  });

  it.each([
    ["", "nothing"],
    ["sip:", "no host"],
    ["sip", "no colon"],
    ["tel:+123", "another scheme"],
    ["sipx:a@h", "another scheme"],
    ["sip:@h", "an empty user"],
    ["sip::pw@h", "an empty user with a password"],
    ["sip:a@", "no host behind the user"],
    ["sip:a@b@c", "two @"],
    ["sip:a b@h", "a blank in the user"],
    ["sip:a@h h", "a blank in the host"],
    ["sip:a@h\r\n", "a line break"],
    ["sip:<a>@h", "brackets"],
    ['sip:"a"@h', "quotes"],
    ["sip:a%4@h", "an escape cut short"],
    ["sip:a%zz@h", "an escape that is not hexadecimal"],
    ["sip:a:p;w@h", "a semicolon in the password"],
    ["sip:a@h:port", "a port that is no number"],
    ["sip:a@h;", "an empty parameter"],
    ["sip:a@h;;x", "an empty parameter between"],
    ["sip:a@h;=x", "a parameter without a name"],
    ["sip:a@h;x=", "an empty parameter value"],
    ["sip:a@h;x=b@c", "an @ in a parameter"],
    ["sip:a@h?", "empty headers"],
    ["sip:a@h?a<b", "brackets in headers"],
    ["sip:2001:db8::10", "IPv6 without brackets (RFC 5118 §4.2)"],
    [`sip:h${";a".repeat(101)}`, "more parameters than the limit"],
  ])("%j is refused: %s", (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });

  it("takes as many parameters as the limit says", () => {
    expect(parseSipUri(`sip:h${";a".repeat(100)}`)?.params).toHaveLength(100);
  });
});

describe("§19.1.4 URI comparison", () => {
  it.each([
    ["sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"],
    ["sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"],
    [
      "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
      "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ],
    [
      "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
      "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ],
    ["sip:a%2b@h", "sip:a%2B@h"],
    ["sip:j\xc3\xb6rg@h", "sip:j%C3%B6rg@h"],
    ["sip:a@h?Subject=x", "sip:a@h?subject=x"],
    ["sip:[2001:db8::1]", "sip:[2001:0DB8:0:0::1]"],
    ["sip:a@h;x=%41", "sip:a@h;x=a"],
    ["sip:a@h;x=1;x=2", "sip:a@h;x=1"],
  ])("%s equals %s", (left, right) => {
    expect(equalSipUris(uri(left), uri(right))).toBe(true);
    expect(equalSipUris(uri(right), uri(left))).toBe(true);
  });

  it.each([
    ["SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"],
    ["sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"],
    ["sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"],
    ["sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"],
    ["sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"],
    ["sip:a@h", "sips:a@h"],
    ["sip:a@h", "sip:h"],
    ["sip:a:p@h", "sip:a@h"],
    ["sip:a:p@h", "sip:a:P@h"],
    ["sip:a:@h", "sip:a@h"],
    ["sip:a@h;user=ip", "sip:a@h"],
    ["sip:a@h;ttl=1", "sip:a@h"],
    ["sip:a@h;method=INVITE", "sip:a@h"],
    ["sip:a@h;maddr=192.0.2.1", "sip:a@h"],
    ["sip:a@h;lr=on", "sip:a@h;lr"],
    ["sip:a%3bb@h", "sip:a;b@h"],
    ["sip:a%2541@h", "sip:a%41@h"],
    ["sip:a%00@h", "sip:a%00%00@h"],
    ["sip:a@h?subject=a", "sip:a@h?subject=A"],
    ["sip:a@h?a=1&a=2", "sip:a@h?a=1"],
  ])("%s differs from %s", (left, right) => {
    expect(equalSipUris(uri(left), uri(right))).toBe(false);
    expect(equalSipUris(uri(right), uri(left))).toBe(false);
  });
});

describe("escapes in one spelling", () => {
  it.each([
    ["%61%62", "ab"],
    ["%2c%3B", "%2C%3B"],
    ["%25%34%31", "%2541"],
    ["%20%7f%0a", "%20%7F%0A"],
    ["%4", "%4"],
    ["100%", "100%"],
  ])("%j is %j", (text, expected) => {
    expect(normaliseEscapes(text)).toBe(expected);
  });
});

describe("any URI", () => {
  it.each([
    ["http://example.com", "http"],
    ["soap.beep://192.0.2.103:3002", "soap.beep"],
    ["nobodyKnowsThisScheme:totallyopaquecontent", "nobodyknowsthisscheme"],
    ["a+b-c.1:x", "a+b-c.1"],
    ["1a:x", undefined],
    [":x", undefined],
    ["x", undefined],
    ["a b:c", undefined],
    ["a@b:c", undefined],
  ])("scheme of %j: %j", (text, expected) => {
    expect(uriScheme(text)).toBe(expected);
  });

  it.each([
    ["isbn:2983792873", true],
    ["http:", false],
    ["http:a b", false],
    ["http:<a>", false],
    ['http:"a"', false],
    ["http:a\x00", false],
    ["nothing", false],
  ])("%j is one: %s", (text, expected) => {
    expect(isAbsoluteUri(text)).toBe(expected);
  });
});

describe("properties", () => {
  const chars = (alphabet: string, max: number) =>
    fc.string({ unit: fc.constantFrom(...alphabet, "%41", "%2f", "%C3"), minLength: 1, maxLength: max });
  const host = fc.constantFrom(
    "example.com",
    "EXAMPLE.com",
    "h",
    "192.0.2.1",
    "[2001:db8::1]",
    "[2001:DB8:0::1]",
  );
  const param = fc
    .tuple(
      fc.constantFrom("transport", "Transport", "lr", "user", "ttl", "maddr", "x", "ob"),
      fc.option(chars("aA1[]:", 2)),
    )
    .map(([name, value]) => (value === null ? `;${name}` : `;${name}=${value}`));
  const text = fc
    .record({
      scheme: fc.constantFrom("sip", "sips", "SIP"),
      user: fc.option(chars("aB1;?/&=+$,-_", 4)),
      password: fc.option(chars("aB&=", 2)),
      host,
      port: fc.option(fc.integer({ min: 1, max: 65_535 })),
      params: fc.array(param, { maxLength: 3 }),
      headers: fc.option(fc.array(chars("aB=?", 2), { minLength: 1, maxLength: 3 })),
    })
    .map(({ scheme, user, password, host: name, port, params, headers }) => {
      const userinfo = user === null ? "" : `${user}${password === null ? "" : `:${password}`}@`;
      const query = headers === null ? "" : `?${headers.join("&")}`;
      return `${scheme}:${userinfo}${name}${port === null ? "" : `:${port}`}${params.join("")}${query}`;
    });

  it("write and parse are inverse", () => {
    fc.assert(
      fc.property(text, (written) => {
        const parsed = uri(written);
        expect(uri(writeSipUri(parsed))).toEqual(parsed);
        expect(writeSipUri(uri(writeSipUri(parsed)))).toBe(writeSipUri(parsed));
      }),
    );
  });

  it("equality is reflexive and symmetric", () => {
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(equalSipUris(uri(left), uri(left))).toBe(true);
        expect(equalSipUris(uri(left), uri(right))).toBe(equalSipUris(uri(right), uri(left)));
      }),
      { numRuns: 500 },
    );
  });

  it("equality does not see the order of parameters, nor escapes of unreserved characters in the user", () => {
    fc.assert(
      fc.property(text, (written) => {
        const parsed = uri(written);
        const names = new Set(parsed.params.map(({ name }) => name));
        // a name twice has no order to be free of
        if (names.size === parsed.params.length) {
          expect(equalSipUris(parsed, { ...parsed, params: parsed.params.toReversed() })).toBe(true);
        }
        const user =
          parsed.user?.replace(/(?<!%.?)[a-zA-Z0-9]/g, (c) => `%${c.charCodeAt(0).toString(16)}`) ?? null;
        expect(equalSipUris(parsed, { ...parsed, user })).toBe(true);
      }),
    );
  });
});
