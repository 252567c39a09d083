/**
 * Kamailio in its best configuration for each row: one worker, a script of as few lines as the row allows, no lookup and no
 * relay but for calls, locations in memory unless durable ones are asked for.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DOMAIN, optionsRequest } from "../load/messages.mjs";
import { answers, exchange, findProgram, freePort, startProcess } from "./process.mjs";

const TABLES = "/usr/share/kamailio/db_sqlite";

/** A call leaves two transactions behind for five seconds, some 20 kB; what is not used is not taken from the system. */
const CALLS_MIB = 2048;

/** Connections stay for as long as their bindings, and buffers are no larger than the messages of the row need. */
const CONNECTIONS = "tcp_connection_lifetime=3700\ntcp_rd_buf_size=4096\n";

/** Where it is, or `undefined`. */
export const kamailioProgram = () => findProgram("kamailio");

export function kamailioVersion() {
  const said = spawnSync(kamailioProgram(), ["-v"], { encoding: "utf8" }).stdout ?? "";
  return /kamailio (\S+)/.exec(said)?.[1];
}

/** @param options folder, packaged (started as packages do, not with the quicker allocator), durable (wal: with the write-ahead log), auth, call, tcp, ws: what the row needs; contacts, connections: how many there will be */
export async function startKamailio(options) {
  mkdirSync(options.folder, { recursive: true });
  const port = await freePort();
  const file = join(options.folder, "kamailio.cfg");
  writeFileSync(file, configuration(options, port));
  if (options.durable) createTables(options.folder);
  const { contacts = 10_000, connections = 0 } = options;
  const sharedMiB =
    Math.max(64, Math.ceil(contacts / 300) + Math.ceil(connections / (options.ws ? 12 : 64))) +
    (options.call ? CALLS_MIB : 0);
  const server = startProcess([
    kamailioProgram(),
    "-f",
    file,
    "-DD",
    "-E",
    "-w",
    options.folder,
    "-Y",
    options.folder,
    "-m",
    String(sharedMiB),
    "-M",
    "16",
    // the allocator that Kamailio has for speed; the one it starts with otherwise also finds bugs
    ...(options.packaged ? [] : ["-x", "fm"]),
  ]);
  await answers(server, port);
  return {
    ...server,
    port,
    tcpPort: port,
    wsPort: port,
    bindings: () => counted(port),
    transactions: () => counted(port),
  };
}

/** How many bindings it has when `connections` are asked for, or transactions when `ringing` calls are: its script answers OPTIONS with it. */
async function counted(port) {
  const text = await exchange(port, optionsRequest);
  return Number(/^SIP\/2\.0 200 (\d+)/.exec(text)?.[1]);
}

function createTables(folder) {
  const sql = ["standard-create.sql", "usrloc-create.sql"]
    .map((name) => readFileSync(join(TABLES, name), "utf8"))
    .join("");
  const made = spawnSync("sqlite3", [join(folder, "location.sqlite")], { input: sql });
  if (made.status !== 0) throw new Error(`sqlite3 made no tables: ${made.stderr}`);
}

function configuration({ folder, durable, wal, auth, call, tcp, ws, connections, ringing }, port) {
  const modules = ["sl", "pv", "usrloc", "registrar"];
  const params = [
    ["usrloc", "hash_size", 14],
    ["usrloc", "db_mode", durable ? 1 : 0],
    ["registrar", "max_expires", 3600],
  ];
  if (durable) {
    modules.unshift("db_sqlite");
    const file = join(folder, "location.sqlite");
    params.push(["usrloc", "db_url", `sqlite:///${file}`]);
    // cheaper than the rollback journal, and flushed at each commit all the same
    if (wal) params.push(["db_sqlite", "db_set_journal_mode", `${file}=WAL`]);
  }
  if (auth) modules.push("auth");
  if (call) modules.push("tm", "rr");
  if (ws) modules.push("xhttp", "websocket");
  if (connections !== undefined) {
    modules.push("kex");
    // bindings of closed connections are looked for as often as it can
    params.push(["usrloc", "handle_lost_tcp", 1], ["usrloc", "timer_interval", 1]);
  }
  if (ringing !== undefined) {
    modules.push("kex", "tmx");
    // as long as the timer C of Rollcall, and longer than they ring here
    params.push(["tm", "fr_inv_timer", 185_000]);
  }
  const counter = connections !== undefined ? "registered_users" : ringing && "inuse_transactions";
  return `#!KAMAILIO
debug=0
log_stderror=yes
children=1
auto_aliases=no
dns=no
rev_dns=no
${tcp || ws ? `tcp_children=${connections === undefined ? 1 : 4}\ntcp_max_connections=${Math.max(4096, (connections ?? 0) + 100)}\n${connections === undefined ? "" : CONNECTIONS}` : "disable_tcp=yes\n"}${ws ? "tcp_accept_no_cl=yes\n" : ""}listen=udp:127.0.0.1:${port}
${tcp || ws ? `listen=tcp:127.0.0.1:${port}\n` : ""}alias="${DOMAIN}"
${modules.map((name) => `loadmodule "${name}.so"\n`).join("")}
${params.map(([module, name, value]) => `modparam("${module}", "${name}", ${typeof value === "number" ? value : `"${value}"`})\n`).join("")}
request_route {
  if (method == "REGISTER") {
${
  auth
    ? // the password follows from the name, so that no lookup of accounts is paid for
      `    $var(pw) = "pw-" + $au;
    if (!pv_www_authenticate("${DOMAIN}", "$var(pw)", "0")) {
      www_challenge("${DOMAIN}", "1");
      exit;
    }
`
    : ""
}    save("location");
    exit;
  }
${counter === undefined ? "" : `  if (method == "OPTIONS") {\n    sl_send_reply("200", "$stat(${counter})");\n    exit;\n  }\n`}${
  call
    ? `  if (method == "CANCEL") {
    if (t_check_trans()) t_relay();
    exit;
  }
  if (loose_route()) {
    t_relay();
    exit;
  }
  if (method == "ACK") {
    t_check_trans();
    exit;
  }
  if (method == "INVITE") record_route();
  if (!lookup("location")) {
    sl_send_reply("404", "Not Found");
    exit;
  }
  t_relay();
`
    : ""
}}
${ws ? `event_route[xhttp:request] {\n  if (ws_handle_handshake()) exit;\n  xhttp_reply("404", "Not Found", "", "");\n}\n` : ""}`;
}
