import { describe, expect, it } from "vitest";
import type { AttemptWatcher, AuthReport } from "../../src/auth/attempts.js";
import { ha1For } from "../../src/auth/digest.js";
import type { CredentialSource, Ha1Answer } from "../../src/auth/source.js";
import { Guard } from "../../src/server/guard.js";
import { accountCache } from "../../src/storage/account-cache.js";
import { accountChain } from "../../src/storage/account-chain.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { type AnswerParts, answering, hasher, passwords, rig } from "./authorize-rig.js";

/** Lets everything happen that waits for nothing but its turn. */
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

/** A source whose questions are answered by hand. */
function byHand(name: string, users: Record<string, string>, asked: string[]) {
  const waiting: { user: string; answer: () => void; fail: () => void }[] = [];
  return {
    users,
    waiting,
    source: {
      ha1: (user, realm, algorithm) => {
        asked.push(`${name} ${algorithm}`);
        return new Promise<Ha1Answer>((resolve, reject) => {
          const password = users[user];
          waiting.push({
            user,
            answer: () =>
              resolve(password === undefined ? null : ha1For(hasher, { user, realm, password }, algorithm)),
            fail: () => reject(new Error("gone")),
          });
        });
      },
    } satisfies CredentialSource,
  };
}

/** alice in the store, hal and wendy behind two slow sources that are cached; whoever else is asked for is unknown. */
function world(options: { readonly watcher?: AttemptWatcher; readonly clock?: ManualClock } = {}) {
  const { clock = manualClock() } = options;
  const asked: string[] = [];
  const first = byHand("first", { hal: "secret" }, asked);
  const second = byHand("second", { wendy: "secret" }, asked);
  const source = accountChain([
    passwords({ alice: "secret" }),
    accountCache(first.source, { clock }),
    accountCache(second.source, { clock }),
  ]);
  const { ask, challenge, authorize } = rig({ ...options, source, clock });
  /** Sends credentials; `answered` is undefined while nothing is. */
  const send = async (parts: AnswerParts) => {
    const sent: { answered?: number | "accepted" } = {};
    void ask(answering(await challenge(), parts)).then(({ status }) => {
      sent.answered = status ?? "accepted";
    });
    await settle();
    return sent;
  };
  const next = async (end: "answer" | "fail"): Promise<void> => {
    for (const { waiting } of [first, second]) for (const question of waiting.splice(0)) question[end]();
    await settle();
  };
  /** What is asked for wrong credentials, step by step, and how they are answered in the end. */
  const probe = async (user: string, end: "answer" | "fail" = "answer"): Promise<string[]> => {
    asked.length = 0;
    const steps: string[] = [];
    const sent = await send({ user, password: "guess" });
    while (sent.answered === undefined) {
      steps.push(...asked.splice(0), "wait");
      await next(end);
    }
    return [...steps, ...asked.splice(0), String(sent.answered)];
  };
  /** The right password, so that the caches know the user. */
  const logIn = async (user: string): Promise<void> => {
    const sent = await send({ user });
    while (sent.answered === undefined) await next("answer");
    expect(sent.answered).toBe(user === "alice" ? "accepted" : 403);
  };
  return { clock, asked, first, second, send, next, probe, logIn, authorize };
}

const USERS = ["alice", "hal", "wendy", "nobody"];

describe("FEATURES B4: known and unknown users cannot be told apart by time", () => {
  const ASKED = ["first MD5", "wait", "second MD5", "wait", "401"];

  it.each(USERS)("the first wrong response of %s, and those after it", async (user) => {
    const { probe, clock } = world();
    expect(await probe(user)).toEqual(ASKED);
    clock.advance(4999);
    expect(await probe(user)).toEqual(["401"]);
    clock.advance(1);
    expect(await probe(user)).toEqual(ASKED);
    clock.advance(70_000);
    expect(await probe(user)).toEqual(ASKED);
  });

  it.each(["alice", "hal", "wendy"])("of %s, who was here just before", async (user) => {
    const { probe, logIn, clock } = world();
    await logIn(user);
    clock.advance(10);
    expect(await probe(user)).toEqual(ASKED);
    await logIn(user);
    expect(await probe(user)).toEqual(["401"]);
    clock.advance(6000);
    await logIn(user);
    expect(await probe(user)).toEqual(ASKED);
  });

  it.each(USERS)("many at once of %s ask once, and are answered together", async (user) => {
    const { asked, send, next } = world();
    const sent = [];
    for (let i = 0; i < 5; i++) sent.push(await send({ user, password: `guess${i}` }));
    await next("answer");
    expect(sent.map(({ answered }) => answered)).toEqual(Array.from({ length: 5 }, () => undefined));
    await next("answer");
    expect(sent.map(({ answered }) => answered)).toEqual(Array.from({ length: 5 }, () => 401));
    expect(asked).toEqual(["first MD5", "second MD5"]);
  });

  it.each(USERS)("while a source fails, %s hears 503, each time after it was asked", async (user) => {
    const { probe, logIn, clock } = world();
    if (user !== "nobody") await logIn(user);
    clock.advance(10_000);
    for (let i = 0; i < 3; i++) expect(await probe(user, "fail")).toEqual(["first MD5", "wait", "503"]);
    expect(await probe(user)).toEqual(ASKED);
  });
});

