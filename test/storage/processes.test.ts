import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { lmdbEnvironment, lmdbStore } from "../../src/storage/lmdb.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-processes-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fixture = (name: string, ...args: string[]): ChildProcess =>
  fork(new URL(`fixtures/${name}`, import.meta.url), args, {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });

async function message(child: ChildProcess): Promise<unknown> {
  const [first] = await Promise.race([
    once(child, "message"),
    once(child, "exit").then(([code]) => Promise.reject(new Error(`the process ended with ${code}`))),
  ]);
  return first;
}

test("A10, F5: two processes at one address-of-record never exceed its limit and lose no change", async () => {
  const path = join(folder, "contention");
  const rounds = 40;
  const children = ["a", "b"].map((name) => fixture("register-loop.mjs", path, name, String(rounds), "3"));
  for (const child of children) expect(await message(child)).toBe("ready");
  for (const child of children) child.send("go");
  const results = (await Promise.all(children.map(message))) as { granted: number; counts: number[] }[];

  const counts = results.flatMap((result) => result.counts).sort((a, b) => a - b);
  expect(counts).toEqual(Array.from({ length: rounds * 2 * 2 }, (_, i) => i + 1));
  for (const { granted } of results) expect(granted).toBeGreaterThan(0);

  const store = lmdbStore({ path });
  expect(store.read("sip:alice@example.com")).toEqual([]);
  expect(store.count()).toEqual({ aors: 1, bindings: 1 });
  await store.close();
});

test("B5: an account that another process changes is another one at once", async () => {
  const path = join(folder, "accounts");
  const { accounts, secrets, close } = lmdbEnvironment({ path });
  expect(accounts.ha1("alice", "example.com", "MD5")).toBe(null);
  expect(accounts.isEmpty()).toBe(true);
  const child = fixture("edit-accounts.mjs", path);
  expect(await message(child)).toBe("ready");
  for (const ha1 of ["a".repeat(32), "b".repeat(32)]) {
    child.send({ ha1 });
    expect(await message(child)).toBe("set");
    expect(accounts.ha1("alice", "example.com", "MD5")).toBe(ha1);
    expect(accounts.isEmpty()).toBe(false);
  }
  child.send({ ha1: null });
  expect(await message(child)).toBe("removed");
  expect(accounts.has("alice", "example.com")).toBe(false);
  expect(accounts.isEmpty()).toBe(true);
  expect(await secrets.create("nonce", "ours")).toBe("theirs");
  child.disconnect();
  await close();
});

test("two processes that make one store at once both have it", async () => {
  const path = join(folder, "made-at-once");
  const children = ["a", "b", "c"].map((name) => fixture("register-loop.mjs", path, name, "2", "100"));
  for (const ready of await Promise.all(children.map(message))) expect(ready).toBe("ready");
  for (const child of children) child.send("go");
  for (const result of await Promise.all(children.map(message)))
    expect(result).toMatchObject({ granted: 10 });
});
