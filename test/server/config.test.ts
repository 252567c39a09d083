import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { acceptsAnybody, type ConfigFlags, type ServerConfig } from "../../src/server/config.js";
import { ConfigError } from "../../src/server/config-error.js";
import { loadConfig } from "../../src/server/config-load.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-config-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function fileOf(yaml: string): string {
  const file = join(folder, `c${++files}.yaml`);
  writeFileSync(file, yaml);
  return file;
}

function load(yaml: string, flags: ConfigFlags = {}): ServerConfig {
  return loadConfig(fileOf(yaml), flags);
}

/** Every problem of a configuration, the folder's name left out. */
function problemsOf(yaml: string, flags: ConfigFlags = {}): string[] {
  const file = fileOf(yaml);
  try {
    loadConfig(file, flags);
  } catch (error) {
    if (error instanceof ConfigError)
      return error.problems.map((problem) => problem.replaceAll(file, "FILE").replaceAll(folder, "DIR"));
    throw error;
  }
  return [];
}

const CONTRACT_EXAMPLE = `
listen: [udp:0.0.0.0:5060, tcp:0.0.0.0:5060, tls:0.0.0.0:5061, wss:0.0.0.0:5067]
domains: [example.com]
store: lmdb:./rollcall-data
open: false
expires: { min: 30, default: 3600, max: 3600 }        # seconds
auth: { realm: example.com, algorithms: [md5], nonceSeconds: 300 }
accounts:                                             # asked in this order
  - store                                             # the embedded store, the default
  - htdigest: ./users.htdigest                        # lines user:realm:HA1
tls: { cert: ./cert.pem, key: ./key.pem }
admin: 127.0.0.1:8060                                 # or off
`;

describe("what a file means", () => {
  test("the example of the contract", () => {
    const config = load(CONTRACT_EXAMPLE);
    expect(config.listen).toEqual([
      { transport: "udp", host: "0.0.0.0", port: 5060 },
      { transport: "tcp", host: "0.0.0.0", port: 5060 },
      { transport: "tls", host: "0.0.0.0", port: 5061 },
      { transport: "wss", host: "0.0.0.0", port: 5067 },
    ]);
    expect(config).toMatchObject({
      domains: ["example.com"],
      store: { kind: "lmdb", directory: join(folder, "rollcall-data") },
      dataDirectory: join(folder, "rollcall-data"),
      open: false,
      expires: { minSec: 30, defaultSec: 3600, maxSec: 3600 },
      auth: { realm: "example.com", algorithms: ["MD5"], nonceSec: 300 },
      accounts: [{ kind: "store" }, { kind: "htdigest", file: join(folder, "users.htdigest") }],
      tls: {
        cert: join(folder, "cert.pem"),
        key: join(folder, "key.pem"),
        verifyClients: "off",
        servers: [],
      },
      admin: { host: "127.0.0.1", port: 8060, token: null, basic: null },
    });
  });

  test.each([
    ["an empty file", ""],
    ["comments alone", "# nothing yet\n"],
    ["no file", undefined],
  ])("%s: the defaults of the contract", (_, yaml) => {
    const config = yaml === undefined ? loadConfig(undefined) : load(yaml);
    expect(config.listen).toEqual([
      { transport: "udp", host: "127.0.0.1", port: 5060 },
      { transport: "tcp", host: "127.0.0.1", port: 5060 },
      { transport: "ws", host: "127.0.0.1", port: 5066 },
    ]);
    expect(config).toMatchObject({
      domains: [],
      open: null,
      expires: { minSec: 30, defaultSec: 3600, maxSec: 3600 },
      admin: { host: "127.0.0.1", port: 8060 },
      accounts: [{ kind: "store" }],
      logLevel: "info",
      tls: null,
    });
    expect(config.store).toEqual({ kind: "lmdb", directory: config.dataDirectory });
  });

  test.each([
    ["https://phone.example.com/", "https://phone.example.com"],
    ["HTTPS://Phone.Example.com:443", "https://phone.example.com"],
    ["http://[::1]:8080", "http://[::1]:8080"],
    ["capacitor://localhost", "capacitor://localhost"],
  ])("origin %s as browsers write it", (origin, expected) =>
    expect(load(`ws: { origins: ["${origin}"] }\n`).wsOrigins).toEqual([expected]),
  );

  test("how much the proxy carries at a time", () => {
    expect(load("domains: [example.com]\n").transactions).toBe(250_000);
    expect(load("limits: { transactions: 1000000 }\n").transactions).toBe(1_000_000);
  });

  test("several certificates, client certificates, a full login", () => {
    const token = join(folder, "token");
    writeFileSync(token, "0123456789abcdef0123\n");
    const config = load(`
tls:
  cert: a.pem
  key: /etc/a.key
  clientCa: ca.pem
  verifyClients: required
  servers:
    - { name: SIP.Example.org, cert: b.pem, key: b.key }
admin:
  listen: "[::]:9000"
  tokenFile: token
  user: op
  password: longenough
  hosts: [Phones.example.com]
`);
    expect(config.tls).toMatchObject({
      cert: join(folder, "a.pem"),
      key: "/etc/a.key",
      clientCa: join(folder, "ca.pem"),
      verifyClients: "required",
      servers: [{ name: "sip.example.org", cert: join(folder, "b.pem"), key: join(folder, "b.key") }],
    });
    expect(config.admin).toEqual({
      host: "::",
      port: 9000,
      token: "0123456789abcdef0123",
      basic: { user: "op", password: "longenough" },
      hosts: ["phones.example.com"],
    });
  });

  test("other sources of accounts, and who may speak for others", () => {
    const config = load(`
accounts: [{ postgres: "postgres://op:pw@db/kamailio" }, { http: "https://users.example.com/ha1" }]
auth:
  registerFor: { boss: ["*@example.com"] }
  callAs: { alice@example.com: [sales@example.com] }
`);
    expect(config.accounts).toEqual([
      { kind: "postgres", url: "postgres://op:pw@db/kamailio" },
      { kind: "http", url: "https://users.example.com/ha1" },
    ]);
    expect(config.auth.rules).toEqual({
      registerFor: { boss: ["*@example.com"] },
      callAs: { "alice@example.com": ["sales@example.com"] },
    });
  });

  test.each([
    ["off as a text", "admin: off"],
    ["off inside the login", "admin: { listen: off }"],
  ])("admin: %s", (_, yaml) => expect(load(yaml).admin).toBeNull());
});

