import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type MaybePromise, type Result, together } from "../../src/message/result.js";
import { parseSipUri } from "../../src/message/uri.js";
import { parseVia } from "../../src/message/via.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import {
  createResolver,
  type ResolveOptions,
  type Resolver,
  type ResolverOptions,
  type Target,
} from "../../src/transport/resolve.js";
import { nodeDns } from "../../src/transport/resolve-dns.js";
import { NameServer, type Zone } from "./name-server.js";

let server: NameServer;
beforeAll(async () => {
  server = await NameServer.start();
});
afterAll(() => server.close());

/** A resolver that asks the name server of this test; what is given replaces what is here. */
function resolver(given: Partial<ResolverOptions> = {}): Resolver {
  return createResolver({
    dns: nodeDns({ servers: [server.address], timeoutMs: 60, tries: 1 }),
    clock: manualClock(),
    entropy: seededEntropy(1),
    transports: ["udp", "tcp", "tls"],
    ...given,
  });
}

/** `transport address port`, and the name to verify where there is one; status and reason of what failed. */
function told(result: Result<readonly Target[]>): string[] {
  if (!result.ok) return [`${result.status} ${result.reason}`];
  return result.value.map(({ transport, address, port, serverName }) =>
    [transport, address, port, ...(serverName === undefined ? [] : [serverName])].join(" "),
  );
}

function resolve(
  uri: string,
  given: Partial<ResolverOptions> & { readonly how?: ResolveOptions; readonly by?: Resolver } = {},
): MaybePromise<Result<readonly Target[]>> {
  const { how, by, ...options } = given;
  return (by ?? resolver(options)).resolve(parseSipUri(uri)!, how);
}

describe("RFC 3263 §4.1, §4.2: an address is no question", () => {
  const rows: readonly (readonly [uri: string, expected: string, options?: Partial<ResolverOptions>])[] = [
    ["sip:192.0.2.1", "udp 192.0.2.1 5060"],
    ["sip:a@192.0.2.1:5070", "udp 192.0.2.1 5070"],
    ["sip:[2001:db8::1]", "udp 2001:db8::1 5060"],
    ["sip:[2001:db8::1]:5070", "udp 2001:db8::1 5070"],
    ["sip:192.0.2.1;transport=TCP", "tcp 192.0.2.1 5060"],
    ["sip:192.0.2.1;transport=tls", "tls 192.0.2.1 5061"],
    ["sips:192.0.2.1", "tls 192.0.2.1 5061"],
    ["sips:192.0.2.1:5070;transport=tcp", "tls 192.0.2.1 5070"],
    ["sip:192.0.2.1;transport=ws", "ws 192.0.2.1 80", { transports: ["ws", "wss"] }],
    ["sip:192.0.2.1;transport=wss", "wss 192.0.2.1 443", { transports: ["ws", "wss"] }],
    ["sips:192.0.2.1;transport=ws", "wss 192.0.2.1 443", { transports: ["ws", "wss"] }],
    ["sip:example.com;maddr=192.0.2.9", "udp 192.0.2.9 5060"],
    ["sip:example.com:5070;maddr=[2001:db8::9];transport=tcp", "tcp 2001:db8::9 5070"],
    ["sips:example.com;maddr=192.0.2.9", "tls 192.0.2.9 5061 example.com"],
    ["sip:192.0.2.1", "tcp 192.0.2.1 5060", { transports: ["tls", "tcp"] }],
    ["sip:192.0.2.1;transport=sctp", "503 No Transport To Next Hop"],
    ["sip:192.0.2.1;transport=ws", "503 No Transport To Next Hop"],
    ["sips:192.0.2.1;transport=udp", "503 No Transport To Next Hop"],
    ["sips:192.0.2.1", "503 No Transport To Next Hop", { transports: ["udp", "tcp"] }],
    ["sip:192.0.2.1", "503 No Transport To Next Hop", { transports: ["tls"] }],
    ["sip:example.com;maddr=a_b!", "404 Host Not Found"],
    // RFC 6761 §6.3
    ["sip:localhost:5070", "udp 127.0.0.1 5070,udp ::1 5070"],
    ["sips:a.localhost", "tls ::1 5061 a.localhost", { families: [6] }],
  ];
  it.each(rows.map(([uri, expected, options]) => ({ uri, expected, options })))(
    "$uri is $expected",
    ({ uri, expected, options }) => {
      server.serve({});
      const result = resolve(uri, options);
      expect(result).not.toBeInstanceOf(Promise);
      expect(told(result as Result<readonly Target[]>).join()).toBe(expected);
      expect(server.asked).toEqual([]);
    },
  );

  it("secure by demand, and with fewer transports for one request", () => {
    expect(told(resolve("sip:192.0.2.1", { how: { secure: true } }) as Result<readonly Target[]>)).toEqual([
      "tls 192.0.2.1 5061",
    ]);
    expect(
      told(resolve("sip:192.0.2.1", { how: { transports: ["tcp"] } }) as Result<readonly Target[]>),
    ).toEqual(["tcp 192.0.2.1 5060"]);
  });
});

