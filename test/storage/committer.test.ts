import { describe, expect, test } from "vitest";
import { Committer, type Job, type Transactor } from "../../src/storage/committer.js";
import { manualClock } from "../../src/testing/clock.js";

/** A disk whose commits end when the test says so. */
function disk() {
  const commits: { readonly jobs: number; finish(error?: Error): void }[] = [];
  const transactor: Transactor = {
    transact(work, jobs) {
      return new Promise((resolve, reject) => {
        work();
        commits.push({ jobs, finish: (error) => (error === undefined ? resolve() : reject(error)) });
      });
    },
    isFatal: (error) => error instanceof Error && error.message === "fatal",
  };
  const clock = manualClock();
  return { commits, clock, transactor, committer: new Committer(transactor, clock) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

function aJob(log: string[], name: string, apply: () => void = () => {}): Job {
  return {
    apply() {
      log.push(`${name} applied`);
      apply();
    },
    committed: () => log.push(`${name} committed`),
    failed: (error) => log.push(`${name} failed: ${(error as Error).message}`),
  };
}

describe("grouping", () => {
  test("jobs of one turn share a commit, in the order they came", async () => {
    const { commits, committer } = disk();
    const log: string[] = [];
    for (const name of ["a", "b", "c"]) committer.add(aJob(log, name));
    expect(log).toEqual([]);
    await turns(5);
    expect(commits.map(({ jobs }) => jobs)).toEqual([3]);
    expect(log).toEqual(["a applied", "b applied", "c applied"]);
    commits[0]!.finish();
    await turn();
    expect(log.slice(3)).toEqual(["a committed", "b committed", "c committed"]);
    expect(committer.isIdle).toBe(true);
  });

  test("jobs that come while a commit is under way share the next one", async () => {
    const { commits, committer } = disk();
    const log: string[] = [];
    committer.add(aJob(log, "a"));
    await turns(5);
    for (const name of ["b", "c"]) {
      committer.add(aJob(log, name));
      await turns(5);
    }
    expect(commits.map(({ jobs }) => jobs)).toEqual([1]);
    commits[0]!.finish();
    await turns(6);
    expect(commits.map(({ jobs }) => jobs)).toEqual([1, 2]);
    expect(log).toEqual(["a applied", "a committed", "b applied", "c applied"]);
  });

  test("turns that each bring more are waited for, but not for long", async () => {
    const { commits, committer } = disk();
    for (let i = 0; i < 12; i++) {
      committer.add(aJob([], String(i)));
      await turn();
    }
    expect(commits[0]!.jobs).toBeGreaterThan(1);
    expect(commits[0]!.jobs).toBeLessThan(6);
  });

  test("plenty of jobs do not wait for the end of the turn", async () => {
    const { commits, committer } = disk();
    for (let i = 0; i < 1_023; i++) committer.add(aJob([], String(i)));
    await Promise.resolve();
    expect(commits).toEqual([]);
    committer.add(aJob([], "one more"));
    expect(commits).toEqual([]);
    await Promise.resolve();
    expect(commits.map(({ jobs }) => jobs)).toEqual([1_024]);
    // what comes while that one is under way is the next one's, however much it is
    for (let i = 0; i < 2_000; i++) committer.add(aJob([], String(i)));
    await turns(6);
    expect(commits).toHaveLength(1);
    commits[0]!.finish();
    await turns(6);
    expect(commits.map(({ jobs }) => jobs)).toEqual([1_024, 2_000]);
  });

  test("trouble is what the last commit failed with, until one goes through", async () => {
    const { commits, committer, clock } = disk();
    const commit = async (end: () => void) => {
      committer.add(aJob([], "a"));
      await turns(6);
      end();
      await turn();
      return committer.trouble;
    };
    expect(committer.trouble).toBe(null);
    const full = new Error("full");
    expect(await commit(() => commits[0]!.finish(full))).toBe(full);
    expect(await commit(() => commits[1]!.finish())).toBe(null);
    expect(await commit(() => clock.advance(5_000))).toMatchObject({ code: "unavailable" });
    commits[2]!.finish();
    await turn();
    expect(committer.trouble).toBe(null);
  });

  test("idle resolves when all is done", async () => {
    const { commits, committer } = disk();
    let idle = false;
    committer.add(aJob([], "a"));
    const waiting = committer.idle().then(() => {
      idle = true;
    });
    await turns(5);
    expect(idle).toBe(false);
    commits[0]!.finish();
    await waiting;
    await committer.idle();
  });
});

describe("trouble", () => {
  test("a commit that fails fails every job of it, and the next one goes on", async () => {
    const { commits, committer } = disk();
    const log: string[] = [];
    for (const name of ["a", "b"]) committer.add(aJob(log, name));
    await turns(5);
    committer.add(aJob(log, "c"));
    commits[0]!.finish(new Error("no room"));
    await turns(6);
    commits[1]!.finish();
    await turn();
    expect(log.slice(2)).toEqual(["a failed: no room", "b failed: no room", "c applied", "c committed"]);
  });

  test("a job that throws fails alone", async () => {
    const { commits, committer } = disk();
    const log: string[] = [];
    committer.add(aJob(log, "a"));
    committer.add(
      aJob(log, "b", () => {
        throw new Error("mine");
      }),
    );
    committer.add(aJob(log, "c"));
    await turns(5);
    commits[0]!.finish();
    await turn();
    expect(log).toEqual([
      "a applied",
      "b applied",
      "b failed: mine",
      "c applied",
      "a committed",
      "c committed",
    ]);
  });

  test("an error of the store in a job fails the commit", async () => {
    const { committer } = disk();
    const log: string[] = [];
    committer.add(aJob(log, "a"));
    committer.add(
      aJob(log, "b", () => {
        throw new Error("fatal");
      }),
    );
    committer.add(aJob(log, "c"));
    await turns(6);
    expect(log).toEqual(["a applied", "b applied", "a failed: fatal", "b failed: fatal", "c failed: fatal"]);
  });

  test("F2: a disk that does not answer is told to all who wait, and works again when it does", async () => {
    const { commits, clock, committer } = disk();
    const log: string[] = [];
    committer.add(aJob(log, "a"));
    await turns(5);
    committer.add(aJob(log, "b"));
    clock.advance(4_999);
    expect(log).toEqual(["a applied"]);
    clock.advance(1);
    const told = "failed: the disk has not answered for 5 s";
    expect(log.slice(1)).toEqual([`a ${told}`, `b ${told}`]);
    expect(() => committer.add(aJob(log, "c"))).toThrow(
      expect.objectContaining({ name: "StoreError", code: "unavailable" }),
    );
    commits[0]!.finish();
    await turn();
    committer.add(aJob(log, "d"));
    await turns(5);
    commits[1]!.finish();
    await turn();
    expect(log.slice(3)).toEqual(["d applied", "d committed"]);
    expect(clock.pending()).toBe(0);
  });

  test("a turn that takes longer than a commit may is not the disk's fault", async () => {
    const { transactor, commits } = disk();
    const timers: { readonly delayMs: number; callback(): void }[] = [];
    const committer = new Committer(transactor, {
      after(delayMs, callback) {
        timers.push({ delayMs, callback });
        return { cancel() {} };
      },
    });
    const log: string[] = [];
    committer.add(aJob(log, "a"));
    await turns(5);
    // the loop comes round to its timers late, and only then to what the disk has said
    timers[0]!.callback();
    commits[0]!.finish();
    await turn();
    expect(log).toEqual(["a applied", "a committed"]);
    expect(timers.every(({ delayMs }) => delayMs <= 1_000)).toBe(true);
  });

  test("jobs that wait are bounded", async () => {
    const { committer } = disk();
    const job = aJob([], "a");
    for (let i = 0; i < 100_000; i++) committer.add(job);
    expect(() => committer.add(job)).toThrow(
      expect.objectContaining({ name: "StoreError", code: "overloaded" }),
    );
  });
});