describe("proxy", () => {
  test("proxies that requests leave by, and users who are gone, as the proxy knows them", () => {
    const { proxy } = load(`
proxy:
  outgoingProxy: sip:edge.example.net;transport=tcp
  domainProxies: { example.org: "sip:192.0.2.7:5070", "*.example.org": "sips:below.example.org" }
  goneUsers: [Bob@Example.COM, "sips:b%6Fb@example.org:5061;x=y"]
`);
    expect(proxy).toMatchObject({
      outgoingProxy: "sip:edge.example.net;transport=tcp",
      domainProxies: { "example.org": "sip:192.0.2.7:5070", "*.example.org": "sips:below.example.org" },
      goneUsers: ["sip:Bob@example.com", "sip:bob@example.org"],
    });
  });

  test.each([
    ["outgoingProxy: edge.example.net", "is no SIP URI"],
    ["domainProxies: { example.org: tel:+1 }", "is no SIP URI"],
    ['domainProxies: { "sip:example.org": "sip:edge.example.net" }', "Invalid key"],
    ["goneUsers: [example.com]", "is no address-of-record"],
    ["relay: anyone", "relay"],
    ["timerCSeconds: 180", "181"],
  ])("%s is refused: %s", (line, word) => {
    expect(problemsOf(`proxy:\n  ${line}`).join()).toContain(word);
  });
});