const hosts: Zone = {
  "one.example.com": { A: ["192.0.2.1"] },
  "two.example.com": { A: ["192.0.2.2"], AAAA: ["2001:db8::2"] },
};

describe("RFC 3263 §4.1 to §4.3: a name", () => {
  it.each<readonly [string, string, Zone, readonly string[], readonly string[]]>([
    [
      "with a port: its addresses, and nothing but those",
      "sip:two.example.com:5070",
      { ...hosts, "_sip._udp.two.example.com": { SRV: ["0 0 9 one.example.com"] } },
      ["udp 192.0.2.2 5070", "udp 2001:db8::2 5070"],
      ["A two.example.com", "AAAA two.example.com"],
    ],
    [
      "with a transport: its SRV records, no NAPTR",
      "sip:example.com;transport=tcp",
      {
        ...hosts,
        "_sip._tcp.example.com": { SRV: ["1 0 5062 two.example.com", "0 0 5061 one.example.com"] },
      },
      ["tcp 192.0.2.1 5061", "tcp 192.0.2.2 5062", "tcp 2001:db8::2 5062"],
      [
        "SRV _sip._tcp.example.com",
        "A one.example.com",
        "AAAA one.example.com",
        "A two.example.com",
        "AAAA two.example.com",
      ],
    ],
    [
      "with a transport and no SRV records: its addresses at the default port",
      "sip:one.example.com;transport=tls",
      hosts,
      ["tls 192.0.2.1 5061 one.example.com"],
      ["SRV _sips._tcp.one.example.com", "A one.example.com", "AAAA one.example.com"],
    ],
    [
      "with port and transport",
      "sip:one.example.com:5070;transport=tcp",
      hosts,
      ["tcp 192.0.2.1 5070"],
      ["A one.example.com", "AAAA one.example.com"],
    ],
    [
      "with NAPTR: what the domain prefers of what we have (§4.1 example)",
      "sip:user@example.com",
      {
        ...hosts,
        "example.com": {
          NAPTR: [
            "100 50 s SIP+D2U _sip._udp.example.com",
            "90 50 s SIP+D2T _sip._tcp.example.org",
            "50 50 s SIPS+D2X _sips._x.example.com",
            "40 50 s SIP+D2S _sip._sctp.example.com",
            "30 50 u SIP+D2T _sip._tcp.example.com",
            "20 50 s E2U+sip _sip._tcp.example.com",
          ],
        },
        "_sip._tcp.example.org": { SRV: ["0 1 5060 one.example.com"] },
      },
      ["tcp 192.0.2.1 5060"],
      ["NAPTR example.com", "SRV _sip._tcp.example.org", "A one.example.com", "AAAA one.example.com"],
    ],
    [
      "with NAPTR: TLS for a SIP URI when the domain prefers it, verified by the domain (RFC 5922 §7.3)",
      "sip:example.com",
      {
        ...hosts,
        "example.com": {
          NAPTR: ["50 50 S sips+d2t _sips._tcp.example.com", "90 50 s SIP+D2U _sip._udp.example.com"],
        },
        "_sips._tcp.example.com": { SRV: ["0 0 5061 one.example.com"] },
      },
      ["tls 192.0.2.1 5061 example.com"],
      ["NAPTR example.com", "SRV _sips._tcp.example.com", "A one.example.com", "AAAA one.example.com"],
    ],
    [
      "with NAPTR: by preference within one order; one that leads nowhere is passed over",
      "sip:example.com",
      {
        ...hosts,
        "example.com": {
          NAPTR: ["10 20 s SIP+D2U _sip._udp.example.com", "10 10 s SIP+D2T _sip._tcp.example.com"],
        },
        "_sip._udp.example.com": { SRV: ["0 0 5060 one.example.com"] },
        "_sip._tcp.example.com": { SRV: ["0 0 5060 gone.example.com"] },
      },
      ["udp 192.0.2.1 5060"],
      [
        "NAPTR example.com",
        "SRV _sip._tcp.example.com",
        "A gone.example.com",
        "AAAA gone.example.com",
        "SRV _sip._udp.example.com",
        "A one.example.com",
        "AAAA one.example.com",
      ],
    ],
    [
      "SIPS discards what is not SIPS, and asks for nothing in the clear",
      "sips:example.com",
      {
        ...hosts,
        "example.com": { NAPTR: ["10 10 s SIP+D2T _sip._tcp.example.com"] },
        "_sip._tcp.example.com": { SRV: ["0 0 5060 one.example.com"] },
        "_sips._tcp.example.com": { SRV: ["0 0 5063 two.example.com"] },
      },
      ["tls 192.0.2.2 5063 example.com", "tls 2001:db8::2 5063 example.com"],
      ["NAPTR example.com", "SRV _sips._tcp.example.com", "A two.example.com", "AAAA two.example.com"],
    ],
    [
      "without NAPTR: SRV of each transport for the scheme, ours preferred first",
      "sip:example.com",
      {
        ...hosts,
        "example.com": { A: ["192.0.2.9"] },
        "_sip._tcp.example.com": { SRV: ["0 0 5060 one.example.com"] },
        "_sips._tcp.example.com": { SRV: ["0 0 5061 two.example.com"] },
      },
      ["tcp 192.0.2.1 5060"],
      [
        "NAPTR example.com",
        "SRV _sip._udp.example.com",
        "SRV _sip._tcp.example.com",
        "A one.example.com",
        "AAAA one.example.com",
      ],
    ],
    [
      "without NAPTR and SRV: its addresses, over UDP",
      "sip:two.example.com",
      hosts,
      ["udp 192.0.2.2 5060", "udp 2001:db8::2 5060"],
      [
        "NAPTR two.example.com",
        "SRV _sip._udp.two.example.com",
        "SRV _sip._tcp.two.example.com",
        "A two.example.com",
        "AAAA two.example.com",
      ],
    ],
    [
      "without NAPTR and SRV, SIPS: its addresses, over TLS",
      "sips:one.example.com",
      hosts,
      ["tls 192.0.2.1 5061 one.example.com"],
      [
        "NAPTR one.example.com",
        "SRV _sips._tcp.one.example.com",
        "A one.example.com",
        "AAAA one.example.com",
      ],
    ],
    [
      "RFC 2782: a domain that says it offers no such service is not asked for its addresses",
      "sip:example.com;transport=tcp",
      { "example.com": { A: ["192.0.2.9"] }, "_sip._tcp.example.com": { SRV: ["0 0 0 ."] } },
      ["404 Host Not Found"],
      ["SRV _sip._tcp.example.com"],
    ],
    [
      "aliases are followed, twins are named once",
      "sip:example.com;transport=udp",
      {
        ...hosts,
        "alias.example.com": { CNAME: "one.example.com" },
        "_sip._udp.example.com": { SRV: ["0 0 5060 alias.example.com", "1 0 5060 one.example.com"] },
      },
      ["udp 192.0.2.1 5060"],
      [
        "SRV _sip._udp.example.com",
        "A alias.example.com",
        "AAAA alias.example.com",
        "A one.example.com",
        "AAAA one.example.com",
      ],
    ],
    [
      "nobody knows: 404",
      "sip:nowhere.example.com:5060",
      {},
      ["404 Host Not Found"],
      ["A nowhere.example.com", "AAAA nowhere.example.com"],
    ],
    [
      "a maddr that is a name is asked for instead of the host, which is still the name to verify",
      "sips:example.com:5070;maddr=one.example.com",
      hosts,
      ["tls 192.0.2.1 5070 example.com"],
      ["A one.example.com", "AAAA one.example.com"],
    ],
  ])("%s", async (_, uri, zone, targets, asked) => {
    server.serve(zone);
    expect(told(await resolve(uri))).toEqual(targets);
    expect([...server.asked].sort()).toEqual([...asked].sort());
  });

  it("only in the families that there is a leg for", async () => {
    server.serve(hosts);
    expect(told(await resolve("sip:two.example.com:5070", { families: [6, 4] }))).toEqual([
      "udp 2001:db8::2 5070",
      "udp 192.0.2.2 5070",
    ]);
    server.serve(hosts);
    expect(told(await resolve("sip:two.example.com:5070", { families: [4] }))).toEqual([
      "udp 192.0.2.2 5070",
    ]);
    expect(server.asked).toEqual(["A two.example.com"]);
  });

  it("never more than 32 targets of 16 records", async () => {
    const records = Array.from({ length: 20 }, (_, i) => `0 1 ${6000 + i} many.example.com`);
    server.serve({
      "_sip._udp.example.com": { SRV: records },
      "many.example.com": { A: ["192.0.2.1", "192.0.2.2", "192.0.2.3"] },
    });
    const targets = told(await resolve("sip:example.com;transport=udp"));
    expect(targets).toHaveLength(32);
    expect(new Set(targets).size).toBe(32);
  });
});

