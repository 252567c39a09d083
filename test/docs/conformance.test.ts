import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const ROOT = new URL("../../", import.meta.url);

/** What a row's last cell points to: a file, and the beginning of a title in it. */
interface Proof {
  readonly row: string;
  readonly file: string;
  readonly title: string;
}

function proofs(): Proof[] {
  const page = readFileSync(new URL("docs/conformance.md", ROOT), "utf8");
  return page
    .split("\n")
    .filter((line) => line.startsWith("|") && !line.includes("---") && !/\| proof \|$/.test(line))
    .map((row) => {
      const cell = row.split(" | ").at(-1)!.replace(/ \|$/, "");
      const [, path = "", title = ""] = /^`([^`]+)` ?(.*)$/.exec(cell) ?? [];
      const file = path.startsWith("interop/") ? `${path}.interop.ts` : `test/${path}.test.ts`;
      return { row, file, title };
    });
}

describe("docs/conformance.md is held to the tests", () => {
  it("has rows", () => {
    expect(proofs().length).toBeGreaterThan(80);
  });

  it.each(proofs())("$row", ({ file, title }) => {
    expect(existsSync(new URL(file, ROOT)), `${file} is there`).toBe(true);
    expect(readFileSync(new URL(file, ROOT), "utf8")).toContain(title);
  });
});
