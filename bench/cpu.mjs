/** CPU time and memory of processes, from /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** User and system time of these processes, all threads, in microseconds. Finer than the ticks of /proc/PID/stat where the kernel keeps schedstat. */
export function cpuMicroseconds(pids) {
  return pids.reduce((sum, pid) => sum + (scheduled(pid) ?? ticks(pid)), 0);
}

function scheduled(pid) {
  try {
    let nanoseconds = 0;
    for (const task of readdirSync(`/proc/${pid}/task`))
      nanoseconds += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "latin1").split(" ", 1)[0]);
    return nanoseconds > 0 ? nanoseconds / 1000 : undefined;
  } catch {
    return undefined;
  }
}

/** utime and stime are the 14th and 15th field; the second is a name in parentheses that may hold blanks. A tick is 10 ms. */
function ticks(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

/** Resident memory of these processes in octets, what they share counted once (PSS); anonymous memory apart. */
export function memoryOctets(pids) {
  let pss = 0;
  let anonymous = 0;
  for (const pid of pids) {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "latin1");
    pss += kib(text, "Pss");
    anonymous += kib(text, "Pss_Anon");
  }
  return { pss: pss * 1024, anonymous: anonymous * 1024 };
}

const kib = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? 0);

/** A process and its descendants. */
export function processTree(pid) {
  const parents = new Map();
  for (const entry of readdirSync("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const text = readFileSync(`/proc/${entry}/stat`, "latin1");
      parents.set(Number(entry), Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]));
    } catch {
      // ended meanwhile
    }
  }
  const tree = [pid];
  for (let i = 0; i < tree.length; i++)
    for (const [child, parent] of parents) if (parent === tree[i]) tree.push(child);
  return tree;
}