describe("path: what becomes of a Path (RFC 3327 §5.3)", () => {
  test.each([
    ["not said", "", "strict"],
    ["strict", "path: strict", "strict"],
    ["true, as before", "path: true", "strict"],
    ["accept", "path: accept", "accept"],
    ["off", "path: off", "off"],
    ["false, as before", "path: false", "off"],
  ])("%s", (_, yaml, mode) => {
    expect(load(yaml).path).toEqual({ mode, from: null });
  });

  test("with whom to take one from", () => {
    const networks = ["192.0.2.0/24", "2001:db8::1"];
    expect(load("path: { from: [192.0.2.0/24, '2001:db8::1'] }").path).toEqual({
      mode: "strict",
      from: networks,
    });
    expect(load("path: { mode: accept }").path).toEqual({ mode: "accept", from: null });
  });

  test("anything else is refused", () => {
    expect(problemsOf("path: lax")).toEqual([
      "FILE:1: path: expected strict, accept or off, or keys mode and from",
    ]);
    expect(problemsOf("path: 1")).toEqual([
      "FILE:1: path: expected strict, accept or off, or keys mode and from",
    ]);
  });
});

describe("flags win over the file", () => {
  const yaml =
    "listen: [udp:127.0.0.1:1]\ndomains: [a.example]\nstore: lmdb:/f\nopen: false\nexpires: {min: 5, max: 10}\nadmin: off\nlogLevel: warn\n";
  const cases: readonly (readonly [string, ConfigFlags, object])[] = [
    [
      "--listen",
      { listen: [{ transport: "tcp", host: "::1", port: 0 }] },
      { listen: [{ transport: "tcp", host: "::1", port: 0 }] },
    ],
    ["--domain", { domains: ["b.example"] }, { domains: ["b.example"] }],
    ["--data", { data: "/d" }, { store: { kind: "lmdb", directory: "/d" }, dataDirectory: "/d" }],
    ["--store", { store: { kind: "memory" } }, { store: { kind: "memory" } }],
    [
      "--store and --data",
      { data: "/d", store: { kind: "lmdb", directory: "/s" } },
      { store: { kind: "lmdb", directory: "/s" } },
    ],
    ["--open", { open: true }, { open: true }],
    ["--min-expires", { minExpires: 7 }, { expires: { minSec: 7, maxSec: 10 } }],
    ["--max-expires", { maxExpires: 20 }, { expires: { minSec: 5, defaultSec: 20, maxSec: 20 } }],
    ["--admin", { admin: { host: "127.0.0.1", port: 0 } }, { admin: { host: "127.0.0.1", port: 0 } }],
    ["--log-level", { logLevel: "debug" }, { logLevel: "debug" }],
    [
      "--tls-cert --tls-key",
      { tlsCert: "/c", tlsKey: "/k" },
      { tls: { cert: "/c", key: "/k", minVersion: "TLSv1.2" } },
    ],
  ];
  test.each(cases)("%s", (_, flags, expected) => expect(load(yaml, flags)).toMatchObject(expected));

  test("--data does not move bindings out of a store that the file keeps in memory", () => {
    const config = load("store: 'memory:'", { data: "/d" });
    expect(config).toMatchObject({ store: { kind: "memory" }, dataDirectory: "/d" });
  });

  test.each([
    ["--max-expires below the default minimum lowers it", { maxExpires: 20 }, [20, 20, 20]],
    ["--min-expires above the default maximum raises it", { minExpires: 7200 }, [7200, 7200, 7200]],
    ["--default-expires alone", { defaultExpires: 10 }, [10, 10, 3600]],
    ["--default-expires beyond the maximum", { defaultExpires: 9000 }, [30, 9000, 9000]],
    ["--min-expires 0", { minExpires: 0 }, [0, 3600, 3600]],
  ] as const)("%s", (_, flags, [minSec, defaultSec, maxSec]) => {
    expect(loadConfig(undefined, flags).expires).toEqual({ minSec, defaultSec, maxSec });
  });
});

