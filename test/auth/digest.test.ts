import { describe, expect, it } from "vitest";
import { digestResponse, ha1For, utf8Octets } from "../../src/auth/digest.js";
import { nodeHasher } from "../../src/server/hasher.js";

const hasher = nodeHasher();

describe("RFC 7616 §3.4: responses of the published examples", () => {
  const mufasa = { user: "Mufasa", realm: "http-auth@example.org", password: "Circle of Life" };
  const web = {
    method: "GET",
    uri: "/dir/index.html",
    nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    qop: "auth",
    nc: "00000001",
    cnonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    body: "",
    session: false,
  } as const;

  it.each([
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
  ] as const)("§3.9.1 with %s", (algorithm, response) => {
    expect(digestResponse(hasher, algorithm, ha1For(hasher, mufasa, algorithm), web)).toBe(response);
  });

  it("§3.9.2 with SHA-512-256, as erratum 4897 corrects it: SHA-512/256 and no cut SHA-512", () => {
    const doe = { user: "J\u00e4s\u00f8n Doe", realm: "api@example.org", password: "Secret, or not?" };
    const response = digestResponse(hasher, "SHA-512-256", ha1For(hasher, doe, "SHA-512-256"), {
      method: "GET",
      uri: "/doe.json",
      nonce: "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
      qop: "auth",
      nc: "00000001",
      cnonce: "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v",
      body: "",
      session: false,
    });
    expect(response).toBe("3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5");
  });

  it("the example of RFC 2617 §3.5, whose nonce and cnonce came without quotes on them", () => {
    const account = { user: "Mufasa", realm: "testrealm@host.com", password: "Circle Of Life" };
    const response = digestResponse(hasher, "MD5", ha1For(hasher, account, "MD5"), {
      method: "GET",
      uri: "/dir/index.html",
      nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
      qop: "auth",
      nc: "00000001",
      cnonce: "0a4f113b",
      body: "",
      session: false,
    });
    expect(response).toBe("6629fae49393a05397450978507c4ef1");
  });

  it("RFC 2069 §2.4 as its errata correct it: without qop, nc and cnonce", () => {
    const account = { user: "Mufasa", realm: "testrealm@host.com", password: "CircleOfLife" };
    const response = digestResponse(hasher, "MD5", ha1For(hasher, account, "MD5"), {
      method: "GET",
      uri: "/dir/index.html",
      nonce: "dcd98b7102dd2f0e8b11d0f600bfb0c093",
      qop: null,
      nc: "",
      cnonce: "",
      body: "",
      session: false,
    });
    expect(response).toBe("1949323746fe6a43ef61f9606e7febea");
  });
});

describe("RFC 7616 §3.4.2, §3.4.3: the variants, each by its own formula", () => {
  const h = (text: string): string => hasher.digest("SHA-256", text);
  const ha1 = h("alice:example.com:secret");
  const input = {
    method: "REGISTER",
    uri: "sip:example.com",
    nonce: "n",
    nc: "00000002",
    cnonce: "c",
    body: "v=0\r\n",
  } as const;

  it("-sess hashes HA1 with nonce and cnonce", () => {
    const expected = h(`${h(`${ha1}:n:c`)}:n:00000002:c:auth:${h("REGISTER:sip:example.com")}`);
    expect(digestResponse(hasher, "SHA-256", ha1, { ...input, qop: "auth", session: true })).toBe(expected);
  });

  it("auth-int hashes the body", () => {
    const ha2 = h(`REGISTER:sip:example.com:${h("v=0\r\n")}`);
    const expected = h(`${ha1}:n:00000002:c:auth-int:${ha2}`);
    expect(digestResponse(hasher, "SHA-256", ha1, { ...input, qop: "auth-int", session: false })).toBe(
      expected,
    );
  });

  it("RFC 8760 §2.6 item 7: an empty body is hashed as the empty string", () => {
    const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    const expected = h(`${ha1}:n:00000002:c:auth-int:${h(`REGISTER:sip:example.com:${empty}`)}`);
    const response = digestResponse(hasher, "SHA-256", ha1, {
      ...input,
      body: "",
      qop: "auth-int",
      session: false,
    });
    expect(response).toBe(expected);
  });
});

describe("RFC 7616 §4: names and passwords are hashed as UTF-8", () => {
  it.each([
    ["ASCII stays", "alice", "alice"],
    ["two octets", "\u00e4", "\u00c3\u00a4"],
    ["four octets", "\u{1f600}", "\u00f0\u009f\u0098\u0080"],
    ["a percent sign is no escape", "100%41", "100%41"],
    ["a lone surrogate becomes U+FFFD", "\ud800", "\u00ef\u00bf\u00bd"],
  ])("%s", (_, text, octets) => {
    expect(utf8Octets(text)).toBe(octets);
  });

  it("a password beyond ASCII", () => {
    const ha1 = ha1For(hasher, { user: "alice", realm: "example.com", password: "gr\u00fcn" }, "MD5");
    expect(ha1).toBe(hasher.digest("MD5", "alice:example.com:gr\u00c3\u00bcn"));
  });
});
