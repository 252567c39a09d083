import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromBase64Url, octetsOfHex, toBase64Url } from "../../src/extension/base64url.js";
import { flowTokens } from "../../src/extension/flow-token.js";
import { createSealer } from "../../src/extension/seal.js";
import { parseSipUri } from "../../src/message/uri.js";
import { nodeHasher } from "../../src/server/hasher.js";
import { manualClock } from "../../src/testing/clock.js";
import { recordingLeg, testDispatcher, testFlow } from "../registrar/rig.js";

const hasher = nodeHasher();
const octets = fc.uint8Array({ maxLength: 80 }).map((bytes) => String.fromCharCode(...bytes));
const NONCE = "000102030405060708090a0b";

/** Every text that differs from `text` in one character of its alphabet, at one place. */
const tampered = (text: string): string[] =>
  [...text].map((char, i) => text.slice(0, i) + (char === "A" ? "B" : "A") + text.slice(i + 1));

describe("base64url (RFC 4648 §5)", () => {
  it.each([
    ["", ""],
    ["f", "Zg"],
    ["fo", "Zm8"],
    ["foo", "Zm9v"],
    ["foobar", "Zm9vYmFy"],
    ["\xfb\xff\xfe", "-__-"],
  ])("%j is %j (§10)", (plain, encoded) => {
    expect(toBase64Url(plain)).toBe(encoded);
    expect(fromBase64Url(encoded)).toBe(plain);
  });

  it("comes back as it went, for any octets, and needs no escape in a user part", () => {
    fc.assert(
      fc.property(octets, (text) => {
        const encoded = toBase64Url(text);
        expect(fromBase64Url(encoded)).toBe(text);
        if (text.length > 0) expect(parseSipUri(`sip:${encoded}@example.com`)?.user).toBe(encoded);
      }),
    );
  });

  it.each(["Z", "Zg==", "Zh", "Zm9", "Zm 8", "Zm+v", "Zm/v", "\u0100\u0100"])(
    "%j is none: there is one text for each octet string",
    (text) => {
      expect(fromBase64Url(text)).toBeUndefined();
    },
  );

  it("octets of hexadecimal digits", () => {
    expect(octetsOfHex("00ff41")).toBe("\x00\xffA");
  });
});

describe("sealed tokens", () => {
  const sealer = createSealer(hasher, "key", "test");

  it("open to what was sealed", () => {
    const plain = octets.map((text) => text.replaceAll("\0", ""));
    fc.assert(
      fc.property(plain, (text) => {
        expect(sealer.open(sealer.seal(text, NONCE))).toBe(text);
      }),
    );
  });

  it("show neither the text nor its length, and another nonce gives another token of the same text", () => {
    const token = sealer.seal("sip:alice@example.com", NONCE);
    expect(fromBase64Url(token)).not.toContain("alice");
    expect(token).toHaveLength(sealer.seal("", NONCE).length);
    const other = sealer.seal("sip:alice@example.com", "ff0102030405060708090a0b");
    const shared = [...token].filter((char, i) => other[i] === char).length;
    expect(shared).toBeLessThan(token.length / 4);
  });

  it("cannot be changed, cut or moved to another purpose or key", () => {
    const token = sealer.seal("sip:alice@example.com", NONCE);
    for (const text of [...tampered(token), "", "A", token.slice(0, -1), `${token}A`, token.slice(4)])
      expect(sealer.open(text)).toBeUndefined();
    expect(createSealer(hasher, "key", "other").open(token)).toBeUndefined();
    expect(createSealer(hasher, "another key", "test").open(token)).toBeUndefined();
  });
});

describe("C6: flow tokens (RFC 5626 §5.2, §5.3.1)", () => {
  const tokens = flowTokens(hasher, "secret");
  const leg = recordingLeg("tcp");
  const udp = recordingLeg("udp");
  const dispatcher = testDispatcher(leg, manualClock());
  const withUdp = { ...dispatcher, legs: [leg, udp] };
  const connection = () => testFlow({ transport: "tcp", token: "tcp:4f2a:1" });

  it("a live connection is found by its token, with the leg that owns it", () => {
    const flow = connection();
    dispatcher.open(flow, leg);
    expect(tokens.find(tokens.sign(flow), dispatcher)).toEqual({ ok: true, flow, leg });
  });

  it("a dead one is 430, also while somebody still remembers it", () => {
    const flow = connection();
    const user = tokens.sign(flow);
    dispatcher.open(flow, leg);
    flow.alive = false;
    expect(tokens.find(user, dispatcher)).toMatchObject({ ok: false, status: 430, reason: "Flow Failed" });
    dispatcher.kill(flow);
    expect(tokens.find(user, dispatcher)).toMatchObject({ ok: false, status: 430 });
  });

  it("one that was tampered with is 403, at whatever place", () => {
    const flow = connection();
    dispatcher.open(flow, leg);
    for (const user of [...tampered(tokens.sign(flow)), "", "alice", "****"])
      expect(tokens.find(user, dispatcher)).toMatchObject({ ok: false, status: 403 });
    const forged = flowTokens(hasher, "guess").sign(flow);
    expect(tokens.read(forged)).toMatchObject({ ok: false, status: 403 });
  });

  it("a UDP flow leads to the peer over the leg that its NAT knows", () => {
    const flow = testFlow();
    expect(tokens.read(tokens.sign(flow))).toEqual({
      ok: true,
      kind: "udp",
      remote: { address: "198.51.100.4", port: 61_002 },
      local: { address: "192.0.2.1", port: 5060 },
    });
    expect(tokens.find(tokens.sign(flow), withUdp)).toMatchObject({
      ok: true,
      leg: udp,
      flow: { address: "198.51.100.4", port: 61_002 },
    });
    const elsewhere = testFlow({ local: { address: "192.0.2.99", port: 5060 } });
    expect(tokens.find(tokens.sign(elsewhere), withUdp)).toMatchObject({ ok: false, status: 430 });
  });

  it("is unique to its flow, and good as a user part as it is", () => {
    const flows = [
      testFlow(),
      testFlow({ port: 61_003 }),
      testFlow({ address: "2001:db8::1" }),
      testFlow({ local: { address: "192.0.2.1", port: 5080 } }),
      connection(),
      testFlow({ transport: "tcp", token: "tcp:4f2a:2" }),
    ];
    const users = flows.map((flow) => tokens.sign(flow));
    expect(new Set(users).size).toBe(flows.length);
    for (const user of users) expect(parseSipUri(`sip:${user}@192.0.2.1;lr`)?.user).toBe(user);
  });
});
