import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalIpv6 } from "../../src/message/host.js";
import {
  parseAddress,
  parseListen,
  parseNetwork,
  parseStore,
  showListen,
} from "../../src/server/config-values.js";
import { nearest } from "../../src/server/nearest.js";

describe("listen URI", () => {
  test.each([
    ["udp:127.0.0.1:5060", "udp", "127.0.0.1", 5060],
    ["UDP:127.0.0.1:5060", "udp", "127.0.0.1", 5060],
    ["tcp:[::1]:0", "tcp", "::1", 0],
    ["tls:sip.example.com", "tls", "sip.example.com", 5061],
    ["ws:0.0.0.0", "ws", "0.0.0.0", 5066],
    ["wss:[::]", "wss", "::", 5067],
    ["udp://127.0.0.1:5070", "udp", "127.0.0.1", 5070],
  ])("%s", (text, transport, host, port) => {
    expect(parseListen(text)).toEqual({ value: { transport, host, port } });
  });

  test.each([
    "",
    "udp",
    "udp:",
    "sctp:1.2.3.4:5",
    "udp:1.2.3.4:65536",
    "udp:1.2.3.4:x",
    "udp:1.2.3.4:",
    "udp:1.2.3.999:5",
    "udp:[::1:5",
    "udp:::1:5",
    "udp:a b:5",
  ])("refused: %s", (text) => expect(parseListen(text)).toHaveProperty("problem"));

  test("what is shown is read back the same", () => {
    const address = fc.record({
      transport: fc.constantFrom(
        "udp" as const,
        "tcp" as const,
        "tls" as const,
        "ws" as const,
        "wss" as const,
      ),
      host: fc.oneof(
        fc.ipV4(),
        fc.ipV6().map((text) => canonicalIpv6(text)!),
      ),
      port: fc.integer({ min: 0, max: 65_535 }),
    });
    fc.assert(
      fc.property(address, (value) => {
        expect(parseListen(showListen(value))).toEqual({ value });
      }),
    );
  });

  test("no text makes a parser throw", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const parse of [parseListen, parseAddress, parseStore, parseNetwork]) {
          expect(Object.keys(parse(text))).toHaveLength(1);
        }
      }),
    );
  });
});

test.each([
  ["memory:", { value: { kind: "memory" } }],
  ["lmdb:./data", { value: { kind: "lmdb", directory: "./data" } }],
  ["lmdb:///var/lib/rollcall", { value: { kind: "lmdb", directory: "/var/lib/rollcall" } }],
  [
    "redis+cluster://a:1,b:2",
    { problem: "Redis stores are not built into this version; use lmdb:DIR or memory:" },
  ],
  ["rediss://a:1/0", { problem: "Redis stores are not built into this version; use lmdb:DIR or memory:" }],
  ["lmdb:", { problem: "lmdb: names no folder; expected lmdb:DIR" }],
])("store %s", (text, expected) => expect(parseStore(text)).toEqual(expected));

test.each(["10.0.0.0/8", "10.1.2.3", "2001:db8::/32", "::1"])("network %s", (text) => {
  expect(parseNetwork(text)).toEqual({ value: text });
});

test.each(["10.0.0.0/33", "10.0.0", "::1/129", "example.com", "", "10.0.0.0/"])("no network: %s", (text) => {
  expect(parseNetwork(text)).toHaveProperty("problem");
});

test.each([
  ["lisen", "listen"],
  ["Domain", "domains"],
  ["exipres", "expires"],
  ["zzzzzz", undefined],
  ["x".repeat(100_000), undefined],
])("nearest to %.20s", (word, expected) => {
  expect(nearest(word, ["listen", "domains", "expires", "open"])).toBe(expected);
});
