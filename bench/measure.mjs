/** One measurement: a fresh server, a load in its own process, and what came of it. */
import { fork } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { memoryOctets } from "./cpu.mjs";
import { answers, pinned, tracked } from "./servers/process.mjs";

const WORKER = fileURLToPath(new URL("./load/worker.mjs", import.meta.url));
const SCRATCH = fileURLToPath(new URL("../.bench/", import.meta.url));

let folders = 0;

/** Starts a contender in a folder of its own, hands it over, and leaves nothing behind. */
export async function withServer(contender, extra, use) {
  const folder = join(SCRATCH, `${process.pid}-${folders++}`);
  mkdirSync(folder, { recursive: true });
  let server;
  try {
    server = await contender.start({ ...extra, folder });
    return await use(server, folder);
  } finally {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one job of the load to its end. */
function runLoad(job) {
  return new Promise((resolve, reject) => {
    // the load has the second processor, and the server the first
    const [execPath, ...execArgv] = pinned(1, [process.execPath]);
    const worker = tracked(fork(WORKER, { execPath, execArgv }));
    worker.once("message", ({ result, error }) =>
      error === undefined ? resolve(result) : reject(new Error(error)),
    );
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the load ended with ${code}`)));
    worker.send(job);
  });
}

export const portFor = (server, transport) =>
  ({ udp: server.port, tcp: server.tcpPort, tls: server.tlsPort, ws: server.wsPort })[transport];

/** Nothing but success may be counted as work. */
function checked(result, contender) {
  const wrong = Object.entries(result.statuses).filter(([status]) => status !== "200");
  if (!(result.done > 0) || wrong.length > 0)
    throw new Error(`${contender.name}: ${result.done} done, answers ${JSON.stringify(result.statuses)}`);
  return result;
}

/** A closed loop, or an open one when `rate` is given. */
export function measureLoop(contender, load, { seconds, warmSeconds, aors, rate, profile }) {
  return withServer(contender, { aors, profile }, async (server) => {
    const scraping = contender.scrape ? scrape(server) : undefined;
    try {
      const job = {
        ...load,
        aors,
        seconds,
        warmSeconds,
        rate,
        port: portFor(server, load.transport),
        pid: server.child.pid,
      };
      return checked(
        await runLoad(rate === undefined ? job : { ...job, concurrency: Math.min(1024, aors / 2) }),
        contender,
      );
    } finally {
      clearInterval(scraping);
    }
  });
}

function scrape({ adminUrl }) {
  if (adminUrl === undefined) throw new Error("the ready line names no admin address");
  return setInterval(() => {
    fetch(new URL("/metrics", adminUrl))
      .then((response) => response.text())
      .catch(() => undefined);
  }, 1000);
}

/** Registers many contacts, weighs the server, and starts a durable one again. */
export function measureScale(contender, load, { contacts }) {
  return withServer(contender, { contacts }, async (server, folder) => {
    const empty = memoryOctets(server.pids());
    const loaded = checked(await runLoad({ ...load, aors: contacts, port: server.port }), contender);
    // what was only needed for the filling may go first
    await sleep(2000);
    const full = memoryOctets(server.pids());
    const result = {
      done: contacts,
      perSecond: contacts / loaded.seconds,
      residentPerContact: (full.pss - empty.pss) / contacts,
      anonymousPerContact: (full.anonymous - empty.anonymous) / contacts,
      residentMiB: full.pss / 2 ** 20,
      restartSeconds: null,
      restartResidentMiB: null,
    };
    if (!contender.name.includes("durable")) return result;
    await server.stop();
    const at = performance.now();
    const again = await contender.start({ contacts, folder });
    try {
      await answers(again, again.port);
      result.restartSeconds = (performance.now() - at) / 1000;
      result.restartResidentMiB = memoryOctets(again.pids()).pss / 2 ** 20;
    } finally {
      await again.stop();
    }
    return result;
  });
}