describe("a name service in trouble", () => {
  it.each<readonly [string, string, Zone, readonly string[]]>([
    [
      "NAPTR fails: SRV records do",
      "sip:example.com",
      {
        ...hosts,
        "example.com": { trouble: "servfail" },
        "_sip._udp.example.com": { SRV: ["0 0 5060 one.example.com"] },
      },
      ["udp 192.0.2.1 5060"],
    ],
    [
      "all fails: 503, for nobody knows whether the host is there",
      "sip:example.com",
      {
        "example.com": { trouble: "servfail" },
      },
      ["503 No Answer From Name Service"],
    ],
    [
      "all is refused: 503",
      "sip:example.com:5060",
      { "example.com": { trouble: "refused" } },
      ["503 No Answer From Name Service"],
    ],
    [
      "no answer in time: 503",
      "sip:example.com:5060",
      { "example.com": { trouble: "silent" } },
      ["503 No Answer From Name Service"],
    ],
    [
      "one target of SRV fails: the others do",
      "sip:example.com;transport=udp",
      {
        ...hosts,
        "_sip._udp.example.com": { SRV: ["0 0 5060 sick.example.com", "1 0 5060 one.example.com"] },
        "sick.example.com": { trouble: "silent" },
      },
      ["udp 192.0.2.1 5060"],
    ],
  ])("%s", async (_, uri, zone, expected) => {
    server.serve(zone);
    expect(told(await resolve(uri))).toEqual(expected);
  });
});

