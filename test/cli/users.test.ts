import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Ha1Answer } from "../../src/auth/source.js";
import { lmdbEnvironment } from "../../src/storage/lmdb.js";
import { rollcall, temporaryFolder } from "./harness.js";

async function ha1(data: string, user: string, realm: string): Promise<Ha1Answer> {
  const { accounts, close } = lmdbEnvironment({ path: data });
  const found = await accounts.ha1(user, realm, "MD5");
  await close();
  return found;
}

const fresh = (): string => join(temporaryFolder(), "data");

describe("user add", () => {
  test.each(["o%22brien", "a%5Cb", "a%3Ab", "a%40b", "50%25"])(
    "RFC 3261 §25.1: %s, listed as it was typed",
    async (user) => {
      const data = fresh();
      const args = ["user", "add", `${user}@example.com`, "--password", "secret", "--data", data];
      expect(await rollcall(args)).toEqual({ status: 0, out: `added ${user}@example.com\n`, err: "" });
      expect((await rollcall(["user", "list", "--data", data])).out).toBe(`${user}@example.com\n`);
      expect(await ha1(data, decodeURIComponent(user), "example.com")).toMatch(/^[0-9a-f]{32}$/);
      const removed = await rollcall(["user", "remove", `${user}@example.com`, "--data", data]);
      expect(removed.out).toBe(`removed ${user}@example.com\n`);
    },
  );

  test.each([
    ["--password", ["--password", "secret"], ""],
    ["--password-stdin", ["--password-stdin"], "secret\n"],
    ["--password-stdin, CRLF and more lines", ["--password-stdin"], "secret\r\nother\n"],
    ["--password-stdin without a line end", ["--password-stdin"], "secret"],
  ])("%s", async (_, args, input) => {
    const data = fresh();
    expect(await rollcall(["user", "add", "alice@example.com", ...args, "--data", data], input)).toEqual({
      status: 0,
      out: "added alice@example.com\n",
      err: "",
    });
    // RFC 7616 §3.4.2: MD5(alice:example.com:secret)
    expect(await ha1(data, "alice", "example.com")).toBe("b1726872c344b6dc8365b774f8fd6412");
    expect(statSync(data).mode & 0o077).toBe(0);
  });

  test.each([
    ["no password and no terminal", [], 2, /^rollcall: no password given; use --password-stdin/],
    ["both ways at once", ["--password", "x", "--password-stdin"], 2, /exclude each other/],
    ["an empty one", ["--password", ""], 2, /the password is empty/],
    ["an empty stdin", ["--password-stdin"], 2, /the password is empty/],
    ["too long a one", ["--password", "x".repeat(1025)], 2, /more than 1024 characters/],
  ])("%s", async (_, args, status, err) => {
    const data = fresh();
    expect(await rollcall(["user", "add", "alice@example.com", ...args, "--data", data])).toEqual({
      status,
      out: "",
      err: expect.stringMatching(err),
    });
    expect((await rollcall(["user", "list", "--data", data])).out).toBe("");
  });

  test.each([
    ["example.com", 'rollcall: "example.com" names no user; expected alice@example.com\n'],
    ["alice@", 'rollcall: "alice@" is no address; expected alice@example.com\n'],
  ])("%s is no account: status 2, and nothing is made", async (aor, err) => {
    const data = fresh();
    expect(await rollcall(["user", "add", aor, "--password", "x", "--data", data])).toEqual({
      status: 2,
      out: "",
      err,
    });
    expect(existsSync(data)).toBe(false);
  });

  test("one that exists: status 1, and its password stays", async () => {
    const data = fresh();
    await rollcall(["user", "add", "alice@example.com", "--password", "secret", "--data", data]);
    const again = await rollcall([
      "user",
      "add",
      "sip:alice@example.com",
      "--password",
      "other",
      "--data",
      data,
    ]);
    expect(again).toEqual({
      status: 1,
      out: "",
      err: expect.stringContaining("alice@example.com exists already"),
    });
    expect(await ha1(data, "alice", "example.com")).toBe("b1726872c344b6dc8365b774f8fd6412");
  });

  test("the realm of the configuration is the realm of the account", async () => {
    const folder = temporaryFolder();
    const config = join(folder, "rollcall.yaml");
    writeFileSync(config, "data: ./here\nauth: { realm: Acme }\n");
    const { out } = await rollcall([
      "user",
      "add",
      "alice@example.com",
      "--password",
      "p",
      "--config",
      config,
    ]);
    expect(out).toBe("added alice@Acme\n");
    expect(await ha1(join(folder, "here"), "alice", "Acme")).not.toBeNull();
  });

  test("accounts live in the data folder also when bindings are kept in memory", async () => {
    const folder = temporaryFolder();
    const config = join(folder, "rollcall.yaml");
    writeFileSync(config, "data: ./here\nstore: 'memory:'\n");
    await rollcall(["user", "add", "alice@example.com", "--password", "p", "--config", config]);
    expect((await rollcall(["user", "list", "--config", config])).out).toBe("alice@example.com\n");
  });
});

describe("user list, passwd, remove", () => {
  test("the life of an account", async () => {
    const data = fresh();
    const user = (...args: string[]) => rollcall(["user", ...args, "--data", data]);
    for (const name of ["bob@example.org", "alice@example.com", "jörg@example.com"]) {
      expect((await user("add", name, "--password", "secret")).status).toBe(0);
    }
    expect((await user("list")).out).toBe("alice@example.com\njörg@example.com\nbob@example.org\n");
    expect(JSON.parse((await user("list", "--json")).out)[1]).toEqual({
      aor: "sip:jörg@example.com",
      user: "jörg",
      realm: "example.com",
    });
    expect((await user("passwd", "alice@example.com", "--password", "other")).out).toBe(
      "gave a new password to alice@example.com\n",
    );
    expect(await ha1(data, "alice", "example.com")).not.toBe("b1726872c344b6dc8365b774f8fd6412");
    expect((await user("remove", "alice@example.com")).out).toBe("removed alice@example.com\n");
    for (const [command, ...args] of [["remove"], ["passwd", "--password", "x"]]) {
      expect(await user(command!, "alice@example.com", ...args)).toEqual({
        status: 1,
        out: "",
        err: "rollcall: there is no user alice@example.com\n",
      });
    }
  });

  test("an empty store", async () => {
    const data = fresh();
    expect(await rollcall(["user", "list", "--data", data])).toEqual({ status: 0, out: "", err: "" });
    expect((await rollcall(["user", "list", "--json", "--data", data])).out).toBe("[]\n");
    expect((await rollcall(["user", "remove", "a@b", "--data", data])).status).toBe(1);
    expect(existsSync(data)).toBe(false);
  });
});
