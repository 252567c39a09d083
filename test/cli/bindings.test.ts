import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { lmdbEnvironment } from "../../src/storage/lmdb.js";
import { bindingAt } from "../admin/harness.js";
import { dataWith, NOW_MS, rollcall, temporaryFolder } from "./harness.js";

const ALICE = {
  aor: "sip:alice@example.com",
  contacts: [
    {
      uri: "sip:alice@192.0.2.7:5060;transport=udp",
      expires: 41,
      q: 0.5,
      callId: "call-1",
      cseq: 12,
      userAgent: "Phone/1",
      received: "udp:198.51.100.4:61002",
      path: ["<sip:edge.example.com;lr>"],
      instance: "<urn:uuid:1>",
      regId: 1,
      registeredAt: new Date(NOW_MS - 19_400).toISOString(),
      updatedAt: new Date(NOW_MS - 19_400).toISOString(),
    },
  ],
};

async function office(): Promise<string> {
  return dataWith([
    [
      "sip:alice@example.com",
      {
        qMilli: 500,
        userAgent: "Phone/1",
        path: ["<sip:edge.example.com;lr>"],
        instance: "<urn:uuid:1>",
        regId: 1,
      },
    ],
    ["sip:bob@example.com", { uri: "sip:bob@192.0.2.8" }],
    ["sip:bob@example.com", { uri: "sip:bob@192.0.2.9", userAgent: "Evil\x1b[2J/1" }],
    ["sip:gone@example.com", { expiresAtMs: NOW_MS }],
  ]);
}

describe("dump", () => {
  test("--json: an array in the shape of the contract, expired bindings left out", async () => {
    const { status, out, err } = await rollcall(["dump", "--json", "--data", await office()]);
    expect([status, err]).toEqual([0, ""]);
    const all = JSON.parse(out);
    expect(all).toHaveLength(2);
    expect(all[0]).toEqual(ALICE);
    expect(all[1].contacts[0]).toMatchObject({
      q: 1,
      userAgent: null,
      path: [],
      instance: null,
      regId: null,
    });
  });

  test("for people: a line a contact, then a total; a phone's text steers no terminal", async () => {
    const { out } = await rollcall(["dump", "--data", await office()]);
    expect(out.trimEnd().split("\n")).toEqual([
      "ADDRESS                CONTACT                                 EXPIRES    Q  RECEIVED                USER-AGENT",
      "sip:alice@example.com  sip:alice@192.0.2.7:5060;transport=udp       41  0.5  udp:198.51.100.4:61002  Phone/1",
      "sip:bob@example.com    sip:bob@192.0.2.8                            41    1  udp:198.51.100.4:61002  -",
      "sip:bob@example.com    sip:bob@192.0.2.9                            41    1  udp:198.51.100.4:61002  Evil\\u001b[2J/1",
      "3 contacts of 2 addresses",
    ]);
  });

  test("goes on over pages of the store", async () => {
    const data = await dataWith(
      Array.from({ length: 1200 }, (_, i) => [`sip:u${String(i).padStart(4, "0")}@example.com`, {}] as const),
    );
    const all = JSON.parse((await rollcall(["dump", "--json", "--data", data])).out) as { aor: string }[];
    expect(all.map(({ aor }) => aor)).toEqual(
      Array.from({ length: 1200 }, (_, i) => `sip:u${String(i).padStart(4, "0")}@example.com`),
    );
    const lines = (await rollcall(["dump", "--data", data])).out.trimEnd().split("\n");
    expect(lines).toHaveLength(1202);
    expect(lines.at(-1)).toBe("1200 contacts of 1200 addresses");
  });

  test("an empty store is [], and one that is not there is made by nobody", async () => {
    expect((await rollcall(["dump", "--json", "--data", await dataWith([])])).out).toBe("[]\n");
    const absent = join(temporaryFolder(), "absent");
    expect(await rollcall(["dump", "--json", "--data", absent])).toEqual({
      status: 0,
      out: "[]\n",
      err: `rollcall: there is no data folder ${absent} yet\n`,
    });
    expect(existsSync(absent)).toBe(false);
  });

  test("--config names the folder", async () => {
    const data = await office();
    const { writeFileSync } = await import("node:fs");
    const config = join(temporaryFolder(), "rollcall.yaml");
    writeFileSync(config, `store: lmdb:${data}\n`);
    expect(JSON.parse((await rollcall(["dump", "--json", "--config", config])).out)).toHaveLength(2);
    writeFileSync(config, `store: 'memory:'\n`);
    const { status, err } = await rollcall(["dump", "--config", config]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/^rollcall: this configuration keeps bindings in the server's memory.*\n$/),
    ]);
  });
});

