import { describe, expect, it } from "vitest";
import type { CredentialSource, Ha1Answer } from "../../src/auth/source.js";
import { accountCache } from "../../src/storage/account-cache.js";
import { accountChain } from "../../src/storage/account-chain.js";
import { manualClock } from "../../src/testing/clock.js";

/** A source that knows some users, counts its questions, and can be in trouble. */
function source(users: Record<string, string | false>, options: { readonly late?: boolean } = {}) {
  const asked: string[] = [];
  const own = {
    asked,
    users,
    trouble: null as Error | null,
    ha1(user: string, realm: string, algorithm: string): Ha1Answer | Promise<Ha1Answer> {
      asked.push(`${user} ${realm} ${algorithm}`);
      const answer = (): Ha1Answer => {
        if (own.trouble !== null) throw own.trouble;
        return Object.hasOwn(users, user) ? users[user]! : null;
      };
      return options.late === true ? Promise.resolve().then(answer) : answer();
    },
  } satisfies CredentialSource & Record<string, unknown>;
  return own;
}

describe.each([
  ["answer at once", false],
  ["answer later", true],
])("a chain of sources that %s", (_, late) => {
  it("believes the first that knows the user, and asks no further", async () => {
    const one = source({ alice: "1" }, { late });
    const two = source({ alice: "2", bob: "2" }, { late });
    const chain = accountChain([one, two]);
    expect(await chain.ha1("alice", "r", "MD5")).toBe("1");
    expect(two.asked).toEqual([]);
    expect(await chain.ha1("bob", "r", "SHA-256")).toBe("2");
    expect(two.asked).toEqual(["bob r SHA-256"]);
    expect(await chain.ha1("carol", "r", "MD5")).toBeNull();
  });

  it("asks no further when one knows the user by another hash alone", async () => {
    const one = source({ walt: false }, { late });
    const two = source({ walt: "2" }, { late });
    const chain = accountChain([one, two]);
    expect(await chain.ha1("walt", "r", "SHA-256")).toBe(false);
    expect(two.asked).toEqual([]);
    expect(await chain.recheck?.("walt", "r", "SHA-256", Number.POSITIVE_INFINITY)).toBe(false);
  });

  it("after a wrong response asks all of them, and believes the first all the same", async () => {
    const one = source({ alice: "1" }, { late });
    const two = source({ alice: "2", bob: "2" }, { late });
    const three = source({ carol: "3" }, { late });
    const chain = accountChain([one, two, three]);
    for (const [user, ha1] of [
      ["alice", "1"],
      ["bob", "2"],
      ["carol", "3"],
      ["dave", null],
    ] as const) {
      for (const { asked } of [one, two, three]) asked.length = 0;
      expect(await chain.recheck?.(user, "r", "MD5", Number.POSITIVE_INFINITY)).toBe(ha1);
      for (const { asked } of [one, two, three]) expect(asked).toEqual([`${user} r MD5`]);
    }
    three.trouble = new Error("gone");
    const failing = (async () => await chain.recheck?.("alice", "r", "MD5", Number.POSITIVE_INFINITY))();
    await expect(failing).rejects.toThrow("gone");
  });

  it("fails when one fails before the user was found, and only then", async () => {
    const one = source({ alice: "1" }, { late });
    const two = source({}, { late });
    const three = source({ bob: "3" }, { late });
    two.trouble = new Error("gone");
    const chain = accountChain([one, two, three]);
    expect(await chain.ha1("alice", "r", "MD5")).toBe("1");
    await expect((async () => await chain.ha1("bob", "r", "MD5"))()).rejects.toThrow("gone");
    expect(three.asked).toEqual([]);
  });
});

describe("a chain", () => {
  it("makes no promise where none is needed", () => {
    expect(accountChain([source({}), source({ bob: "2" })]).ha1("bob", "r", "MD5")).toBe("2");
    expect(accountChain([]).ha1("bob", "r", "MD5")).toBeNull();
  });
});

