import { describe, expect, it } from "vitest";
import type { NonceKeys } from "../../src/auth/nonce.js";
import { NONCE_KEYS, NonceKeyring } from "../../src/auth/nonce-keyring.js";
import type { SecretStore } from "../../src/auth/source.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { sharedSecrets } from "./secrets.js";

const ROTATE_MS = 86_400_000;
const REFRESH_MS = 60_000;

interface Ring {
  readonly ring: NonceKeyring;
  readonly keys: NonceKeys[];
  readonly failures: unknown[];
}

function keyring(secrets: SecretStore | undefined, clock: ManualClock, seed: number): Ring {
  const keys: NonceKeys[] = [];
  const failures: unknown[] = [];
  const ring = new NonceKeyring({
    secrets,
    clock,
    entropy: seededEntropy(seed),
    rotateMs: ROTATE_MS,
    refreshMs: REFRESH_MS,
    changed: (changed) => keys.push(changed),
    failed: (error) => failures.push(error),
  });
  return { ring, keys, failures };
}

/** Lets everything that waits for a promise go on. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

describe("keys without a store", () => {
  it("are there at once and differ from those of the next process", () => {
    const clock = manualClock();
    const one = keyring(undefined, clock, 1);
    const two = keyring(undefined, clock, 2);
    expect(one.ring.ready()).toBeUndefined();
    expect(two.ring.ready()).toBeUndefined();
    expect(one.keys[0]!.current).not.toBe(two.keys[0]!.current);
    expect(one.keys[0]!.current).toHaveLength(64);
  });

  it("change when their time is over, and the one before is still believed", async () => {
    const clock = manualClock();
    const { ring, keys } = keyring(undefined, clock, 1);
    await ring.ready();
    clock.advance(ROTATE_MS);
    await settle();
    expect(keys).toHaveLength(2);
    expect(keys[1]).toMatchObject({ generation: 1, previous: keys[0]!.current });
  });
});

describe.each([
  ["a store that answers at once", false],
  ["a store that answers later", true],
])("keys in %s", (_, late) => {
  it("are made by whoever comes first and shared by all", async () => {
    const secrets = sharedSecrets({ late });
    const clock = manualClock();
    const one = keyring(secrets, clock, 1);
    const two = keyring(secrets, clock, 2);
    await Promise.all([one.ring.ready(), two.ring.ready()]);
    expect(one.keys).toHaveLength(1);
    expect(two.keys[0]).toEqual(one.keys[0]);
  });

  it("outlive a restart", async () => {
    const secrets = sharedSecrets({ late });
    const clock = manualClock();
    const before = keyring(secrets, clock, 1);
    await before.ring.ready();
    before.ring.close();
    const after = keyring(secrets, clock, 2);
    await after.ring.ready();
    expect(after.keys[0]).toEqual(before.keys[0]);
  });

  it("are changed once by one process, and the others follow without being told", async () => {
    const secrets = sharedSecrets({ late });
    const clock = manualClock();
    const rings = [keyring(secrets, clock, 1), keyring(secrets, clock, 2), keyring(secrets, clock, 3)];
    for (const { ring } of rings) await ring.ready();
    const first = rings[0]!.keys[0]!;
    // as many looks as a day has; timers of all three fire in each step
    for (let passedMs = 0; passedMs <= ROTATE_MS + 2 * REFRESH_MS; passedMs += REFRESH_MS) {
      clock.advance(REFRESH_MS);
      await settle();
    }
    const last = rings.map(({ keys }) => keys.at(-1)!);
    expect(last[0]).toMatchObject({ generation: 1, previous: first.current });
    expect(last[1]).toEqual(last[0]);
    expect(last[2]).toEqual(last[0]);
  });

  it("stay in force while the store is in trouble, and are changed when it is well again", async () => {
    const secrets = sharedSecrets({ late });
    const clock = manualClock();
    const { ring, keys, failures } = keyring(secrets, clock, 1);
    await ring.ready();
    secrets.trouble = new Error("disk on fire");
    clock.advance(REFRESH_MS);
    await settle();
    expect(failures).toEqual([secrets.trouble]);
    expect(keys).toHaveLength(1);
    expect(ring.ready()).toBeUndefined();
    secrets.trouble = null;
    for (let passedMs = 0; passedMs <= ROTATE_MS; passedMs += REFRESH_MS) {
      clock.advance(REFRESH_MS);
      await settle();
    }
    expect(keys).toHaveLength(2);
  });

  it("cannot be had when the store fails at the start; the next call tries again", async () => {
    const secrets = sharedSecrets({ late });
    const { ring, keys } = keyring(secrets, manualClock(), 1);
    secrets.trouble = new Error("disk on fire");
    await expect((async () => await ring.ready())()).rejects.toThrow("disk on fire");
    secrets.trouble = null;
    await ring.ready();
    expect(keys).toHaveLength(1);
  });

  it("that are damaged are an error which does not show them", async () => {
    const secrets = sharedSecrets({ late });
    secrets.values.set(NONCE_KEYS, `0 ${"k".repeat(63)} - 0`);
    const { ring } = keyring(secrets, manualClock(), 1);
    const failure = await (async () => await ring.ready())().catch((error: unknown) => String(error));
    expect(failure).toContain("damaged");
    expect(failure).not.toContain("kkk");
  });
});

describe("looking for a key that another process made", () => {
  it("is worth it once a second, and only with a store", async () => {
    const clock = manualClock();
    const { ring } = keyring(sharedSecrets(), clock, 1);
    await ring.ready();
    expect(ring.mayLookAgain()).toBe(false);
    clock.advance(1000);
    expect(ring.mayLookAgain()).toBe(true);
    await ring.refresh();
    expect(ring.mayLookAgain()).toBe(false);
    const alone = keyring(undefined, clock, 1).ring;
    await alone.ready();
    clock.advance(5000);
    expect(alone.mayLookAgain()).toBe(false);
  });

  it("no timer is left behind by close", async () => {
    const clock = manualClock();
    const { ring } = keyring(sharedSecrets(), clock, 1);
    await ring.ready();
    expect(clock.pending()).toBe(1);
    ring.close();
    expect(clock.pending()).toBe(0);
    await ring.refresh();
    expect(clock.pending()).toBe(0);
  });
});
