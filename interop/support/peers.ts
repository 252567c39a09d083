import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { describe } from "vitest";

/** Debian package of each program that the tests talk to. */
const PACKAGES: Readonly<Record<string, string>> = {
  sipsak: "sipsak",
  sipp: "sip-tester",
  baresip: "baresip-core",
  linphonec: "linphone-cli",
  kamailio: "kamailio",
  chromium: "chromium",
  openssl: "openssl",
  perl: "perl",
  git: "git",
  "Net::SIP": "libnet-sip-perl",
  svmap: "sipvicious",
  svwar: "sipvicious",
  svcrack: "sipvicious",
};

/** Full path of a program on the PATH (sbin folders included), or `undefined`. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Is this program, or this Perl module (`Net::SIP`), here? */
function isHere(name: string): boolean {
  if (!name.includes("::")) return findProgram(name) !== undefined;
  return spawnSync("perl", [`-M${name}`, "-e", "1"]).status === 0;
}

/**
 * A group of tests against real programs. Where one is missing the group is skipped with a line that says which package
 * has it; under CI a missing peer is a failure.
 */
export function describeWith(title: string, programs: readonly string[], body: () => void): void {
  const missing = programs.filter((name) => !isHere(name));
  if (missing.length === 0) {
    describe(title, body);
    return;
  }
  const packages = missing.map((name) => PACKAGES[name] ?? name).join(" ");
  if (process.env.CI) {
    throw new Error(`${title}: ${missing.join(", ")} missing; install the Debian packages ${packages}`);
  }
  describe.skip(`${title} (skipped: apt-get install ${packages})`, body);
}
