import { describe, expect, test } from "vitest";
import type { AccountStore } from "../../src/auth/source.js";
import type { Log } from "../../src/port/log.js";
import { NO_LOG } from "../../src/port/log.js";
import type { ServerConfig } from "../../src/server/config.js";
import { loadConfig } from "../../src/server/config-load.js";
import { openness } from "../../src/server/openness.js";
import { memoryEnvironment } from "../../src/storage/memory.js";
import { manualClock } from "../../src/testing/clock.js";

const HA1S = { MD5: "0".repeat(32) };

async function stage(config: ServerConfig = loadConfig(undefined), accounts?: AccountStore) {
  const clock = manualClock();
  const said: string[] = [];
  const note = (_facts: object, message: string): void => void said.push(message);
  const log: Log = { ...NO_LOG, info: note, warn: note, error: note };
  const store = accounts ?? memoryEnvironment({ clock }).accounts;
  const open = await openness(config, { accounts: store, clock, log });
  /** Lets a look at the accounts come and its answer settle. */
  const look = async (): Promise<void> => {
    clock.advance(250);
    await store.list({ limit: 1 }).catch(() => {});
    await Promise.resolve();
  };
  return { open, store, clock, said, look };
}

describe("open for want of accounts", () => {
  test("the first account closes it", async () => {
    const { open, store, said, look } = await stage();
    expect(open.isOpen()).toBe(true);
    await look();
    expect(open.isOpen()).toBe(true);
    await store.set("alice", "example.com", HA1S);
    await look();
    expect(open.isOpen()).toBe(false);
    expect(said).toEqual([expect.stringMatching(/^closed: /)]);
  });

  test("it stays closed when the account goes, until a reload", async () => {
    const { open, store, clock, look } = await stage();
    await store.set("alice", "example.com", HA1S);
    await look();
    await store.remove("alice", "example.com");
    await look();
    expect([open.isOpen(), clock.pending()]).toEqual([false, 0]);
    await open.decide(loadConfig(undefined));
    expect(open.isOpen()).toBe(true);
  });

  test("accounts that cannot be read close nothing, and are looked at again", async () => {
    const { accounts } = memoryEnvironment({ clock: manualClock() });
    let broken = false;
    const list: AccountStore["list"] = (options) =>
      broken ? Promise.reject(new Error("the disk is gone")) : accounts.list(options);
    const { open, said, look } = await stage(loadConfig(undefined), { ...accounts, list });
    broken = true;
    await look();
    expect([open.isOpen(), said.at(-1)]).toEqual([true, "the accounts cannot be read"]);
    broken = false;
    await accounts.set("alice", "example.com", HA1S);
    await look();
    expect(open.isOpen()).toBe(false);
  });

  test("closing stops the looking", async () => {
    const { open, clock } = await stage();
    open.close();
    expect(clock.pending()).toBe(0);
  });
});

test("--open stays open whatever accounts there are, and looks at none", async () => {
  const { open, store, clock, look } = await stage(loadConfig(undefined, { open: true }));
  await store.set("alice", "example.com", HA1S);
  await look();
  expect([open.isOpen(), clock.pending()]).toEqual([true, 0]);
});

test("another source of accounts counts as one that has some", async () => {
  const config = { ...loadConfig(undefined), accounts: [{ kind: "htdigest", file: "/users" } as const] };
  const { open } = await stage(config);
  expect(open.isOpen()).toBe(false);
});
