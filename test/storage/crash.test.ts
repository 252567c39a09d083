import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { lmdbStore } from "../../src/storage/lmdb.js";
import { seededEntropy } from "../../src/testing/entropy.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-crash-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ROUNDS = 8;
/** Where a round's CSeqs begin, as in the fixture. */
const firstOf = (round: number) => round * 1_000_000;
/** What the change with this CSeq leaves: every seventh one takes the contact away. */
const stateAfter = (cseq: number) => (cseq % 7 === 3 ? null : cseq);

test("F1: kill -9 at any moment loses nothing that was answered, and opens again", async () => {
  const path = join(folder, "store");
  const script = fileURLToPath(new URL("fixtures/keep-registering.mjs", import.meta.url));
  const entropy = seededEntropy(1);
  /** The CSeq of each contact that was answered last. */
  const answered = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const child = spawn(process.execPath, [script, path, String(firstOf(round))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    const killAfter = 200 + Math.floor(entropy.unit() * 1_500);
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const { i, cseq } = JSON.parse(line) as { i: number; cseq: number };
      answered.set(i, cseq);
      if (++lines === killAfter) child.kill("SIGKILL");
    }
    await exited;
    expect(lines).toBeGreaterThanOrEqual(killAfter);

    const store = lmdbStore({ path });
    let bindings = 0;
    for (const [i, cseq] of answered) {
      const [held] = await store.read(`sip:u${i}@example.com`);
      if (held !== undefined) bindings++;
      // The one change that was under way may have been committed without its answer having got out.
      const possible = [cseq, cseq + 1, firstOf(round)].map(stateAfter);
      expect(possible).toContain(held?.cseq ?? null);
    }
    expect(await store.count()).toEqual({ aors: bindings, bindings });
    expect((await store.scan({ limit: 1000 })).records.length).toBe(bindings);
    await store.close();
  }
}, 120_000);