describe("show", () => {
  test("--json: one such object", async () => {
    const data = await office();
    for (const aor of ["alice@example.com", "sip:alice@example.com", "sips:alice@EXAMPLE.COM"]) {
      const { status, out } = await rollcall(["show", aor, "--json", "--data", data]);
      expect([status, JSON.parse(out)]).toEqual([0, ALICE]);
    }
  });

  test("for people", async () => {
    const { out } = await rollcall(["show", "alice@example.com", "--data", await office()]);
    expect(out).toContain("sip:alice@example.com: 1 contact\n");
    expect(out).toMatch(/expires in +41 s\n/);
    expect(out).toMatch(/path +<sip:edge.example.com;lr>\n/);
    expect(out).toMatch(/registered +20\d\d-.*Z \(20 s ago\)\n/);
  });

  test.each(["nobody@example.com", "gone@example.com", "Alice@example.com", "alice@example.org"])(
    "%s is not registered: one line, status 1",
    async (aor) => {
      const data = await office();
      for (const command of [["show"], ["show", "--json"], ["remove"]]) {
        expect(await rollcall([...command, aor, "--data", data])).toEqual({
          status: 1,
          out: "",
          err: `rollcall: sip:${aor} is not registered\n`,
        });
      }
    },
  );

  test("what is no address: status 2", async () => {
    for (const command of ["show", "remove", "explain"]) {
      expect(await rollcall([command, "a b@c", "--data", await office()])).toEqual({
        status: 2,
        out: "",
        err: 'rollcall: "a b@c" is no address; expected alice@example.com\n',
      });
    }
  });
});

describe("remove", () => {
  test("one contact, then the rest", async () => {
    const data = await office();
    const remove = (...args: string[]) => rollcall(["remove", "bob@example.com", ...args, "--data", data]);
    expect(await remove("sip:%62ob@192.0.2.9")).toEqual({
      status: 0,
      out: "removed 1 contact of sip:bob@example.com\n",
      err: "",
    });
    expect(await remove("sip:bob@192.0.2.9")).toEqual({
      status: 1,
      out: "",
      err: "rollcall: sip:bob@example.com has no contact sip:bob@192.0.2.9\n",
    });
    expect((await remove()).out).toBe("removed 1 contact of sip:bob@example.com\n");
    expect((await remove()).status).toBe(1);
    expect(JSON.parse((await rollcall(["dump", "--json", "--data", data])).out)).toEqual([ALICE]);
  });

  test("whoever has the store open sees it at once", async () => {
    const data = await office();
    const server = lmdbEnvironment({ path: data });
    expect(await server.locations.read("sip:bob@example.com")).toHaveLength(2);
    await rollcall(["remove", "bob@example.com", "--data", data]);
    expect(await server.locations.read("sip:bob@example.com")).toEqual([]);
    await server.locations.update("sip:bob@example.com", () => ({
      bindings: [bindingAt(NOW_MS)],
      outcome: undefined,
    }));
    expect((await rollcall(["show", "bob@example.com", "--data", data])).status).toBe(0);
    await server.close();
  });
});

describe("explain", () => {
  test("a registered phone", async () => {
    const { status, out } = await rollcall(["explain", "bob@example.com", "--data", await office()]);
    expect(status).toBe(0);
    expect(out).toMatch(/^sip:bob@example.com: registered with 2 contacts; nothing speaks against a call\n/);
    expect(out).toContain(
      "    - its contact says 192.0.2.8, its REGISTER came from 198.51.100.4: a NAT, so requests go to where it came from\n",
    );
  });

  test("--json", async () => {
    const { out } = await rollcall(["explain", "bob@example.com", "--json", "--data", await office()]);
    expect(JSON.parse(out)).toMatchObject({ aor: "sip:bob@example.com", reachable: "maybe" });
  });

  test("one that did not refresh", async () => {
    const { status, out } = await rollcall(["explain", "gone@example.com", "--data", await office()]);
    expect([status, out]).toEqual([0, expect.stringContaining("not registered any more")]);
  });

  test("an account whose phone never came", async () => {
    const data = await office();
    await rollcall(["user", "add", "carol@example.com", "--password", "x", "--data", data]);
    const { status, out } = await rollcall(["explain", "carol@example.com", "--data", data]);
    expect([status, out]).toEqual([0, expect.stringContaining("its account exists")]);
  });

  test("nobody by this name: one line, status 1", async () => {
    const { status, out, err } = await rollcall(["explain", "nobody@example.com", "--data", await office()]);
    expect([status, out]).toEqual([1, ""]);
    expect(err).toMatch(/^rollcall: sip:nobody@example.com: not registered.*no account.*\n$/);
  });
});