describe("a domain that offers much", () => {
  const services = Array.from({ length: 20 }, (_, i) => `${i} 0 s SIP+D2T _sip._tcp.${i}.example.com`);

  it("is asked for the SRV records of the eight services it prefers, and then by name", async () => {
    server.serve({ "example.com": { A: ["192.0.2.9"], NAPTR: services } });
    expect(told(await resolve("sip:example.com", { families: [4] }))).toEqual(["udp 192.0.2.9 5060"]);
    expect(server.asked.filter((query) => /SRV .*\.\d+\.example/.test(query))).toHaveLength(8);
  });

  it("is not asked for the next when the name service falls silent at one", async () => {
    server.serve({
      "example.com": { A: ["192.0.2.9"], NAPTR: services },
      "_sip._tcp.0.example.com": { trouble: "silent" },
    });
    expect(told(await resolve("sip:example.com", { families: [4] }))).toEqual(["udp 192.0.2.9 5060"]);
    expect(server.asked).not.toContain("SRV _sip._tcp.1.example.com");
  });
});

describe("what is kept", () => {
  it("is answered at once and asked for no more, until its time is up", async () => {
    const clock = manualClock();
    const by = resolver({ clock });
    server.serve({
      "example.com": { NAPTR: ["1 1 s SIP+D2U _sip._udp.example.com"] },
      "_sip._udp.example.com": { SRV: ["0 0 5060 short.example.com"] },
      "short.example.com": { A: ["192.0.2.1"], ttlSec: 20 },
    });
    const first = await resolve("sip:example.com", { by });
    expect(told(first)).toEqual(["udp 192.0.2.1 5060"]);
    server.asked.length = 0;
    expect(resolve("sip:example.com", { by })).toEqual(first);
    clock.advance(9_999);
    expect(resolve("sip:example.com", { by })).toEqual(first);
    expect(server.asked).toEqual([]);
    // the absence of AAAA is kept 10 s, the A record its own 20, the others 60
    clock.advance(1);
    await resolve("sip:example.com", { by });
    clock.advance(10_000);
    await resolve("sip:example.com", { by });
    clock.advance(40_000);
    await resolve("sip:example.com", { by });
    expect(server.asked).toEqual([
      "AAAA short.example.com",
      "A short.example.com",
      "AAAA short.example.com",
      "NAPTR example.com",
      "SRV _sip._udp.example.com",
      "A short.example.com",
      "AAAA short.example.com",
    ]);
  });

  it("is no longer than the most, whatever a TTL says", async () => {
    const clock = manualClock();
    const by = resolver({ clock, cacheSec: 30, families: [4] });
    server.serve({ "long.example.com": { A: ["192.0.2.1"], ttlSec: 86_400 } });
    await resolve("sip:long.example.com:1", { by });
    clock.advance(30_000);
    await resolve("sip:long.example.com:1", { by });
    expect(server.asked).toHaveLength(2);
  });

  it("does a while longer when the name service falls silent", async () => {
    const clock = manualClock();
    const by = resolver({ clock, families: [4], staleSec: 100 });
    server.serve({ "example.com": { A: ["192.0.2.1"] } });
    await resolve("sip:example.com:1", { by });
    server.serve({ "example.com": { trouble: "servfail" } });
    clock.advance(60_000);
    expect(told(await resolve("sip:example.com:1", { by }))).toEqual(["udp 192.0.2.1 1"]);
    // for some seconds it is not asked again
    expect(resolve("sip:example.com:1", { by })).not.toBeInstanceOf(Promise);
    clock.advance(99_999);
    expect(told(await resolve("sip:example.com:1", { by }))).toEqual(["udp 192.0.2.1 1"]);
    clock.advance(5_000);
    expect(told(await resolve("sip:example.com:1", { by }))).toEqual(["503 No Answer From Name Service"]);
  });

  it("is asked for once by many at a time", async () => {
    const by = resolver({ families: [4] });
    server.serve({ "example.com": { A: ["192.0.2.1"] } });
    const all = await together(Array.from({ length: 50 }, () => resolve("sip:example.com:1", { by })));
    expect(all.map(told)).toEqual(all.map(() => ["udp 192.0.2.1 1"]));
    expect(server.asked).toEqual(["A example.com"]);
  });
});

