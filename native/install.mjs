/**
 * Builds the optional addon when the package is installed: on Linux, where a compiler and Node's headers are at hand.
 * Whatever is missing or goes wrong costs one line and never the installation; the server then uses node:dgram.
 * Downloads nothing. ROLLCALL_NO_NATIVE=1 leaves it out.
 */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const TIME_LIMIT_MS = 120_000;
const folder = dirname(fileURLToPath(import.meta.url));

/** Where this Node's own headers lie, libuv's included: named by the user, beside the program, or fetched by node-gyp before. */
function headerFolder() {
  const { env, version, execPath } = process;
  const cache = env.npm_config_devdir ?? join(env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "node-gyp");
  const candidates = [env.npm_config_nodedir, join(dirname(execPath), ".."), join(cache, version.slice(1))];
  return candidates.find((place) => place && existsSync(join(place, "include/node/node_api.h")));
}

/** Runs node-gyp; resolves to `undefined` when it succeeded, else to what failed, in a few words. */
function build(nodeGyp, nodeDir) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [nodeGyp, "rebuild", `--nodedir=${nodeDir}`], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
      detached: true,
    });
    let said = "";
    child.stderr.on("data", (chunk) => {
      said = (said + chunk).slice(-20_000);
    });
    const timer = setTimeout(() => {
      resolve("the build took too long");
      // the compiler too: the whole group that node-gyp leads
      process.kill(-child.pid, "SIGKILL");
    }, TIME_LIMIT_MS);
    child.on("error", (error) => resolve(error.message));
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? undefined : (reasonIn(said) ?? `node-gyp ended with ${code}`));
    });
  });
}

function reasonIn(output) {
  const lines = output.split("\n").filter((line) => !/^gyp (info|verb|http)/.test(line));
  const telling = lines.find((line) => /error|not found|could not/i.test(line) && !/^gyp ERR! (stack|configure|build)/i.test(line));
  return telling?.replace(/^gyp ERR! /, "").trim().slice(0, 160);
}

async function install() {
  if (process.env.ROLLCALL_NO_NATIVE === "1") return "ROLLCALL_NO_NATIVE is set";
  if (process.platform !== "linux") return `it is for Linux, this is ${process.platform}`;
  const nodeGyp = process.env.npm_config_node_gyp;
  if (nodeGyp === undefined || !existsSync(nodeGyp)) return "there is no node-gyp; run it by npm";
  const nodeDir = headerFolder();
  if (nodeDir === undefined) return "there are no headers of this Node; --nodedir names them";
  return build(nodeGyp, nodeDir);
}

const reason = await install();
if (reason !== undefined) console.log(`rollcall: UDP goes by node:dgram, the batched addon was not built: ${reason}`);
