/** Rollcall as users run it: `rollcall serve` from the build in dist/. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DOMAIN, ha1, user } from "../load/messages.mjs";
import { startProcess } from "./process.mjs";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export const isBuilt = () => existsSync(MAIN);

/**
 * @param options folder; durable (LMDB there, else memory); batched (the addon, else node:dgram); auth (accounts in a file);
 * aors; admin (metrics served); profile (a folder); transports besides UDP: tcp, tls, ws
 */
export async function startRollcall(options) {
  mkdirSync(options.folder, { recursive: true });
  const profiler = options.profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`];
  const command = [process.execPath, ...profiler, MAIN, "serve", "--domain", DOMAIN, "--log-level", "info"];
  for (const transport of [
    "udp",
    ...(options.tcp ? ["tcp"] : []),
    ...(options.tls ? ["tls"] : []),
    ...(options.ws ? ["ws"] : []),
  ])
    command.push("--listen", `${transport}:127.0.0.1:0`);
  command.push(...(options.durable ? ["--data", join(options.folder, "data")] : ["--store", "memory:"]));
  if (options.tls) {
    const { cert, key } = makeCertificate(options.folder);
    command.push("--tls-cert", cert, "--tls-key", key);
  }
  command.push("--admin", options.admin ? "127.0.0.1:0" : "off");
  command.push(...(options.auth ? ["--config", configuration(options)] : ["--open"]));
  const server = startProcess(command, {
    env: { ...process.env, ROLLCALL_NO_NATIVE: options.batched ? "0" : "1", NODE_ENV: "production" },
  });
  const line = await ready(server);
  const port = (transport) =>
    Number(new RegExp(`"?${transport}:(?:127\\.0\\.0\\.1|\\[::1\\]):(\\d+)`).exec(line)?.[1]);
  return {
    ...server,
    port: port("udp"),
    tcpPort: port("tcp"),
    tlsPort: port("tls"),
    wsPort: port("ws"),
    adminUrl: adminUrl(line),
    bindings: () => metric(adminUrl(line), "rollcall_bindings"),
    transactions: async () =>
      (await metric(adminUrl(line), "rollcall_server_transactions")) +
      (await metric(adminUrl(line), "rollcall_client_transactions")),
  };
}

/** A number as it tells whoever watches over it. */
async function metric(url, name) {
  const response = await fetch(new URL("/metrics", url));
  return Number(new RegExp(`^${name} (\\d+)$`, "m").exec(await response.text())?.[1]);
}

function makeCertificate(folder) {
  const cert = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  const made = spawnSync("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj".split(" "),
    `/CN=${DOMAIN}`,
    "-keyout",
    key,
    "-out",
    cert,
  ]);
  if (made.status !== 0) throw new Error(`openssl made no certificate: ${made.stderr}`);
  return { cert, key };
}

function adminUrl(line) {
  const { admin } = JSON.parse(line);
  return typeof admin === "string" ? `http://${admin}` : undefined;
}

/** The log line that says it is ready. */
function ready({ child, output }) {
  return new Promise((resolve, reject) => {
    let text = "";
    const timer = setTimeout(() => reject(new Error(`not ready within 60 s: ${output()}`)), 60_000);
    child.stdout.on("data", (chunk) => {
      text += chunk;
      const line = text.split("\n").find((each) => each.includes('"msg":"ready"'));
      if (line === undefined || !text.slice(text.indexOf(line)).includes("\n")) return;
      clearTimeout(timer);
      resolve(line);
    });
    child.once("exit", () => reject(new Error(`it ended: ${output()}`)));
  });
}

/** Accounts with the passwords that the load knows, and a server that asks for them. */
function configuration({ folder, aors }) {
  const accounts = join(folder, "accounts.htdigest");
  let lines = "";
  for (let n = 0; n < aors; n++) lines += `${user(n)}:${DOMAIN}:${ha1(user(n))}\n`;
  writeFileSync(accounts, lines);
  const file = join(folder, "rollcall.yaml");
  writeFileSync(
    file,
    `open: false\nauth: { realm: ${DOMAIN}, algorithms: [md5] }\naccounts:\n  - htdigest: ${accounts}\n`,
  );
  return file;
}
