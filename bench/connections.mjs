/** Very many connections with a binding each: what they weigh, all of them refreshing at once, and all of them dying at once. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { memoryOctets } from "./cpu.mjs";
import { percentiles } from "./load/percentiles.mjs";
import { costed, startLoad } from "./loads.mjs";
import { portFor, withServer } from "./measure.mjs";

const LOAD = fileURLToPath(new URL("./load/connections.mjs", import.meta.url));
/** No process may hold all of the connections where the server may hold no more. */
const LOADS = 2;
/** Loopback addresses that the phones come from. */
const ADDRESSES = 16;
/** Descriptors that a server has besides its connections, with a good margin. */
const SPARE = 400;
/** Between two looks at a server that is to notice something. */
const LOOK_MS = 50;

/** How many connections a server can have when `asked` are wanted: each is a descriptor, and the system bounds those of a process. */
function possible(asked) {
  const limits = readFileSync("/proc/self/limits", "latin1");
  const hard = /^Max open files +\S+ +(\d+)/m.exec(limits)?.[1];
  return hard === undefined ? asked : Math.min(asked, Number(hard) - SPARE);
}

/** Opens connections, registers over each, weighs the server, lets all refresh at once, and kills all of them. */
export function measureConnections(contender, _load, { connections: asked, noticeSeconds, profile }) {
  const connections = possible(asked);
  const { transport } = contender;
  return withServer(contender, { connections, aors: connections, profile }, async (server) => {
    const bindingsBefore = await server.bindings();
    const idle = memoryOctets(server.pids());
    const loads = Array.from({ length: LOADS }, () => startLoad(LOAD));
    try {
      const job = { transport, port: portFor(server, transport), addresses: ADDRESSES };
      const opened = await costed(server, () =>
        Promise.all(loads.map((load, i) => load.ask(openVerb(job, connections, i)))),
      );
      // what was only needed for the handshakes may go first
      await sleep(2000);
      const full = memoryOctets(server.pids());
      const bound = (await server.bindings()) - bindingsBefore;
      if (bound !== connections)
        throw new Error(`${contender.name}: ${bound} bindings over ${connections} connections`);
      const storm = await costed(server, () =>
        Promise.all(loads.map((load) => load.ask({ verb: "refresh" }))),
      );
      return {
        connections,
        done: connections,
        connectSeconds: opened.seconds,
        connectCpuUs: opened.cpuUs / connections,
        residentPerConnection: (full.pss - idle.pss) / connections,
        anonymousPerConnection: (full.anonymous - idle.anonymous) / connections,
        residentMiB: full.pss / 2 ** 20,
        storm: stormOf(storm, connections),
        ...(await allDie(server, loads, bindingsBefore, noticeSeconds)),
      };
    } finally {
      for (const load of loads) load.kill();
    }
  });
}

function openVerb(job, connections, i) {
  const first = Math.floor((connections * i) / LOADS);
  return { verb: "open", job: { ...job, first, count: Math.floor((connections * (i + 1)) / LOADS) - first } };
}

function stormOf({ result, cpuUs }, connections) {
  const statuses = {};
  for (const each of result)
    for (const [status, count] of Object.entries(each.statuses))
      statuses[status] = (statuses[status] ?? 0) + count;
  const startedAtMs = Math.min(...result.map((each) => each.startedAtMs));
  return {
    seconds: (Math.max(...result.map((each) => each.endedAtMs)) - startedAtMs) / 1000,
    cpuUs: cpuUs / connections,
    statuses,
    latencyMs: percentiles(result.flatMap(({ latencies }) => latencies)),
  };
}

/** `goneSeconds` from the kill to a server without these bindings, `null` when it did not notice; the system alone needs `closedSeconds` to close the connections. */
async function allDie(server, loads, bindingsBefore, noticeSeconds) {
  const at = performance.now();
  const secondsSince = () => (performance.now() - at) / 1000;
  const { result, cpuUs } = await costed(server, async () => {
    for (const load of loads) load.kill();
    const closed = Promise.all(loads.map(({ ended }) => ended)).then(secondsSince);
    let goneSeconds = null;
    while (goneSeconds === null && secondsSince() < noticeSeconds) {
      await sleep(LOOK_MS);
      if ((await server.bindings()) <= bindingsBefore) goneSeconds = secondsSince();
    }
    return { goneSeconds, closedSeconds: await closed };
  });
  return { ...result, goneCpuSeconds: cpuUs / 1e6 };
}