describe("a cache", () => {
  const clock = manualClock();
  const times = { clock, knownMs: 1000, unknownMs: 100 };

  it("remembers whom the source knows, and for a shorter time whom it does not", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    for (let i = 0; i < 3; i++) {
      expect(await cache.ha1("alice", "r", "MD5")).toBe("1");
      expect(await cache.ha1("bob", "r", "MD5")).toBeNull();
    }
    expect(slow.asked).toHaveLength(2);
    clock.advance(100);
    await cache.ha1("alice", "r", "MD5");
    await cache.ha1("bob", "r", "MD5");
    expect(slow.asked).toHaveLength(3);
    clock.advance(900);
    await cache.ha1("alice", "r", "MD5");
    expect(slow.asked.at(-1)).toBe("alice r MD5");
    expect(slow.asked).toHaveLength(4);
  });

  it("answers at once what it remembers", async () => {
    const cache = accountCache(source({ alice: "1" }, { late: true }), times);
    expect(cache.ha1("alice", "r", "MD5")).toBeInstanceOf(Promise);
    await cache.ha1("alice", "r", "MD5");
    expect(cache.ha1("alice", "r", "MD5")).toBe("1");
  });

  it("tells users, realms and algorithms apart", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    await Promise.all([
      cache.ha1("alice", "r", "MD5"),
      cache.ha1("alice", "s", "MD5"),
      cache.ha1("alice", "r", "SHA-256"),
      cache.ha1("alice r", "", "MD5"),
    ]);
    expect(slow.asked).toHaveLength(4);
  });

  it("asks once for all who want to know the same at the same time", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    const answers = await Promise.all(
      Array.from({ length: 50 }, async () => await cache.ha1("alice", "r", "MD5")),
    );
    expect(answers).toEqual(Array.from({ length: 50 }, () => "1"));
    expect(slow.asked).toHaveLength(1);
  });

  it("never remembers trouble: all who wait are told, and the next is asked for", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    slow.trouble = new Error("gone");
    const waiting = [cache.ha1("alice", "r", "MD5"), cache.ha1("alice", "r", "MD5")];
    for (const answer of waiting) await expect(answer).rejects.toThrow("gone");
    slow.trouble = null;
    expect(await cache.ha1("alice", "r", "MD5")).toBe("1");
  });

  it("forgets everything when it is told to, an answer under way included", async () => {
    const users: Record<string, string> = { alice: "old" };
    const slow = source(users, { late: true });
    let answerOld: (ha1: string | null) => void = () => {};
    const held = new Promise<string | null>((resolve) => {
      answerOld = resolve;
    });
    let isHeld = true;
    const cache = accountCache(
      {
        ha1: (user, realm, algorithm) =>
          user === "carol" && isHeld ? held : slow.ha1(user, realm, algorithm),
      },
      times,
    );
    await cache.ha1("alice", "r", "MD5");
    await cache.ha1("bob", "r", "MD5");
    const underWay = cache.ha1("carol", "r", "MD5");
    isHeld = false;
    cache.clear();
    Object.assign(users, { alice: "new", bob: "new", carol: "new" });
    answerOld("old");
    expect(await underWay).toBe("old");
    for (const user of ["alice", "bob", "carol"]) expect(await cache.ha1(user, "r", "MD5")).toBe("new");
  });

  it("a scan for users that are not there drives out none that is", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, { clock, capacity: 10 });
    await cache.ha1("alice", "r", "MD5");
    for (let i = 0; i < 1000; i++) await cache.ha1(`nobody${i}`, "r", "MD5");
    slow.asked.length = 0;
    expect(cache.ha1("alice", "r", "MD5")).toBe("1");
    expect(slow.asked).toEqual([]);
    // the first of them is long forgotten
    await cache.ha1("nobody0", "r", "MD5");
    expect(slow.asked).toHaveLength(1);
  });

  it("after a wrong response asks anew, no more often than for an unknown user", async () => {
    const users: Record<string, string> = { alice: "1" };
    const slow = source(users, { late: true });
    const cache = accountCache(slow, times);
    const questions = async (ask: () => unknown): Promise<number> => {
      slow.asked.length = 0;
      await ask();
      return slow.asked.length;
    };
    await cache.ha1("alice", "r", "MD5");
    const wrong = () => cache.recheck("alice", "r", "MD5", Number.POSITIVE_INFINITY);
    expect(await questions(wrong)).toBe(1);
    clock.advance(99);
    expect(await questions(wrong)).toBe(0);
    expect(wrong()).toBe("1");
    clock.advance(1);
    expect(await questions(() => Promise.all([wrong(), wrong()]))).toBe(1);
    // what was changed there is known from then on
    users.alice = "2";
    clock.advance(100);
    expect(cache.ha1("alice", "r", "MD5")).toBe("1");
    expect(await wrong()).toBe("2");
    expect(cache.ha1("alice", "r", "MD5")).toBe("2");
  });

  it("what a request had to ask itself is not asked twice for it, but for one that came later", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    const began = clock.nowMs();
    await cache.ha1("alice", "r", "MD5");
    expect(cache.recheck("alice", "r", "MD5", began)).toBe("1");
    expect(slow.asked).toHaveLength(1);
    cache.clear();
    await cache.ha1("alice", "r", "MD5");
    clock.advance(1);
    // the one before had the right password: that it was here lately is for nobody to see
    await cache.recheck("alice", "r", "MD5", clock.nowMs());
    expect(slow.asked).toHaveLength(3);
  });

  it("while the source is in trouble, a wrong response is told so, and what was known stays", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, times);
    await cache.ha1("alice", "r", "MD5");
    slow.trouble = new Error("gone");
    const wrong = async () => await cache.recheck("alice", "r", "MD5", Number.POSITIVE_INFINITY);
    await expect(wrong()).rejects.toThrow("gone");
    expect(cache.ha1("alice", "r", "MD5")).toBe("1");
    slow.trouble = null;
    expect(await wrong()).toBe("1");
  });

  it("a user that is gone from the source is unknown after a wrong response", async () => {
    const users: Record<string, string> = { alice: "1" };
    const cache = accountCache(source(users, { late: true }), times);
    await cache.ha1("alice", "r", "MD5");
    delete users.alice;
    expect(await cache.recheck("alice", "r", "MD5", Number.POSITIVE_INFINITY)).toBeNull();
    expect(cache.ha1("alice", "r", "MD5")).toBeNull();
  });

  it("whoever overfills it with unknown users learns of no known one by that", async () => {
    const slow = source({ alice: "1" }, { late: true });
    const cache = accountCache(slow, { clock, capacity: 10 });
    const probe = async (user: string): Promise<number> => {
      slow.asked.length = 0;
      const began = clock.nowMs();
      const first = cache.ha1(user, "r", "MD5");
      await first;
      await cache.recheck(user, "r", "MD5", first instanceof Promise ? began : Number.POSITIVE_INFINITY);
      return slow.asked.length;
    };
    await cache.ha1("alice", "r", "MD5");
    for (const user of ["alice", "zoe"]) {
      clock.advance(1);
      expect(await probe(user)).toBe(1);
      expect(await probe(user)).toBe(0);
      for (let i = 0; i < 100; i++) await cache.ha1(`nobody${i}`, "r", "MD5");
      expect(await probe(user)).toBe(1);
      clock.advance(5000);
    }
  });

  it("a user who appears is known as soon as the cache forgets that it was not", async () => {
    const users: Record<string, string> = {};
    const cache = accountCache(source(users, { late: true }), times);
    expect(await cache.ha1("dave", "r", "MD5")).toBeNull();
    users.dave = "1";
    clock.advance(100);
    expect(await cache.ha1("dave", "r", "MD5")).toBe("1");
    delete users.dave;
    clock.advance(1000);
    expect(await cache.ha1("dave", "r", "MD5")).toBeNull();
    expect(cache.ha1("dave", "r", "MD5")).toBeNull();
  });
});
