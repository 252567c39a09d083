import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findCredentials, isDigest, parseCredentials } from "../../src/auth/credentials.js";
import type { Headers } from "../../src/message/headers.js";
import { parseMessage } from "../../src/message/parse.js";

function headers(...lines: string[]): Headers {
  const text = ["REGISTER sip:example.com SIP/2.0", ...lines, "Content-Length: 0", "", ""].join("\r\n");
  const parsed = parseMessage(text);
  if (!parsed.ok) throw new Error(parsed.reason);
  return parsed.message.headers;
}

const plain =
  'Digest username="bob", realm="biloxi.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="sip:bob@biloxi.com", ' +
  'qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"';

describe("RFC 3261 §22.2: the example", () => {
  it("is read whole", () => {
    expect(parseCredentials(plain)).toEqual({
      username: "bob",
      realm: "biloxi.com",
      nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
      uri: "sip:bob@biloxi.com",
      response: "6629fae49393a05397450978507c4ef1",
      algorithm: "MD5",
      session: false,
      qop: "auth",
      nc: "00000001",
      ncValue: 1,
      cnonce: "0a4f113b",
      userhash: false,
    });
  });
});

describe("RFC 7616 §3.4: what real phones write differently", () => {
  it.each([
    [
      "no blanks behind commas (sipp)",
      'Digest username="a",realm="r",nc=00000002,qop=auth',
      { username: "a", realm: "r", ncValue: 2 },
    ],
    ["scheme in upper case", 'DIGEST username="a"', { username: "a" }],
    ["names in upper case", 'Digest UserName="a", NC=0000000a', { username: "a", ncValue: 10 }],
    [
      "quoted where a token belongs",
      'Digest algorithm="MD5", qop="auth", nc="00000001"',
      { algorithm: "MD5", qop: "auth", ncValue: 1 },
    ],
    [
      "a token where quotes belong",
      "Digest username=alice, uri=sip:example.com;transport=udp, realm=r",
      { username: "alice", uri: "sip:example.com;transport=udp", realm: "r" },
    ],
    ["blanks round the equals sign", 'Digest username = "a" , realm\t=\t"r"', { username: "a", realm: "r" }],
    [
      "empty elements and a comma at the end",
      'Digest ,username="a",, realm="r",',
      { username: "a", realm: "r" },
    ],
    [
      "a comma and an equals sign in quotes",
      'Digest username="a,b=c", realm="r"',
      { username: "a,b=c", realm: "r" },
    ],
    [
      "quotes and backslashes escaped",
      'Digest username="a\\"b\\\\c", realm="r"',
      { username: 'a"b\\c', realm: "r" },
    ],
    [
      "parameters that nobody knows",
      'Digest username="a", auts="x", integrity-protected=yes',
      { username: "a" },
    ],
    ["response in upper case", 'Digest response="6629FAE4"', { response: "6629fae4" }],
    [
      "empty values before any challenge (RFC 8760 §2.7)",
      'Digest username="a", realm="r", nonce="", uri="", response=""',
      { nonce: "", response: "" },
    ],
    ["several scheme blanks", 'Digest   username="a"', { username: "a" }],
  ])("%s", (_, value, expected) => {
    expect(parseCredentials(value)).toMatchObject(expected);
  });

  it.each([
    ["MD5", "MD5", false],
    ["md5", "MD5", false],
    ["MD5-sess", "MD5", true],
    ["SHA-256", "SHA-256", false],
    ["SHA-256-sess", "SHA-256", true],
    ["SHA-512-256", "SHA-512-256", false],
    ["SHA-512-256-sess", "SHA-512-256", true],
    ["SHA-1", null, false],
    ["AKAv1-MD5", null, false],
  ])("algorithm=%s", (written, algorithm, session) => {
    expect(parseCredentials(`Digest algorithm=${written}`)).toMatchObject({ algorithm, session });
  });

  it.each([
    ["auth", "auth"],
    ["AUTH", "auth"],
    ["auth-int", "auth-int"],
    ["auth-conf", "other"],
    ["", "other"],
  ])("qop=%s", (written, qop) => {
    expect(parseCredentials(`Digest qop="${written}"`)?.qop).toBe(qop);
  });

  it.each([
    ["00000001", 1],
    ["ffffffff", 0xffff_ffff],
    ["1", 1],
    ["000000001", 0],
    ["0000000g", 0],
    ["-1", 0],
    ["", 0],
  ])("nc=%s", (written, ncValue) => {
    expect(parseCredentials(`Digest nc=${written}, qop=auth`)).toMatchObject({ nc: written, ncValue });
  });

  it("username* as RFC 5987 writes it, in octets", () => {
    const value = "Digest username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, realm=\"r\"";
    expect(parseCredentials(value)?.username).toBe("J\u00c3\u00a4s\u00c3\u00b8n Doe");
  });
});