describe("§4.3: what failed comes last", () => {
  const zone: Zone = {
    "_sip._udp.example.com": { SRV: ["0 0 5060 one.example.com", "1 0 5060 two.example.com"] },
    "one.example.com": { A: ["192.0.2.1"] },
    "two.example.com": { A: ["192.0.2.2"] },
  };
  const first = { transport: "udp", address: "192.0.2.1", port: 5060 } as const;
  const inOrder = ["udp 192.0.2.1 5060", "udp 192.0.2.2 5060"];

  it("until its time is up, by default 30 s", async () => {
    const clock = manualClock();
    const by = resolver({ clock });
    const targets = async () => told(await resolve("sip:example.com;transport=udp", { by }));
    server.serve(zone);
    by.markFailed(first);
    expect(await targets()).toEqual(inOrder.toReversed());
    clock.advance(29_999);
    expect(await targets()).toEqual(inOrder.toReversed());
    clock.advance(1);
    expect(await targets()).toEqual(inOrder);
  });

  it("as long as Retry-After says, but never above 300 s", async () => {
    const clock = manualClock();
    const by = resolver({ clock });
    const targets = async () => told(await resolve("sip:example.com;transport=udp", { by }));
    server.serve(zone);
    by.markFailed(first, 100_000);
    clock.advance(299_999);
    expect(await targets()).toEqual(inOrder.toReversed());
    clock.advance(1);
    expect(await targets()).toEqual(inOrder);
  });

  it("in their own order when all failed; another port or transport is another target", async () => {
    const by = resolver();
    server.serve(zone);
    by.markFailed({ ...first, port: 5061 });
    by.markFailed({ ...first, transport: "tcp" });
    expect(told(await resolve("sip:example.com;transport=udp", { by }))).toEqual(inOrder);
    by.markFailed({ ...first, address: "192.0.2.2" });
    by.markFailed(first);
    expect(told(await resolve("sip:example.com;transport=udp", { by }))).toEqual(inOrder);
  });
});

