import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UdpPhone } from "../test/support/udp-phone.js";
import { describeWith } from "./support/peers.js";
import { freePort } from "./support/ports.js";
import { type Program, startProgram } from "./support/program.js";
import { run } from "./support/run.js";
import { temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";

const PROJECT = join(import.meta.dirname, "..");
const INSTALL_MS = 240_000;

/** `npm start` until the server is ready, and the process that npm has started. */
async function npmStart(
  clone: string,
  port: number,
): Promise<{ readonly npm: Program; readonly pid: number }> {
  const listen = `udp:127.0.0.1:${port}`;
  const npm = startProgram("npm", ["start", "--", "--listen", listen, "--admin", "off"], clone);
  const ready = await until(
    () =>
      npm
        .printed()
        .split("\n")
        .find((line) => line.includes('"msg":"ready"')),
    30_000,
  );
  return { npm, pid: (JSON.parse(ready) as { readonly pid: number }).pid };
}

describeWith("the README on a fresh clone", ["git", "npm"], () => {
  test("npm ci && npm start, register a phone, pull the plug: it is still there", {
    timeout: INSTALL_MS + 60_000,
  }, async () => {
    const clone = join(temporaryFolder(), "rollcall");
    expect(await run("git", ["clone", "--quiet", PROJECT, clone])).toMatchObject({ status: 0 });
    const options = { cwd: clone, timeoutMs: INSTALL_MS };
    const installed = await run("npm", ["ci", "--prefer-offline", "--no-audit", "--no-fund"], options);
    expect(installed, installed.output).toMatchObject({ status: 0 });

    const port = await freePort();
    const alice = { aor: "sip:alice@127.0.0.1", callId: "alice" };
    const contact = "sip:alice@127.0.0.1:5099";
    const first = await npmStart(clone, port);
    const phone = await UdpPhone.open(port);
    expect((await phone.register({ ...alice, contact, cseq: 1, expiresSec: 600 })).status).toBe(200);
    expect(existsSync(join(clone, "rollcall-data"))).toBe(true);
    process.kill(first.pid, "SIGKILL");
    expect(await first.npm.end()).not.toBe(0);

    const second = await npmStart(clone, port);
    const answer = await phone.register({ ...alice, cseq: 2 });
    expect(answer.headers.all("contact")).toEqual([expect.stringContaining(`<${contact}>;expires=`)]);
    const dump = await run(process.execPath, ["dist/cli/main.js", "dump"], { cwd: clone });
    expect(dump).toMatchObject({ status: 0 });
    expect(dump.output).toContain(contact);
    phone.close();
    process.kill(second.pid, "SIGTERM");
    expect(await second.npm.end()).toBe(0);
  });
});
