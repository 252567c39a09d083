/**
 * npm run bench -- [--short] [--rows G1,G2] [--rounds N] [--seconds S] [--contacts N] [--connections N] [--ringing N] [--json FILE] [--docs] [--profile DIR]
 *
 * Measures Rollcall, and Kamailio beside it where that is installed: contenders take turns, round by round, each time a
 * fresh server, and medians are shown. --docs writes docs/performance.svg and the tables of docs/performance.md. --profile
 * leaves a CPU profile of each Rollcall in DIR; it makes everything slower.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release } from "node:os";
import { parseArgs } from "node:util";
import { measureConnections } from "./connections.mjs";
import { measureLoop, measureScale } from "./measure.mjs";
import { plot } from "./plot.mjs";
import { medians, table } from "./report.mjs";
import { measureRinging } from "./ringing.mjs";
import { ROWS } from "./rows.mjs";
import { kamailioProgram, kamailioVersion } from "./servers/kamailio.mjs";
import { endWithUs } from "./servers/process.mjs";
import { isBuilt } from "./servers/rollcall.mjs";

const DOCS = new URL("../docs/", import.meta.url);
const SCRATCH = new URL("../.bench/", import.meta.url);

/** Filling a server with so much once says what there is to say. */
const ONCE = new Set(["scale", "ringing", "connections"]);

function options() {
  const { values } = parseArgs({
    options: {
      short: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
      rows: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      contacts: { type: "string" },
      connections: { type: "string" },
      ringing: { type: "string" },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  const { short } = values;
  const rows =
    values.rows?.split(",") ??
    (short ? ["G1", "G2", "G6", "RINGING", "TCP", "WS", "CONNECTIONS"] : ROWS.map(({ key }) => key));
  const unknown = rows.find((key) => !ROWS.some((row) => row.key === key));
  if (unknown !== undefined)
    throw new Error(`no row ${unknown}; there are ${ROWS.map(({ key }) => key).join(", ")}`);
  return {
    ...values,
    rows,
    rounds: Number(values.rounds ?? (short ? 1 : 5)),
    seconds: Number(values.seconds ?? (short ? 0.5 : 4)),
    warmSeconds: short ? 0.2 : 1,
    aors: short ? 500 : 10_000,
    contacts: Number(values.contacts ?? (short ? 10_000 : 1_000_000)),
    ringing: Number(values.ringing ?? (short ? 300 : 100_000)),
    // the longest timer of a transaction whose INVITE was refused is D, 32 s (RFC 3261 §17.1.1.2); then some
    forgetSeconds: short ? 0 : 45,
    connections: Number(values.connections ?? (short ? 300 : 20_000)),
    // long enough for a server that looks for dead connections now and then
    noticeSeconds: short ? 5 : 30,
  };
}

async function measureRow(row, settings) {
  const contenders = row.contenders.filter(
    ({ family }) => family !== "kamailio" || kamailioProgram() !== undefined,
  );
  const runs = contenders.map(() => []);
  const rounds = ONCE.has(row.how) ? 1 : settings.rounds;
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      process.stderr.write(`${row.key} ${round + 1}/${rounds} ${contender.name}\n`);
      try {
        runs[i].push(await measureOnce(row, contender, settings));
      } catch (error) {
        // what we measure ourselves against may fail on its own: the row is shown without that round
        if (contender.family !== "kamailio") throw error;
        process.stderr.write(`${row.key} ${error.message}\n`);
      }
    }
  }
  return {
    key: row.key,
    title: row.title,
    work: row.work,
    how: row.how,
    reference: row.contenders[0].name,
    results: contenders
      .map(({ name, family }, i) => ({ name, family, runs: runs[i] }))
      .filter(({ runs }) => runs.length > 0)
      .map((result) => ({ ...result, median: medians(result.runs) })),
  };
}

async function measureOnce(row, contender, settings) {
  if (row.how === "scale") return measureScale(contender, row.load, settings);
  if (row.how === "connections") return measureConnections(contender, row.load, settings);
  if (row.how === "ringing") return measureRinging(contender, row.load, settings);
  if (row.how === "closed") return measureLoop(contender, row.load, settings);
  const peak = await measureLoop(contender, row.load, { ...settings, seconds: settings.seconds / 2 });
  return measureLoop(contender, row.load, { ...settings, rate: peak.perSecond / 2 });
}

function machine() {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return {
    date: new Date().toISOString().slice(0, 10),
    processors: cpus().length,
    model: cpus()[0]?.model ?? "unknown",
    kernel: release().split(".", 2).join("."),
    node: process.version,
    rollcall: version,
    kamailio: kamailioProgram() === undefined ? null : (kamailioVersion() ?? "unknown"),
  };
}

function writeDocs(report) {
  const { machine: m, rows } = report;
  const about = `Measured ${m.date} on ${m.processors} processors (${m.model}), Linux ${m.kernel}, Node ${m.node}${m.kamailio === null ? "" : `, Kamailio ${m.kamailio}`}.`;
  writeFileSync(new URL("performance.svg", DOCS), plot(rows, about));
  const page = new URL("performance.md", DOCS);
  const text = readFileSync(page, "utf8");
  const [head, , tail] = text.split(/<!-- (?:results|end of results) -->/);
  if (tail === undefined) throw new Error("docs/performance.md has no place for results");
  writeFileSync(
    page,
    `${head}<!-- results -->\n${about}\n\n${rows.map(table).join("\n")}\n<!-- end of results -->${tail}`,
  );
}

async function main() {
  const settings = options();
  endWithUs();
  if (!isBuilt()) throw new Error("nothing is built: npm run build");
  const report = { machine: machine(), settings, rows: [] };
  if (report.machine.kamailio === null)
    console.log("Kamailio is not installed: Rollcall alone is measured.\n");
  if (settings.short) console.log("A short run: it shows that everything works, not how fast.\n");
  try {
    for (const key of settings.rows) {
      const row = await measureRow(
        ROWS.find((each) => each.key === key),
        settings,
      );
      report.rows.push(row);
      console.log(table(row));
    }
  } finally {
    rmSync(SCRATCH, { recursive: true, force: true });
  }
  if (settings.json !== undefined) writeFileSync(settings.json, `${JSON.stringify(report, null, 2)}\n`);
  if (settings.docs) writeDocs(report);
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
}