describe("what is refused, by line and key", () => {
  test.each([
    [
      "unknown key, one near",
      "open: true\nlisen: []\n",
      'FILE:2: unknown key "lisen"; did you mean "listen"?',
    ],
    ["letters swapped", "expries: {}\n", 'FILE:1: unknown key "expries"; did you mean "expires"?'],
    [
      "unknown key deeper",
      "auth:\n  realm: x\n  nonceSecs: 3\n",
      'FILE:3: unknown key "auth.nonceSecs"; did you mean "nonceSeconds"?',
    ],
    [
      "in a list of maps",
      "tls:\n  cert: a\n  key: b\n  servers:\n    - name: a.b\n      cert: a\n      kye: b\n",
      'FILE:7: unknown key "tls.servers[0].kye"; did you mean "key"?',
    ],
    [
      "in an alternative",
      "admin:\n  listen: 127.0.0.1:1\n  tokn: abc\n",
      'FILE:3: unknown key "admin.tokn"; did you mean "token"?',
    ],
    [
      "an account that is none",
      "accounts:\n  - store\n  - htdigst: x\n",
      'FILE:3: unknown key "accounts[1].htdigst"; did you mean "htdigest"?',
    ],
    [
      "a URL that is none",
      "accounts:\n  - http: http://u:TOP@SEC/RET@127.0.0.1/\n",
      "FILE:2: accounts[0].http: in user and password, @ is written %40 and / is written %2F",
    ],
    [
      "accounts over HTTP, a slash in the password",
      "accounts:\n  - http: http://u:TOP/SECRET@127.0.0.1/\n",
      "FILE:2: accounts[0].http: expected an http: or https: URL",
    ],
    [
      "accounts over HTTP, a broken escape",
      "accounts:\n  - http: http://u:%zz@127.0.0.1/\n",
      "FILE:2: accounts[0].http: the escapes (%41) in user and password must be whole, and UTF-8",
    ],
    [
      "accounts over HTTP, a colon in the user",
      "accounts:\n  - http: http://u%3Av:pw@127.0.0.1/\n",
      "FILE:2: accounts[0].http: the user may hold no colon",
    ],
    [
      "accounts in PostgreSQL, no URL",
      'accounts:\n  - store\n  - postgres: "postgres://u:pw@:bad:port/x y"\n',
      "FILE:3: accounts[1].postgres: expected postgres://USER:PASSWORD@HOST/DATABASE",
    ],
    [
      "accounts in PostgreSQL, another scheme",
      "accounts:\n  - postgres: mysql://u:pw@db/x\n",
      "FILE:2: accounts[0].postgres: expected postgres://USER:PASSWORD@HOST/DATABASE",
    ],
    [
      "accounts in PostgreSQL, an @ and a slash in the password",
      "accounts:\n  - postgres: postgres://u:TOP@SEC/RET@db/x\n",
      "FILE:2: accounts[0].postgres: in user and password, @ is written %40 and / is written %2F",
    ],
    [
      "accounts over another scheme",
      "accounts:\n  - http: ftp://x\n",
      "FILE:2: accounts[0].http: expected an http: or https: URL",
    ],
    [
      "rules that are no lists",
      "auth:\n  callAs:\n    alice: bob@example.com\n",
      "FILE:3: auth.callAs.alice: expected a list, found a text",
    ],
    ...[
      "<sip:e.example.com>",
      "garbage",
      "sip:e;lr",
      "<sip:e;lr>, <sip:f;lr>",
      "<tel:+1>;lr",
      "<sip:e;lr?X=y>",
      "<sip:e;lr>\r\nX-Injected: y",
      '<sip:e;lr>;x="\r\nX-Injected: y"',
      "<sip:e;lr>;x=é",
    ].map((route): [string, string, string] => [
      `a Service-Route that is none: ${JSON.stringify(route)}`,
      `serviceRoute:\n  - routes: ["<sip:a;lr>", ${JSON.stringify(route)}]\n`,
      `FILE:2: serviceRoute[0].routes[1]: ${JSON.stringify(route)} is no route; expected one such as <sip:edge.example.com;lr>`,
    ]),
    [
      "a Service-Route for no user part",
      'serviceRoute: [{ user: "a b", routes: ["<sip:a;lr>"] }]\n',
      'FILE:1: serviceRoute[0].user: "a b" is no user part; expected such as alice',
    ],
    ...[
      "*",
      "phone.example.com",
      "https://",
      "https://a.b/c",
      "https://a.b//",
      "https://u@a.b",
      "https://a b",
    ].map((origin): [string, string, string] => [
      `an origin that no page has: ${origin}`,
      `ws: { origins: [${JSON.stringify(origin)}] }\n`,
      `FILE:1: ws.origins[0]: ${JSON.stringify(origin)} is no origin; expected scheme://host[:port], such as https://phone.example.com`,
    ]),
    ...["ns.example.com", "192.0.2.1:x", "192.0.2.1:0", "2001:db8::1:99999"].map(
      (server): [string, string, string] => [
        `no name server: ${server}`,
        `dns: { servers: ["${server}"] }\n`,
        `FILE:1: dns.servers[0]: "${server}" is no name server; expected IP or IP:PORT, IPv6 in brackets`,
      ],
    ),
    ...["a\tb", 'a"b', "ǵ"].map((realm): [string, string, string] => [
      `a realm that no challenge can hold: ${realm}`,
      `auth: { realm: ${JSON.stringify(realm)} }\n`,
      "FILE:1: auth.realm: must be latin1 without quote, backslash, line end or other control character",
    ]),
    [
      "a Path from no network",
      "path: { mode: accept, from: [edge.example.com] }\n",
      'FILE:1: path.from[0]: "edge.example.com" is no IP address, and no network such as 192.0.2.0/24 with nothing set behind its prefix',
    ],
    ["nothing near", "dns:\n  zebra: 1\n", 'FILE:2: unknown key "dns.zebra"; known here: servers'],
    ["wrong type", "\nopen: yes please\n", "FILE:2: open: expected true or false, found a text"],
    [
      "text for number",
      "expires: { min: soon }\n",
      "FILE:1: expires.min: expected a whole number, found a text",
    ],
    [
      "fraction",
      "expires:\n  max: 1.5\n",
      "FILE:2: expires.max: expected a whole number, found a number that is not whole",
    ],
    ["list for text", "data: [a]\n", "FILE:1: data: expected a text, found a list"],
    ["too small", "nat:\n  pingSeconds: -1\n", "FILE:2: nat.pingSeconds: must be 0 or more"],
    ["too big", "auth:\n  nonceSeconds: 90000\n", "FILE:2: auth.nonceSeconds: must be 86400 or less"],
    [
      "no such choice, one near",
      "logLevel: wran\n",
      'FILE:1: logLevel: expected debug, info, warn, error; did you mean "warn"?',
    ],
    [
      "no such choice in a list",
      "auth:\n  algorithms:\n    - md5\n    - rot13\n",
      "FILE:4: auth.algorithms[1]: expected md5, sha-256, sha-512-256",
    ],
    ["empty list", "listen: []\n", "FILE:1: listen: the list is empty"],
    [
      "listen without transport",
      "listen:\n  - udp:1.2.3.4:5\n  - 1.2.3.4:5\n",
      'FILE:3: listen[1]: "1.2.3.4:5" names no transport (udp, tcp, tls, ws, wss); expected TRANSPORT:HOST:PORT, such as udp:127.0.0.1:5060 or tcp:[::1]:5060',
    ],
    [
      "bare IPv6",
      "listen: ['udp:::1']\n",
      'FILE:1: listen[0]: "udp:::1": the IPv6 address ::1 needs brackets; expected TRANSPORT:HOST:PORT, such as udp:127.0.0.1:5060 or tcp:[::1]:5060',
    ],
    ["admin without port", "admin: localhost\n", "FILE:1: admin: the port is missing"],
    [
      "admin of another type",
      "admin: 5\n",
      "FILE:1: admin: expected HOST:PORT, off, or keys such as listen and token",
    ],
    [
      "a store not built in",
      "store: redis://127.0.0.1:6379/0\n",
      "FILE:1: store: Redis stores are not built into this version; use lmdb:DIR or memory:",
    ],
    [
      "an unknown store",
      "store: mysql://root:pw@h/d\n",
      'FILE:1: store: unknown store "mysql://root:***@h/d"; expected lmdb:DIR or memory:',
    ],
    ["no domain", "domains: ['exa mple']\n", 'FILE:1: domains[0]: "exa mple" is no domain name'],
    [
      "a bad block",
      "guard:\n  deny: [10.0.0.0/33]\n",
      'FILE:2: guard.deny[0]: "10.0.0.0/33" is no IP address, and no network such as 192.0.2.0/24 with nothing set behind its prefix',
    ],
    ["missing key", "tls:\n  cert: a.pem\n", "FILE:1: tls.key: is missing"],
    [
      "over-limit status",
      "limits:\n  overLimitStatus: 404\n",
      "FILE:2: limits.overLimitStatus: expected 403 or 503",
    ],
    ["no map", "- a\n- b\n", "FILE:1: the file: expected keys and values, found a list"],
    ["the same key twice", "open: true\nopen: false\n", "FILE:2: no valid YAML: Map keys must be unique"],
    ["a contradiction", "\nexpires:\n  min: 60\n  max: 30\n", "FILE:2: expires: min (60) is above max (30)"],
    [
      "verify without a CA",
      "tls:\n  cert: a\n  key: b\n  verifyClients: required\n",
      "FILE:4: tls.verifyClients needs tls.clientCa",
    ],
    [
      "a listener without certificate",
      "domains: []\nlisten: [tls:127.0.0.1:0]\n",
      "FILE:2: a tls: listener needs tls.cert and tls.key (--tls-cert, --tls-key)",
    ],
    ["half a login", "admin:\n  user: op\n", "FILE:1: admin.user and admin.password go together"],
    [
      "two tokens",
      "admin:\n  token: 0123456789abcdef\n  tokenFile: nowhere\n",
      "FILE:3: admin.token and admin.tokenFile exclude each other",
    ],
    [
      "a token file that is not there",
      "admin: { tokenFile: nowhere }\n",
      "FILE:1: admin.tokenFile: DIR/nowhere cannot be read (ENOENT)",
    ],
  ])("%s", (_, yaml, expected) => expect(problemsOf(yaml)[0]).toBe(expected));

  test.each(["0.0.0.0:8060", "'[::]:8060'", "192.0.2.1:8060", "admin.example.com:8060"])(
    "admin on %s without a login",
    (address) =>
      expect(problemsOf(`admin: ${address}\n`)[0]).toMatch(
        /^FILE:1: admin: .* is not loopback, so a login is needed/,
      ),
  );

  test.each(["127.0.0.1:1", "127.9.9.9:1", "localhost:1", "'[::1]:1'", "'[::ffff:127.0.0.1]:1'"])(
    "admin on %s needs none",
    (address) => expect(load(`admin: ${address}\n`).admin).not.toBeNull(),
  );

  test("every problem is told, in the order of the file", () => {
    expect(
      problemsOf("opne: true\nexpires: { min: x }\nlogLevel: 3\n").map((text) => text.split(":")[1]),
    ).toEqual(["1", "2", "3"]);
  });

  test("no password stands in a problem", () => {
    const secret = "hunter2hunter2";
    const told = problemsOf(
      `admin:\n  user: op\n  password: [${secret}]\naccounts:\n  - postgres: [${secret}]\nstore: redis://:${secret}@h/0\n`,
    );
    expect(told.length).toBeGreaterThan(2);
    expect(told.join("\n")).not.toContain(secret);
  });

  test("a file that cannot be read", () => {
    expect(() => loadConfig(join(folder, "absent.yaml"))).toThrow(/absent\.yaml: cannot be read \(ENOENT\)/);
  });

  test("aliases that would grow without end", () => {
    const grow = ["a: &a [x,x,x,x,x,x,x,x,x]"];
    for (let i = 1; i < 9; i++)
      grow.push(
        `${"abcdefghi"[i]}: &${"abcdefghi"[i]} [${Array(9)
          .fill(`*${"abcdefghi"[i - 1]}`)
          .join(",")}]`,
      );
    expect(problemsOf(grow.join("\n"))[0]).toMatch(/^FILE:1: .*alias/i);
  });

  test("one half of a certificate on the command line", () => {
    expect(() => loadConfig(undefined, { tlsCert: "c.pem" })).toThrow("--tls-cert and --tls-key go together");
  });
});

describe("open or closed", () => {
  const closedSaid = "open: false\n";
  test.each([
    ["nothing said, loopback, no account", "", false, true],
    ["nothing said, loopback, an account", "", true, false],
    ["nothing said, one listener elsewhere", "listen: [udp:127.0.0.1:0, udp:0.0.0.0:0]\n", false, false],
    ["said to be open, elsewhere, with accounts", "open: true\nlisten: [udp:0.0.0.0:0]\n", true, true],
    ["said to be closed, loopback, no account", closedSaid, false, false],
  ])("%s", (_, yaml, hasAccounts, open) => expect(acceptsAnybody(load(yaml), hasAccounts)).toBe(open));
});