describe("RFC 7616 §3.4: what cannot be read", () => {
  it.each([
    ["a quote that never closes", 'Digest username="alice, realm="r'],
    ["text behind a quoted value", 'Digest username="alice"x, realm="r"'],
    ["a name that is no token", 'Digest user name="alice"'],
    ["no equals sign", "Digest username"],
    ["a parameter twice", 'Digest username="alice", username="bob"'],
    ["realm twice", 'Digest realm="a", realm="b"'],
    ["response twice", 'Digest response="a", response="b"'],
    ["username and username*", "Digest username=\"a\", username*=UTF-8''a"],
    ["username* and username", "Digest username*=UTF-8''a, username=\"a\""],
    ["username* of another charset", "Digest username*=ISO-8859-1''a"],
    ["username* with half an escape", "Digest username*=UTF-8''a%4"],
    [
      "more parameters than anybody needs",
      `Digest ${Array.from({ length: 40 }, (_, i) => `x${i}=1`).join(", ")}`,
    ],
  ])("%s", (_, value) => {
    expect(parseCredentials(value)).toBeUndefined();
  });

  it("never throws and never loops, whatever comes", () => {
    const piece = fc.constantFrom(
      '"',
      "\\",
      ",",
      "=",
      " ",
      "username",
      "realm",
      "nc",
      "a",
      "%",
      "'",
      "*",
      "\u00ff",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const read = parseCredentials(`Digest ${pieces.join("")}`);
        expect(read === undefined || typeof read.username === "string").toBe(true);
      }),
    );
  });

  it("reads back what a client quotes, whatever it holds", () => {
    const text = fc.string({
      unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
    });
    fc.assert(
      fc.property(text, text, (username, realm) => {
        const quoted = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;
        const read = parseCredentials(
          `Digest username=${quoted(username)}, realm=${quoted(realm)}, nc=00000001`,
        );
        expect(read).toMatchObject({ username, realm, ncValue: 1 });
      }),
    );
  });
});

describe("RFC 3261 §22.3: which of several is ours", () => {
  const other = 'Authorization: Digest username="alice", realm="atlanta.com"';
  const ours = 'Authorization: Digest username="bob", realm="biloxi.com"';

  it("that of our realm, wherever it stands", () => {
    expect(findCredentials(headers(other, ours), "authorization", "biloxi.com")).toMatchObject({
      username: "bob",
    });
    expect(findCredentials(headers(ours, other), "authorization", "biloxi.com")).toMatchObject({
      username: "bob",
    });
  });

  it("none when none is", () => {
    expect(findCredentials(headers(other), "authorization", "biloxi.com")).toBeUndefined();
    expect(findCredentials(headers(), "authorization", "biloxi.com")).toBeUndefined();
  });

  it("Authorization is not Proxy-Authorization", () => {
    const proxy = headers('Proxy-Authorization: Digest username="bob", realm="biloxi.com"');
    expect(findCredentials(proxy, "authorization", "biloxi.com")).toBeUndefined();
    expect(findCredentials(proxy, "proxy-authorization", "biloxi.com")).toMatchObject({ username: "bob" });
  });

  it("realms differ in case (RFC 7616 §3.3)", () => {
    expect(findCredentials(headers(ours), "authorization", "Biloxi.com")).toBeUndefined();
  });

  it("one that cannot be read is told, unless another is ours", () => {
    const broken = 'Authorization: Digest username="x';
    expect(findCredentials(headers(broken), "authorization", "biloxi.com")).toBe("malformed");
    expect(findCredentials(headers(broken, ours), "authorization", "biloxi.com")).toMatchObject({
      username: "bob",
    });
  });

  it.each([
    "Basic YWxpY2U6c2VjcmV0",
    "NoOneKnowsThisScheme opaque-data=here",
    "Bearer abc",
    "Digested a=b",
    "Digest",
    "",
  ])("%s is of another scheme", (value) => {
    expect(isDigest(value)).toBe(false);
    expect(
      findCredentials(headers(`Authorization: ${value}`), "authorization", "biloxi.com"),
    ).toBeUndefined();
  });

  const regaut01 = "../shared/torture/rfc4475/regaut01.dat";
  it.runIf(existsSync(regaut01))("RFC 4475 §3.3.7 regaut01: no credentials of ours in it", () => {
    const parsed = parseMessage(readFileSync(regaut01, "latin1"));
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(parsed.message.headers.has("authorization")).toBe(true);
    expect(findCredentials(parsed.message.headers, "authorization", "example.com")).toBeUndefined();
  });
});
