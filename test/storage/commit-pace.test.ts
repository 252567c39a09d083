import { expect, test } from "vitest";
import { CommitPace } from "../../src/storage/commit-pace.js";

function pace() {
  const clock = { ms: 0 };
  const limits = { minJobs: 16, maxMs: 10, maxMsPerJob: 0.02, restRatio: 50, maxRestMs: 30_000 };
  return { clock, pace: new CommitPace(limits, () => clock.ms) };
}

test("nothing blocks before anything is known of the disk", () => {
  const { clock, pace: fresh } = pace();
  expect(fresh.mayBlock(1_000)).toBe(false);
  clock.ms = 100;
  expect(fresh.mayBlock(1_000)).toBe(true);
});

test("a few jobs never block, many do", () => {
  const { clock, pace: calm } = pace();
  clock.ms = 100;
  expect(calm.mayBlock(15)).toBe(false);
  expect(calm.mayBlock(16)).toBe(true);
});

test("after a slow commit none blocks for fifty times as long", () => {
  const { clock, pace: slow } = pace();
  clock.ms = 1_000;
  slow.took(10, 0);
  expect(slow.mayBlock(64)).toBe(true);
  slow.took(20, 16);
  clock.ms = 1_999;
  expect(slow.mayBlock(64)).toBe(false);
  clock.ms = 2_000;
  expect(slow.mayBlock(64)).toBe(true);
});

test("slow ones on the other thread keep it so, the slowest for half a minute, and a shorter rest ends no longer one", () => {
  const { clock, pace: slow } = pace();
  clock.ms = 1_000;
  slow.took(5_000, 16);
  clock.ms = 2_000;
  slow.took(11, 0);
  clock.ms = 30_999;
  expect(slow.mayBlock(64)).toBe(false);
  clock.ms = 31_000;
  expect(slow.mayBlock(64)).toBe(true);
});

test("a commit of many jobs may wait for longer", () => {
  const { clock, pace: busy } = pace();
  clock.ms = 1_000;
  busy.took(30, 1_000);
  expect(busy.mayBlock(64)).toBe(true);
  busy.took(31, 1_000);
  expect(busy.mayBlock(64)).toBe(false);
});

test("none blocks while another process writes", () => {
  const { clock, pace: shared } = pace();
  clock.ms = 1_000;
  shared.sharesLock();
  expect(shared.mayBlock(64)).toBe(false);
  clock.ms = 6_000;
  expect(shared.mayBlock(64)).toBe(true);
});
