import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const script = fileURLToPath(new URL("../../native/install.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "rollcall-install-"));
afterAll(() => rmSync(folder, { recursive: true }));

// headers are found here, whether this machine has any or not
mkdirSync(join(folder, "include/node"), { recursive: true });
writeFileSync(join(folder, "include/node/node_api.h"), "");
let made = 0;

/** A node-gyp that does what the text says, wherever it is run. */
function nodeGyp(code: string): string {
  const path = join(folder, `node-gyp-${made++}.cjs`);
  writeFileSync(path, code);
  return path;
}

function install(env: Record<string, string>) {
  const { npm_config_node_gyp: _, ROLLCALL_NO_NATIVE: __, ...inherited } = process.env;
  const run = spawnSync(process.execPath, [script], {
    env: { ...inherited, npm_config_nodedir: folder, ...env },
    encoding: "utf8",
  });
  return {
    status: run.status,
    lines: run.stdout.split("\n").filter((line) => line !== ""),
    stderr: run.stderr,
  };
}

describe("installing the addon", () => {
  it("is silent when it was built", () => {
    expect(install({ npm_config_node_gyp: nodeGyp("process.exit(0)") })).toEqual({
      status: 0,
      lines: [],
      stderr: "",
    });
  });

  it.each([
    [
      "it is unwanted",
      { ROLLCALL_NO_NATIVE: "1", npm_config_node_gyp: nodeGyp("process.exit(9)") },
      /ROLLCALL_NO_NATIVE/,
    ],
    ["there is no node-gyp", {}, /node-gyp/],
    ["node-gyp is gone", { npm_config_node_gyp: join(folder, "absent.cjs") }, /node-gyp/],
    [
      "there is no compiler",
      {
        npm_config_node_gyp: nodeGyp(
          "console.error('gyp info it\\nmake: cc: No such file: not found'); process.exit(1)",
        ),
      },
      /cc: No such file/,
    ],
    ["the build dies without a word", { npm_config_node_gyp: nodeGyp("process.exit(7)") }, /ended with 7/],
  ])("says one line and fails nothing when %s", (_case, env, why) => {
    const { status, lines, stderr } = install(env);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    // elsewhere than on Linux that is the reason, whatever else is missing
    expect(lines).toEqual([
      expect.stringMatching(process.platform === "linux" ? why : /for Linux|NO_NATIVE/),
    ]);
  });
});