describe("a right password", () => {
  it("is answered from the cache at once, also while wrong ones wait", async () => {
    const { send, logIn, clock, next } = world();
    for (const user of ["alice", "hal"]) {
      await logIn(user);
      clock.advance(10_000);
      const wrong = await send({ user, password: "guess" });
      const right = await send({ user });
      expect(wrong.answered).toBeUndefined();
      expect(right.answered).toBe(user === "alice" ? "accepted" : 403);
      await next("answer");
      await next("answer");
      expect(wrong.answered).toBe(401);
    }
  });

  it("waits for nobody else who names the same address", async () => {
    const { send } = world();
    const other = await send({ user: "nobody", password: "guess" });
    expect((await send({ user: "alice" })).answered).toBe("accepted");
    expect(other.answered).toBeUndefined();
  });

  it("that was just changed at its source is believed at once", async () => {
    const { send, next, logIn, second, clock } = world();
    await logIn("wendy");
    clock.advance(10_000);
    second.users.wendy = "new";
    const sent = await send({ user: "wendy", password: "new" });
    await next("answer");
    await next("answer");
    // it is wendy, who may not register alice
    expect(sent.answered).toBe(403);
    expect((await send({ user: "wendy", password: "new" })).answered).toBe(403);
  });
});

describe("guessing while answers are waited for", () => {
  it.each(USERS)("of %s in one burst is looked at no more often than one by one", async (user) => {
    const clock = manualClock();
    const guard = new Guard({ clock, attempts: 5, attemptSeconds: 30 });
    const { send, next, authorize } = world({ watcher: guard, clock });
    const sent = [];
    for (let i = 0; i < 8; i++) sent.push(await send({ user, password: `guess${i}` }));
    expect(sent.map(({ answered }) => answered)).toEqual([
      ...Array.from({ length: 5 }, () => undefined),
      ...Array.from({ length: 3 }, () => 401),
    ]);
    await next("answer");
    await next("answer");
    expect(authorize.counters).toMatchObject({ wrong: 5, throttled: 3 });
    expect((await send({ user })).answered).toBe(401);
    clock.advance(30_000);
    expect((await send({ user: "alice" })).answered).toBe("accepted");
  });

  it("what was right, or could not be told, is not held against anybody", async () => {
    const clock = manualClock();
    const guard = new Guard({ clock, attempts: 2, attemptSeconds: 3600 });
    const { send, next } = world({ watcher: guard, clock });
    for (const end of ["fail", "answer", "fail", "answer", "fail", "fail", "answer"] as const) {
      const sent = await send({ user: "hal" });
      await next(end);
      expect(sent.answered).toBe(end === "answer" ? 403 : 503);
      clock.advance(60_001);
    }
  });

  it.each(USERS)("of %s is counted as it comes, and told when all is known", async (user) => {
    const heard: string[] = [];
    const watcher: AttemptWatcher = {
      mayTry: () => true,
      hold: (_, name, challenged) => void heard.push(`hold ${name} ${challenged}`),
      report: ({ outcome, user: name, isHeld }: AuthReport) =>
        void (outcome === "challenged" || heard.push(`${outcome} ${name} ${isHeld}`)),
    };
    const { send, next } = world({ watcher });
    await send({ user, password: "guess" });
    expect(heard).toEqual([`hold ${user} here`]);
    await next("answer");
    await next("answer");
    expect(heard.slice(1)).toEqual([`wrong ${user} true`]);
    heard.length = 0;
    await send({ user, password: "guess" });
    expect(heard).toEqual([`wrong ${user} false`]);
  });
});
