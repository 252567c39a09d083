import { describe, expect, it } from "vitest";
import { parseCredentials } from "../../src/auth/credentials.js";
import { isOffered, makeRealms, type RealmsOptions } from "../../src/auth/realms.js";
import { parseSipUri } from "../../src/message/uri.js";
import { parseChallenge } from "./challenge-reader.js";

function challenges(options: RealmsOptions, domain: string): Readonly<Record<string, string>>[] | undefined {
  const realm = makeRealms(options).of(domain);
  return realm?.afterNonce.map((after) => parseChallenge(`${realm.beforeNonce}N${after}`));
}

describe("RFC 3261 §22.1: which realm a domain belongs to", () => {
  it.each([
    ["one for every domain", { realm: "Example" }, "anything.example", "Example"],
    ["one for some domains", { realm: "Example", domains: ["Example.com"] }, "example.com", "Example"],
    [
      "one for some domains, not this",
      { realm: "Example", domains: ["example.com"] },
      "example.org",
      undefined,
    ],
    ["each its own", {}, "example.org", "example.org"],
    ["each its own, of some", { domains: ["example.org"] }, "example.org", "example.org"],
    ["each its own, not of others", { domains: ["example.org"] }, "example.com", undefined],
    ["each its own, IPv6", {}, "[2001:db8::1]", "[2001:db8::1]"],
    [
      "several, by name",
      { realms: [{ realm: "example.com" }, { realm: "example.org" }] },
      "example.org",
      "example.org",
    ],
    [
      "several, by domain",
      { realms: [{ realm: "A", domains: ["example.com", "Example.Net"] }] },
      "example.net",
      "A",
    ],
    ["several, none of them", { realms: [{ realm: "A", domains: ["example.com"] }] }, "a", undefined],
    ["never a longer name", { realm: "A", domains: ["example.com"] }, "evilexample.com", undefined],
  ] as const)("%s", (_, options, domain, name) => {
    expect(makeRealms(options).of(domain)?.name).toBe(name);
  });

  it("stays right when more domains are named than are kept", () => {
    const realms = makeRealms({});
    for (let i = 0; i < 3000; i++) expect(realms.of(`d${i}.example`)?.name).toBe(`d${i}.example`);
    expect(realms.of("d0.example")?.domains).toEqual(new Set(["d0.example"]));
  });
});

describe("RFC 8760 §2.3: what a realm offers", () => {
  it("MD5 alone with qop auth, when nothing is said", () => {
    expect(challenges({ realm: "r" }, "x")).toEqual([
      { realm: "r", nonce: "N", qop: "auth", algorithm: "MD5" },
    ]);
  });

  it("several algorithms in their order, one challenge each, with the same nonce", () => {
    const offered = challenges({ realm: "r", algorithms: ["SHA-512-256", "SHA-256", "MD5"] }, "x")!;
    expect(offered.map(({ algorithm }) => algorithm)).toEqual(["SHA-512-256", "SHA-256", "MD5"]);
    expect(new Set(offered.map(({ nonce }) => nonce)).size).toBe(1);
  });

  it("each realm its own", () => {
    const realms = [{ realm: "a.example", algorithms: ["SHA-256"] }, { realm: "b.example" }] as const;
    expect(challenges({ realms }, "a.example")?.[0]).toMatchObject({ algorithm: "SHA-256" });
    expect(challenges({ realms }, "b.example")?.[0]).toMatchObject({ algorithm: "MD5" });
  });

  it("auth-int when it is asked for, and a realm with quotes in its name", () => {
    expect(challenges({ realm: 'a"b', qop: ["auth", "auth-int"] }, "x")?.[0]).toMatchObject({
      realm: 'a\\"b',
      qop: "auth,auth-int",
    });
  });
});

describe("RFC 7616 §3.4: do credentials answer this offer?", () => {
  const realm = makeRealms({ realm: "r", algorithms: ["SHA-256"] }).of("x")!;
  const old = makeRealms({ realm: "r", allowWithoutQop: true }).of("x")!;
  const full = "algorithm=SHA-256, response=ab, qop=auth, nc=00000001, cnonce=c";
  it.each([
    ["all there", realm, full, true],
    ["session variant", realm, full.replace("256", "256-sess"), true],
    ["auth-int", realm, full.replace("auth", "auth-int"), true],
    ["a weaker algorithm than offered", realm, full.replace("SHA-256", "MD5"), false],
    ["no algorithm means MD5", realm, full.replace("algorithm=SHA-256, ", ""), false],
    ["an algorithm nobody knows", realm, full.replace("SHA-256", "SHA-1"), false],
    ["an empty response (RFC 8760 §2.7)", realm, full.replace("=ab", '=""'), false],
    ["a hashed name, which we never ask for", realm, `${full}, userhash=true`, false],
    ["qop but no nc", realm, full.replace(", nc=00000001", ""), false],
    ["nc zero", realm, full.replace("00000001", "00000000"), false],
    ["qop but no cnonce", realm, full.replace(", cnonce=c", ""), false],
    ["a qop nobody knows", realm, full.replace("qop=auth", "qop=auth-conf"), false],
    ["no qop where that is not allowed", realm, "algorithm=SHA-256, response=ab", false],
    ["no qop where it is", old, "response=ab", true],
    ["no qop but a session, which needs a cnonce", old, "algorithm=MD5-sess, response=ab", false],
  ])("%s", (_, offer, value, expected) => {
    expect(isOffered(parseCredentials(`Digest ${value}`)!, offer)).toBe(expected);
  });
});

describe("options that cannot be", () => {
  it.each([
    ["realm and realms", { realm: "a", realms: [{ realm: "b" }] }, /realm or realms/],
    ["no realms", { realms: [] }, /empty/],
    ["a domain in two realms", { realms: [{ realm: "a" }, { realm: "b", domains: ["A"] }] }, /domain a/],
    ["an algorithm nobody knows", { algorithms: ["SHA-1"] }, /SHA-1/],
    ["an algorithm twice", { realm: "a", algorithms: ["MD5", "MD5"] }, /twice/],
    ["no algorithm", { realm: "a", algorithms: [] }, /needs an algorithm/],
    ["no qop", { realm: "a", qop: [] }, /qop/],
    ["a qop nobody knows", { realm: "a", qop: ["auth-conf"] }, /auth-conf/],
    ["an empty realm", { realm: "" }, /non-empty/],
    ["a realm that would end the header", { realm: "a\r\nX: y" }, /control/],
    ["an option nobody knows", { realms: [{ realm: "a", nonce: 1 }] }, /unknown option nonce/],
  ])("%s", (_, options, message) => {
    expect(() => makeRealms(options as RealmsOptions)).toThrow(TypeError);
    expect(() => makeRealms(options as RealmsOptions)).toThrow(message);
  });
});

describe("a dot at the end of a domain names the root, and makes no other domain of it", () => {
  it("whichever of the two spells it so", () => {
    const realms = makeRealms({ realm: "Office", domains: ["Example.com."] });
    const uri = parseSipUri("sip:alice@example.COM.")!;
    expect(realms.of(uri.host)?.name).toBe("Office");
    expect(realms.of("example.com")?.name).toBe("Office");
    expect(realms.of("example.co")).toBeUndefined();
  });
});
