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

function stage(config: ServerConfig = loadConfig(undefined), accounts?: AccountStore) {
  const clock = manualClock();
  const said: string[] = [];
  const note = (_facts: object, message: string): void => void said.push(message);
  const log: Log = { ...NO_LOG, info: note, warn: note, error: note };
  const store = accounts ?? memoryEnvironment({ clock }).accounts;
  const open = openness(config, { accounts: store, clock, log });
  return { open, store, clock, said };
}

describe("open for want of accounts", () => {
  test("the first account closes it at once", async () => {
    const { open, store, clock, said } = stage();
    expect(open.isOpen()).toBe(true);
    clock.advance(1000);
    expect(open.isOpen()).toBe(true);
    await store.set("alice", "example.com", HA1S);
    expect(open.isOpen()).toBe(false);
    expect([said, clock.pending()]).toEqual([[expect.stringMatching(/^closed: /)], 0]);
  });

  test("it closes, and says so, when nobody asks", async () => {
    const { open, store, clock, said } = stage();
    await store.set("alice", "example.com", HA1S);
    clock.advance(250);
    expect([said, clock.pending()]).toEqual([[expect.stringMatching(/^closed: /)], 0]);
    await store.remove("alice", "example.com");
    expect(open.isOpen()).toBe(false);
  });

  test("it stays closed when the account goes, until a reload", async () => {
    const { open, store, clock } = stage();
    await store.set("alice", "example.com", HA1S);
    expect(open.isOpen()).toBe(false);
    await store.remove("alice", "example.com");
    clock.advance(1000);
    expect([open.isOpen(), clock.pending()]).toEqual([false, 0]);
    open.decide(loadConfig(undefined));
    expect(open.isOpen()).toBe(true);
  });

  test("accounts that cannot be read close nothing, and are looked at again", async () => {
    const { accounts } = memoryEnvironment({ clock: manualClock() });
    let broken = false;
    const isEmpty = (): boolean => {
      if (broken) throw new Error("the disk is gone");
      return accounts.isEmpty();
    };
    const { open, clock, said } = stage(loadConfig(undefined), { ...accounts, isEmpty });
    broken = true;
    clock.advance(250);
    expect([open.isOpen(), said]).toEqual([true, ["the accounts cannot be read"]]);
    expect(() => open.decide(loadConfig(undefined))).toThrow("the disk is gone");
    broken = false;
    await accounts.set("alice", "example.com", HA1S);
    clock.advance(250);
    expect(said.at(-1)).toMatch(/^closed: /);
    expect(open.isOpen()).toBe(false);
  });

  test("closing stops the looking", () => {
    const { open, clock } = stage();
    open.close();
    expect(clock.pending()).toBe(0);
  });
});

test("--open stays open whatever accounts there are, and looks at none", async () => {
  const { open, store, clock } = stage(loadConfig(undefined, { open: true }));
  await store.set("alice", "example.com", HA1S);
  expect([open.isOpen(), clock.pending()]).toEqual([true, 0]);
});

test("another source of accounts counts as one that has some", () => {
  const config = { ...loadConfig(undefined), accounts: [{ kind: "htdigest", file: "/users" } as const] };
  const { open } = stage(config);
  expect(open.isOpen()).toBe(false);
});
