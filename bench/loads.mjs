/** A load that lives on its own and is asked to do one thing after the other. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { cpuMicroseconds } from "./cpu.mjs";
import { pinned, tracked } from "./servers/process.mjs";

/** @param file the module that runs in the process: it answers each message with `{ result }` or `{ error }` */
export function startLoad(file) {
  const [execPath, ...execArgv] = pinned(1, [process.execPath]);
  const child = tracked(fork(file, { execPath, execArgv }));
  const ended = once(child, "exit");
  return {
    ended,
    kill: () => child.kill("SIGKILL"),
    async ask(message) {
      child.send(message);
      const said = await Promise.race([
        once(child, "message").then(([answer]) => answer),
        ended.then(([code]) => ({ error: `the load ended with ${code}` })),
      ]);
      if (said.error !== undefined) throw new Error(said.error);
      return said.result;
    },
  };
}

/** Runs `work`, and says how long it took and what it cost the server. */
export async function costed(server, work) {
  const cpuBefore = cpuMicroseconds(server.pids());
  const at = performance.now();
  const result = await work();
  const seconds = (performance.now() - at) / 1000;
  return { result, seconds, cpuUs: cpuMicroseconds(server.pids()) - cpuBefore };
}
