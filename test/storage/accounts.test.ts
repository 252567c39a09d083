import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { lmdbEnvironment } from "../../src/storage/lmdb.js";
import { memoryEnvironment } from "../../src/storage/memory.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-accounts-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let made = 0;

const MD5 = "0cc175b9c0f1b6a831c399e269772661";
const SHA256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const REALM = "example.com";

describe.each([
  { kind: "memory", open: () => memoryEnvironment() },
  { kind: "LMDB", open: () => lmdbEnvironment({ path: join(folder, String(++made)) }) },
])("accounts in $kind", ({ open }) => {
  test("an account answers with what was set for its algorithms, and is known under others", async () => {
    const { accounts, close } = open();
    expect(await accounts.has("alice", REALM)).toBe(false);
    expect(await accounts.ha1("alice", REALM, "MD5")).toBe(null);
    await accounts.set("alice", REALM, { MD5, "SHA-256": SHA256 });
    expect(await accounts.has("alice", REALM)).toBe(true);
    expect(await accounts.ha1("alice", REALM, "MD5")).toBe(MD5);
    expect(await accounts.ha1("alice", REALM, "SHA-256")).toBe(SHA256);
    expect(await accounts.ha1("alice", REALM, "SHA-512-256")).toBe(false);
    await accounts.set("alice", REALM, { "SHA-512-256": SHA256 });
    expect(await accounts.ha1("alice", REALM, "MD5")).toBe(false);
    expect(await accounts.ha1("alice", REALM, "SHA-512-256")).toBe(SHA256);
    await close();
  });

  test("a user name with the domain behind it has HA1s of its own, of the same account", async () => {
    const { accounts, close } = open();
    const LONG = MD5.replaceAll("a", "b");
    const withDomain = { domain: REALM, ha1s: { MD5: LONG } };
    await accounts.set("alice", "Office", { MD5, "SHA-256": SHA256, withDomain });
    expect(await accounts.ha1("alice", "Office", "MD5")).toBe(MD5);
    expect(await accounts.ha1(`alice@${REALM}`, "Office", "MD5")).toBe(LONG);
    expect(await accounts.ha1(`alice@${REALM}`, "Office", "SHA-256")).toBe(false);
    for (const name of [`bob@${REALM}`, "alice@example.net", "alice@", `@${REALM}`, `alice@${REALM} ${LONG}`])
      expect(await accounts.ha1(name, "Office", "MD5")).toBe(null);
    expect((await accounts.list({ limit: 10 })).accounts).toEqual([{ user: "alice", realm: "Office" }]);
    // one that was made before knows the short name alone, and so does one that is given no other
    await accounts.set("alice", "Office", { MD5 });
    expect(await accounts.ha1("alice", "Office", "MD5")).toBe(MD5);
    expect(await accounts.ha1(`alice@${REALM}`, "Office", "MD5")).toBe(null);
    const broken = { domain: "a\nMD5 x", ha1s: { MD5 } };
    await expect(accounts.set("alice", "Office", { MD5, withDomain: broken })).rejects.toThrow("domain");
    await close();
  });

  test("accounts are told apart by user and realm, to the octet", async () => {
    const { accounts, close } = open();
    await accounts.set("alice", REALM, { MD5 });
    for (const [user, realm] of [
      ["Alice", REALM],
      ["alice", "example.co"],
      ["", `${REALM}\0alice`],
      [`alice\0`, REALM],
      ["\u0161", REALM],
      ["x".repeat(2000), REALM],
    ] as const) {
      expect(await accounts.has(user, realm)).toBe(false);
      expect(await accounts.ha1(user, realm, "MD5")).toBe(null);
      expect(await accounts.remove(user, realm)).toBe(false);
    }
    await close();
  });

  test("one is removed once", async () => {
    const { accounts, close } = open();
    await accounts.set("alice", REALM, { MD5 });
    await accounts.set("bob", REALM, { MD5 });
    expect(await accounts.remove("alice", REALM)).toBe(true);
    expect(await accounts.remove("alice", REALM)).toBe(false);
    expect(await accounts.has("bob", REALM)).toBe(true);
    await close();
  });

  test("a list goes by realm and user, page by page", async () => {
    const { accounts, close } = open();
    const names = [
      { realm: "a.example", user: "zoe" },
      { realm: "b.example", user: "Bob" },
      { realm: "b.example", user: "alice" },
      { realm: "b.example", user: "\xe9" },
    ];
    expect(await accounts.list({ limit: 2 })).toEqual({ accounts: [], next: null });
    for (const { user, realm } of names.toReversed()) await accounts.set(user, realm, { MD5 });
    expect(await accounts.list({ limit: 4 })).toEqual({ accounts: names, next: null });
    const first = await accounts.list({ limit: 3 });
    expect(first).toEqual({ accounts: names.slice(0, 3), next: names[2] });
    expect(await accounts.list({ limit: 3, after: first.next! })).toEqual({
      accounts: names.slice(3),
      next: null,
    });
    await close();
  });

  test("there are none, until the first is set and when the last is removed", async () => {
    const { accounts, secrets, close } = open();
    await secrets.create("nonce", "one");
    expect(accounts.isEmpty()).toBe(true);
    await accounts.set("alice", REALM, { MD5 });
    expect(accounts.isEmpty()).toBe(false);
    await accounts.remove("alice", REALM);
    expect(accounts.isEmpty()).toBe(true);
    await close();
  });

  test("a name that cannot be stored is refused", async () => {
    const { accounts, close } = open();
    for (const user of ["a\0b", "\u0161", "x".repeat(2000)]) {
      await expect(accounts.set(user, REALM, { MD5 })).rejects.toMatchObject({
        name: "StoreError",
        code: "too-large",
      });
    }
    await close();
  });

  test("a secret is the first one's who comes, for all", async () => {
    const { secrets, close } = open();
    expect(await secrets.read("nonce")).toBe(null);
    const made = await Promise.all(["one", "two", "three"].map((value) => secrets.create("nonce", value)));
    expect(new Set(made)).toEqual(new Set(["one"]));
    expect(await secrets.read("nonce")).toBe("one");
    expect(await secrets.create("nonce", "four")).toBe("one");
    expect(await secrets.create("other", "\x00\xff")).toBe("\x00\xff");
    expect(await secrets.read("other")).toBe("\x00\xff");
    await close();
  });

  test("a secret is replaced by one who knows it, once", async () => {
    const { secrets, close } = open();
    await secrets.create("nonce", "one");
    const replaced = await Promise.all(
      ["two", "three"].map((value) => secrets.replace("nonce", "one", value)),
    );
    expect(replaced).toEqual(["two", "two"]);
    expect(await secrets.replace("nonce", "one", "four")).toBe("two");
    expect(await secrets.replace("unknown", "one", "two")).toBe("two");
    expect(await secrets.read("nonce")).toBe("two");
    await close();
  });
});

test("accounts and secrets are there when the store is opened again", async () => {
  const path = join(folder, "again");
  const first = lmdbEnvironment({ path });
  await first.accounts.set("alice", REALM, { MD5 });
  await first.secrets.create("nonce", "one");
  await first.close();
  const second = lmdbEnvironment({ path });
  expect(second.accounts.ha1("alice", REALM, "MD5")).toBe(MD5);
  expect(second.secrets.read("nonce")).toBe("one");
  await second.close();
});
