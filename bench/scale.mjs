/**
 * A store with very many contacts: resident memory and octets on disk for each, and how soon it serves after a restart.
 * `npm run build && node bench/scale.mjs [--contacts 1000000] [--store lmdb|memory] [--folder DIR]`. Fills the store in one
 * process, reads it in a second one; prints one line of JSON each.
 */
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { lmdbStore } from "../dist/storage/lmdb.js";
import { memoryStore } from "../dist/storage/memory.js";

const { values } = parseArgs({
  options: {
    contacts: { type: "string", default: "1000000" },
    store: { type: "string", default: "lmdb" },
    folder: { type: "string" },
    step: { type: "string" },
  },
});
const contacts = Number(values.contacts);
const AT_ONCE = 256;

/** A contact as a desk phone makes it: two thirds over UDP, a third with an instance and over a connection. */
function contact(i) {
  const uuid = `<urn:uuid:00000000-0000-1000-8000-${i.toString(16).padStart(12, "0")}>`;
  const streams = i % 3 === 0;
  return {
    uri: `sip:u${i}@192.0.2.${i % 250}:5060${streams ? ";transport=tcp" : ""}`,
    params: streams ? `;+sip.instance="${uuid}";reg-id=1` : "",
    expiresAtMs: 2_000_000_000_000 + (i % 3_600_000),
    qMilli: 1000,
    callId: `${(i * 2_654_435_761) % 2 ** 32}-${i}@192.0.2.1`,
    cseq: i % 1000,
    userAgent: "Desk Phone 7.4.2",
    received: streams ? "tcp:198.51.100.4:61002" : "udp:198.51.100.4:61002",
    flow: streams ? `f${i.toString(36)}x8k2` : null,
    path: [],
    instance: streams ? uuid : null,
    regId: streams ? 1 : null,
    registeredAtMs: 1_999_999_000_000,
    updatedAtMs: 1_999_999_000_000,
  };
}

/** Visits every number below `count` once, with no order that a tree of keys could like. */
const shuffled = (i, count) => (i * 7_919 + 13) % count;

const kB = (octets) => Math.round((octets / contacts) * 10) / 10_000;

function memory() {
  globalThis.gc?.();
  const field = (name) =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync("/proc/self/status", "utf8"))[1]);
  const resident = field("VmRSS") * 1024;
  return {
    residentMB: Math.round(resident / 1e6),
    residentKBPerContact: kB(resident),
    ofWhichMappedMB: Math.round((field("RssFile") * 1024) / 1e6),
  };
}

async function fill(store) {
  const started = performance.now();
  const before = process.cpuUsage();
  for (let i = 0; i < contacts; i += AT_ONCE) {
    const batch = [];
    for (let j = i; j < Math.min(i + AT_ONCE, contacts); j++) {
      const n = shuffled(j, contacts);
      batch.push(store.update(`sip:u${n}@example.com`, () => ({ bindings: [contact(n)], outcome: null })));
    }
    await Promise.all(batch);
  }
  const { user, system } = process.cpuUsage(before);
  return {
    fillSeconds: Math.round(performance.now() - started) / 1000,
    cpuMicrosEach: Math.round((user + system) / contacts),
  };
}

async function refresh(store, rounds) {
  const before = process.cpuUsage();
  for (let i = 0; i < rounds; i += 64) {
    const batch = [];
    for (let j = i; j < i + 64; j++) {
      const n = shuffled(j, contacts);
      batch.push(
        store.update(`sip:u${n}@example.com`, ([was]) => ({
          bindings: [
            {
              ...was,
              cseq: was.cseq + 1,
              expiresAtMs: was.expiresAtMs + 1000,
              updatedAtMs: was.updatedAtMs + 1000,
            },
          ],
          outcome: null,
        })),
      );
    }
    await Promise.all(batch);
  }
  const { user, system } = process.cpuUsage(before);
  return { refreshCpuMicrosEach: Math.round(((user + system) / rounds) * 10) / 10 };
}

async function fillStep() {
  const store = values.store === "memory" ? memoryStore() : lmdbStore({ path: values.folder });
  const filled = await fill(store);
  const full = memory();
  const refreshed = await refresh(store, Math.min(contacts, 64_000));
  const count = await store.count();
  console.log(JSON.stringify({ step: "fill", ...count, ...filled, ...full, ...refreshed, after: memory() }));
  process.exit(0); // as if killed: what was answered is on disk already
}

async function reopenStep() {
  const started = performance.now();
  const store = lmdbStore({ path: values.folder });
  const openMs = performance.now() - started;
  const first = store.read("sip:u0@example.com").length;
  const firstReadMs = performance.now() - started;
  await store.update("sip:u1@example.com", ([was]) => ({
    bindings: [{ ...was, cseq: was.cseq + 1 }],
    outcome: null,
  }));
  const firstUpdateMs = performance.now() - started;
  const atOpen = memory();
  const reading = performance.now();
  for (let i = 0; i < contacts; i++) store.read(`sip:u${shuffled(i, contacts)}@example.com`);
  const readMicrosEach = ((performance.now() - reading) * 1000) / contacts;
  const { size } = statSync(join(values.folder, "data.mdb"));
  console.log(
    JSON.stringify({
      step: "reopen",
      first,
      ...store.count(),
      openMs: Math.round(openMs),
      firstReadMs: Math.round(firstReadMs),
      firstUpdateMs: Math.round(firstUpdateMs),
      atOpen,
      readMicrosEach: Math.round(readMicrosEach * 100) / 100,
      allRead: memory(),
      fileMB: Math.round(size / 1e6),
      fileKBPerContact: kB(size),
    }),
  );
  await store.close();
}

async function step(name, folder) {
  const args = ["--step", name, "--folder", folder, "--contacts", String(contacts), "--store", values.store];
  const child = fork(fileURLToPath(import.meta.url), args, { execArgv: ["--expose-gc"] });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) process.exitCode = 1;
}

if (values.step === "fill") await fillStep();
else if (values.step === "reopen") await reopenStep();
else {
  const folder = values.folder ?? mkdtempSync(join(tmpdir(), "rollcall-scale-"));
  try {
    await step("fill", join(folder, "store"));
    if (values.store === "lmdb") await step("reopen", join(folder, "store"));
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}
