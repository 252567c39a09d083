/** Starting a server, knowing when it answers, and ending it. */
import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, join } from "node:path";
import { processTree } from "../cpu.mjs";
import { register, statusOf } from "../load/messages.mjs";

export function findProgram(name) {
  const places = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return places.map((place) => join(place, name)).find((path) => existsSync(path));
}

const canPin = availableParallelism() > 1 && spawnSync("taskset", ["-c", "0", "true"]).status === 0;

/** The command, kept on one processor where that can be done: the server on the first, the load on the second. */
export function pinned(cpu, command) {
  return canPin ? ["taskset", "-c", String(cpu), ...command] : command;
}

const running = new Set();

/** Nothing that was started outlives the bench, however that ends. */
export function endWithUs() {
  process.once("exit", () => {
    for (const child of running) child.kill("SIGKILL");
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, () => process.exit(1));
}

/** Notes a process that `endWithUs` ends. */
export function tracked(child) {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Spawns on the first processor. `pids` are the process and all it forked; `stop` asks to end, and insists after five seconds. */
export function startProcess(command, options = {}) {
  const [program, ...args] = pinned(0, command);
  const child = tracked(spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], ...options }));
  let output = "";
  const keep = (chunk) => {
    output = (output + chunk).slice(-4000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = once(child, "exit");
  return {
    child,
    output: () => output,
    // taskset becomes the program it starts: the pid is the server's
    pids: () => processTree(child.pid),
    async stop(signal = "SIGTERM") {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), 5000);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A UDP port that is free now. */
export async function freePort() {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}

/** Resolves when a REGISTER gets any final answer; asked every 20 ms. Rejects when the server ends or `seconds` pass. */
export function answers(server, port, seconds = 20) {
  const probe = (own, turn) =>
    register({
      via: `UDP ${own}`,
      slot: 0,
      turn,
      name: "probe",
      cseq: turn,
      contact: `sip:probe@${own}`,
    });
  return exchange(port, probe, { server, seconds, everyMs: 20 });
}

/**
 * Sends what `request(own, turn)` makes by UDP, again and again, until a final answer comes; resolves to its text. Rejects
 * when the server ends or `seconds` pass.
 */
export async function exchange(port, request, { server, seconds = 30, everyMs = 500 } = {}) {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const own = `127.0.0.1:${socket.address().port}`;
  let timer;
  try {
    return await new Promise((resolve, reject) => {
      let turn = 0;
      const ask = () => {
        if (server !== undefined && server.child.exitCode !== null)
          return reject(new Error(`the server ended: ${server.output()}`));
        if (++turn * everyMs > seconds * 1000)
          return reject(new Error(`no answer within ${seconds} s: ${server?.output() ?? ""}`));
        socket.send(request(own, turn), port, "127.0.0.1");
      };
      timer = setInterval(ask, everyMs);
      socket.on("message", (octets) => {
        const text = octets.toString("latin1");
        if (statusOf(text) >= 200) resolve(text);
      });
      ask();
    });
  } finally {
    clearInterval(timer);
    socket.close();
  }
}