describe("§4.4: the same order each time for a stateless proxy", () => {
  it("whatever the weights, the name server's order, and what failed", async () => {
    const srv = [
      "0 1 5060 b.example.com",
      "0 1 5060 a.example.com",
      "0 9 5060 c.example.com",
      "0 1 5059 b.example.com",
    ];
    const orders = new Set<string>();
    for (let seed = 0; seed < 10; seed++) {
      const turned = [...srv.slice(seed % 4), ...srv.slice(0, seed % 4)];
      server.serve({
        "_sip._udp.example.com": { SRV: turned },
        "a.example.com": { A: ["192.0.2.1"] },
        "b.example.com": { A: seed % 2 === 0 ? ["192.0.2.2", "192.0.2.22"] : ["192.0.2.22", "192.0.2.2"] },
        "c.example.com": { A: ["192.0.2.3"] },
      });
      const by = resolver({ entropy: seededEntropy(seed) });
      by.markFailed({ transport: "udp", address: "192.0.2.3", port: 5060 });
      orders.add(told(await resolve("sip:example.com;transport=udp", { by, how: { stable: true } })).join());
    }
    expect([...orders]).toEqual([
      "udp 192.0.2.3 5060,udp 192.0.2.1 5060,udp 192.0.2.2 5059,udp 192.0.2.22 5059,udp 192.0.2.2 5060,udp 192.0.2.22 5060",
    ]);
  });
});

describe("§5: where a response goes when its connection is gone", () => {
  const zone: Zone = {
    "client.example.com": { A: ["192.0.2.7"] },
    "_sips._tcp.client.example.com": { SRV: ["0 0 5071 client.example.com"] },
  };
  it.each([
    ["SIP/2.0/TCP 192.0.2.1", "tcp 192.0.2.1 5060"],
    ["SIP/2.0/TLS 192.0.2.1:5071", "tls 192.0.2.1 5071"],
    ["SIP/2.0/TCP client.example.com:5070", "tcp 192.0.2.7 5070"],
    ["SIP/2.0/TLS client.example.com", "tls 192.0.2.7 5071 client.example.com"],
    ["SIP/2.0/UDP client.example.com", "udp 192.0.2.7 5060"],
    ["SIP/2.0/SCTP 192.0.2.1", "503 No Transport To Next Hop"],
    ["SIP/2.0/WS 192.0.2.1", "503 No Transport To Next Hop"],
  ])("%s: %s", async (via, expected) => {
    server.serve(zone);
    expect(told(await resolver({ families: [4] }).resolveVia(parseVia(via)!))).toEqual([expected]);
  });
});

describe("names that only the system knows", () => {
  it.each<readonly [string, Zone]>([
    ["DNS knows nothing", {}],
    ["DNS fails", { localhost: { trouble: "servfail" } }],
  ])("are found in the hosts file when %s", async (_, zone) => {
    server.serve(zone);
    const dns = nodeDns({ servers: [server.address], timeoutMs: 60, tries: 1, system: true });
    expect((await dns.addresses("localhost", 4)).map(({ address }) => address)).toContain("127.0.0.1");
  });

  it("are not looked for when name servers were named", async () => {
    server.serve({});
    expect(await nodeDns({ servers: [server.address], tries: 1 }).addresses("localhost", 4)).toEqual([]);
  });
});
