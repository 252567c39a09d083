/**
 * The load, in a process of its own: takes one job from its parent, runs it, tells the result, ends.
 * job: kind ("register", "call", "preload"), transport, port, aors, concurrency, links, auth, seconds, warmSeconds, rate, pid (of the server)
 */
import { cpuMicroseconds, processTree } from "../cpu.mjs";
import { calls } from "./calls.mjs";
import { percentiles } from "./percentiles.mjs";
import { registers } from "./registers.mjs";

const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));

/** A server that answers nothing for so long has failed. */
const PATIENCE_MS = 15_000;

/** Until `count` more exchanges are done. */
function finished(slots, count) {
  const goal = slots.finished + count;
  return new Promise((resolve, reject) => {
    let last = slots.finished;
    const watch = setInterval(() => {
      if (slots.finished === last)
        reject(new Error(`no answer in ${PATIENCE_MS / 1000} s; so far ${JSON.stringify(slots.statuses)}`));
      last = slots.finished;
    }, PATIENCE_MS);
    slots.onFinish = () => {
      if (slots.finished < goal) return;
      slots.onFinish = undefined;
      clearInterval(watch);
      slots.stopped = true;
      resolve();
    };
    slots.startAll();
  });
}

/** Starts exchanges by the clock, `rate` in a second, spread evenly; one that finds no slot free is counted as late. */
function pace(slots, rate) {
  slots.isClosed = false;
  let late = 0;
  let started = 0;
  const from = performance.now();
  let isOver = false;
  const tick = () => {
    if (isOver) return;
    const due = Math.floor(((performance.now() - from) * rate) / 1000);
    for (; started < due; started++) {
      const slot = slots.takeIdle();
      if (slot === undefined) late++;
      else slots.begin(slot);
    }
    setImmediate(tick);
  };
  tick();
  return { late: () => late, end: () => (isOver = true) };
}

async function measure(job, slots) {
  if (job.kind !== "call") await finished(slots, job.aors);
  const paced = job.rate === undefined ? undefined : pace(slots, job.rate);
  if (paced === undefined) slots.startAll();
  await sleep(job.warmSeconds);

  const count = slots.finished;
  const resent = slots.resent;
  const before = { ...slots.statuses };
  slots.latencies = [];
  // only now: a server may still have been forking when it answered first
  const pids = processTree(job.pid);
  const serverCpu = cpuMicroseconds(pids);
  const ownCpu = process.cpuUsage();
  const at = performance.now();
  await sleep(job.seconds);
  const seconds = (performance.now() - at) / 1000;
  const serverUs = cpuMicroseconds(pids) - serverCpu;
  const own = process.cpuUsage(ownCpu);
  const done = slots.finished - count;
  paced?.end();
  const statuses = {};
  for (const [status, n] of Object.entries(slots.statuses))
    if (n > (before[status] ?? 0)) statuses[status] = n - (before[status] ?? 0);
  return {
    done,
    seconds,
    perSecond: done / seconds,
    cpuUs: serverUs / done,
    serverBusy: serverUs / 1e6 / seconds,
    loadBusy: (own.user + own.system) / 1e6 / seconds,
    statuses,
    resent: slots.resent - resent,
    late: paced?.late() ?? 0,
    latencyMs: percentiles(slots.latencies),
  };
}

async function preload(job, slots) {
  const at = performance.now();
  await finished(slots, job.aors);
  return {
    done: job.aors,
    seconds: (performance.now() - at) / 1000,
    statuses: slots.statuses,
    resent: slots.resent,
  };
}

process.once("message", async (job) => {
  try {
    const slots = await (job.kind === "call" ? calls(job) : registers(job));
    const result = await (job.kind === "preload" ? preload(job, slots) : measure(job, slots));
    process.send({ result }, () => process.exit(0));
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) }, () => process.exit(1));
  }
});
