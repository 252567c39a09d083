/** Medians, and the tables that people and pages read. */

/** The middle value; of an even number the lower one, so that it is a value that was measured. */
export function median(values) {
  const sorted = values
    .filter((value) => typeof value === "number" && Number.isFinite(value))
    .sort((a, b) => a - b);
  return sorted.length === 0 ? null : sorted[(sorted.length - 1) >> 1];
}

/** Medians of every figure of some runs, nested ones too. */
export function medians(runs) {
  const out = {};
  for (const [key, value] of Object.entries(runs[0])) {
    if (key === "statuses") continue;
    out[key] =
      value !== null && typeof value === "object"
        ? medians(runs.map((run) => run[key]))
        : median(runs.map((run) => run[key]));
  }
  return out;
}

const whole = (value) => Math.round(value).toLocaleString("en-US");
const fixed = (value, digits) => (value === null || value === undefined ? "–" : value.toFixed(digits));

/** How many answers were no 200, for each status, over all runs; `none` is a REGISTER without an answer, 0 one whose connection was closed. */
function otherAnswers(runs) {
  const totals = {};
  for (const statuses of runs)
    for (const [status, count] of Object.entries(statuses))
      if (status !== "200") totals[status] = (totals[status] ?? 0) + count;
  const texts = Object.entries(totals).map(([status, count]) => `${status}: ${whole(count)}`);
  return texts.length === 0 ? "0" : texts.join(", ");
}

/** What a row shows: heads, and the cells of one contender. */
function columns(row) {
  if (row.how === "scale") {
    return {
      heads: [
        "octets resident per contact",
        "of them anonymous",
        "MiB resident",
        "restart, s",
        "filled per s",
      ],
      cells: ({ median: m }) => [
        whole(m.residentPerContact),
        whole(m.anonymousPerContact),
        whole(m.residentMiB),
        fixed(m.restartSeconds, 2),
        whole(m.perSecond),
      ],
    };
  }
  if (row.how === "connections") {
    return {
      heads: [
        "connections",
        "kB each",
        "CPU µs to connect and register",
        "storm, s",
        "CPU µs per REGISTER",
        "p99 ms",
        "answers but 200",
        "all gone after, s",
      ],
      cells: ({ median: m, runs }) => [
        whole(m.connections),
        fixed(m.residentPerConnection / 1000, 1),
        fixed(m.connectCpuUs, 0),
        fixed(m.storm.seconds, 2),
        fixed(m.storm.cpuUs, 1),
        fixed(m.storm.latencyMs.p99, 0),
        otherAnswers(runs.map(({ storm }) => storm.statuses)),
        fixed(m.goneSeconds, 2),
      ],
    };
  }
  if (row.how === "ringing") {
    return {
      heads: [
        "ringing at once",
        "octets resident per call",
        "CPU µs to ring",
        "p99 ms to the 180",
        "CPU µs to cancel",
        "MiB idle",
        "MiB ringing",
        "MiB ringing again",
        "MiB after",
        "no transaction left after, s",
      ],
      cells: ({ median: m }) => [
        whole(m.done),
        whole(m.residentPerCall),
        fixed(m.ringCpuUs, 1),
        fixed(m.latencyMs.p99, 1),
        fixed(m.cancelCpuUs, 1),
        whole(m.idleMiB),
        whole(m.ringingMiB),
        m.ringingAgainMiB === null ? "–" : whole(m.ringingAgainMiB),
        whole(m.afterMiB),
        fixed(m.forgottenSeconds, 1),
      ],
    };
  }
  return {
    heads: [
      `${row.work}s per s`,
      `CPU µs per ${row.work}`,
      "share",
      "p50 ms",
      "p99 ms",
      "p99.9 ms",
      "server busy",
      "load busy",
    ],
    cells: ({ median: m }, first) => [
      whole(m.perSecond),
      fixed(m.cpuUs, 1),
      first === undefined ? "–" : fixed(m.cpuUs / first.cpuUs, 2),
      fixed(m.latencyMs.p50, 2),
      fixed(m.latencyMs.p99, 2),
      fixed(m.latencyMs.p999, 2),
      `${whole(m.serverBusy * 100)} %`,
      `${whole(m.loadBusy * 100)} %`,
    ],
  };
}

/** A row as a Markdown table; it reads well enough in a terminal. */
export function table(row) {
  const { heads, cells } = columns(row);
  // nothing is held against a contender that failed or is not there
  const first = row.results.find(({ name }) => name === row.reference)?.median;
  const body = row.results.map((result) => [result.name, ...cells(result, first)]);
  const all = [["", ...heads], ...body];
  const widths = all[0].map((_, i) => Math.max(...all.map((line) => line[i].length)));
  const line = (texts) =>
    `| ${texts.map((text, i) => (i === 0 ? text.padEnd(widths[i]) : text.padStart(widths[i]))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [`### ${row.key}: ${row.title}`, "", line(all[0]), rule, ...body.map(line), ""].join("\n");
}
