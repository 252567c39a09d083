/** Very many calls that ring at once: what one weighs, what it costs to make and to cancel it, and what is left of them. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { memoryOctets } from "./cpu.mjs";
import { costed, startLoad } from "./loads.mjs";
import { withServer } from "./measure.mjs";

const LOAD = fileURLToPath(new URL("./load/ringing.mjs", import.meta.url));

/**
 * Rings, weighs the server, cancels all, waits until the server has forgotten them, and weighs it again; twice, so that a
 * server whose memory grows with each round is seen.
 * @param settings.forgetSeconds how long it may take to forget; 0 waits for nothing and rings once
 */
export function measureRinging(contender, { links }, { ringing: calls, aors, profile, forgetSeconds }) {
  return withServer(contender, { ringing: calls, aors, profile }, async (server) => {
    const load = startLoad(LOAD);
    try {
      await load.ask({ verb: "open", job: { port: server.port, aors, links, calls } });
      await sleep(1000);
      const idle = memoryOctets(server.pids());
      const parts = { contender, server, load, calls, idle, forgetSeconds };
      const first = await ringAndCancel({ ...parts, round: 1 });
      const again = forgetSeconds === 0 ? undefined : await ringAndCancel({ ...parts, round: 2 });
      return { ...first, idleMiB: idle.pss / 2 ** 20, ringingAgainMiB: again?.ringingMiB ?? null };
    } finally {
      load.kill();
    }
  });
}

async function ringAndCancel({ contender, server, load, calls, idle, round, forgetSeconds }) {
  const rang = await costed(server, () => load.ask({ verb: "ring", job: { round } }));
  only(contender, rang.result.statuses, "180", calls);
  // what was only needed to set them up may go first
  await sleep(2000);
  const transactions = await server.transactions();
  const ringing = memoryOctets(server.pids());
  const cancelled = await costed(server, () => load.ask({ verb: "cancel" }));
  only(contender, cancelled.result.statuses, "487", calls);
  const forgottenSeconds = await forgotten(server, forgetSeconds);
  const after = memoryOctets(server.pids());
  return {
    done: calls,
    transactions,
    residentPerCall: (ringing.pss - idle.pss) / calls,
    ringCpuUs: rang.cpuUs / calls,
    cancelCpuUs: cancelled.cpuUs / calls,
    latencyMs: rang.result.latencyMs,
    ringingMiB: ringing.pss / 2 ** 20,
    afterMiB: after.pss / 2 ** 20,
    forgottenSeconds,
  };
}

/** Seconds until the server has no transaction left; `null` when it still had some. */
async function forgotten(server, atMost) {
  const at = performance.now();
  const secondsSince = () => (performance.now() - at) / 1000;
  while (secondsSince() < atMost) {
    if ((await server.transactions()) === 0) return secondsSince();
    await sleep(500);
  }
  return null;
}

function only(contender, statuses, wanted, calls) {
  if (statuses[wanted] !== calls)
    throw new Error(
      `${contender.name}: answers ${JSON.stringify(statuses)} where ${calls} ${wanted} were due`,
    );
}
