import { describe, expect, it } from "vitest";
import { nodeHasher } from "../../src/server/hasher.js";
import { ha1OfRow, postgresAccounts, type SubscriberRow } from "../../src/storage/postgres-accounts.js";

const hasher = nodeHasher();
const md5 = "0123456789abcdef0123456789abcdef";
const other = "fedcba9876543210fedcba9876543210";
const sha256 = md5 + other;
const alone = { user: "alice", realm: "example.com", hasDomain: false };
const both = { user: "alice@example.com", realm: "example.com", hasDomain: true };

describe("a row of Kamailio's subscriber table", () => {
  const made = (algorithm: "MD5" | "SHA-256" | "SHA-512-256", user = "alice"): string =>
    hasher.digest(algorithm, `${user}:example.com:gr\u00c3\u00bcn`);
  const row = (password: string | null, ha1: string | null, ha1b: string | null): SubscriberRow => ({
    password,
    ha1,
    ha1b,
  });

  it.each([
    ["ha1 for MD5", row("", md5, other), alone, "MD5", md5],
    ["ha1b for a name with its domain", row("", md5, other), both, "MD5", other],
    ["in upper case and padded", row("", ` ${md5.toUpperCase()} `, ""), alone, "MD5", md5],
    ["64 digits are SHA-256", row("", sha256, ""), alone, "SHA-256", sha256],
    ["64 digits are no MD5", row("", sha256, ""), alone, "MD5", false],
    ["64 digits are no SHA-512-256", row("", sha256, ""), alone, "SHA-512-256", false],
    ["MD5 alone gives no SHA-256", row("", md5, other), alone, "SHA-256", false],
    ["a password gives what is not stored", row("gr\u00fcn", md5, other), alone, "SHA-256", made("SHA-256")],
    ["a password gives all", row("gr\u00fcn", "", ""), alone, "MD5", made("MD5")],
    [
      "a password gives all, with the domain",
      row("gr\u00fcn", "", null),
      both,
      "MD5",
      made("MD5", "alice@example.com"),
    ],
    ["a password gives SHA-512-256", row("gr\u00fcn", md5, other), alone, "SHA-512-256", made("SHA-512-256")],
    ["what is stored goes before the password", row("gr\u00fcn", md5, other), alone, "MD5", md5],
    ["nothing", row(null, null, null), alone, "MD5", false],
    ["nonsense for a hash", row("", "x".repeat(32), ""), alone, "MD5", false],
  ] as const)("%s", (_, from, name, algorithm, expected) => {
    expect(ha1OfRow(hasher, from, name, algorithm)).toBe(expected);
  });
});

describe("PostgreSQL", () => {
  it.each(["", "a b", 'x"; DROP TABLE subscriber; --', "a.b.c", "1st", "a.", "x".repeat(64)])(
    "%j is no table name",
    async (table) => {
      await expect(postgresAccounts({ url: "postgresql://127.0.0.1:1/x", hasher, table })).rejects.toThrow(
        TypeError,
      );
    },
  );

  it("that is not there rejects, and shows no password", async () => {
    // nothing listens on port 1
    const url = "postgresql://rollcall:hunter2@127.0.0.1:1/none";
    const accounts = await postgresAccounts({ url, hasher });
    const failure = await accounts
      .ha1("alice", "example.com", "MD5")
      .catch((error: unknown) => String(error));
    expect(failure).toContain("ECONNREFUSED");
    expect(failure).not.toContain("hunter2");
    await accounts.close();
  });

  it("has no text with a NUL, and is not asked for one", async () => {
    const accounts = await postgresAccounts({ url: "postgresql://127.0.0.1:1/none", hasher });
    expect(await accounts.ha1("al\0ice", "example.com", "MD5")).toBeNull();
    expect(await accounts.ha1("alice", "example\0.com", "MD5")).toBeNull();
    await accounts.close();
  });
});
