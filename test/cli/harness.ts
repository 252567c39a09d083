import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable, Writable } from "node:stream";
import { afterAll } from "vitest";
import { run } from "../../src/cli/run.js";
import type { Binding } from "../../src/location/binding.js";
import { lmdbEnvironment } from "../../src/storage/lmdb.js";
import { bindingAt } from "../admin/harness.js";

/** What one command did. */
export interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** The moment at which commands look at the store. */
export const NOW_MS = 1_800_000_000_000;

/** Runs one command in this process, on streams of its own. */
export async function rollcall(args: readonly string[], input = ""): Promise<Ran> {
  const out = capture();
  const err = capture();
  const io = {
    stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    stdout: out.stream,
    stderr: err.stream,
    nowMs: () => NOW_MS,
  };
  const status = await run(args, io);
  return { status, out: out.text(), err: err.text() };
}

/** A command that runs until it is told to stop. */
export interface Running {
  readonly status: Promise<number>;
  /** Resolves with the log line once it comes; rejects when the command ends before. */
  logged(message: string): Promise<Record<string, unknown>>;
  err(): string;
}

/** Starts `rollcall serve`. */
export function start(args: readonly string[]): Running {
  const stdout = new PassThrough();
  const err = capture();
  const entries: Record<string, unknown>[] = [];
  const waiting = new Set<() => void>();
  let rest = "";
  stdout.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("utf8")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) entries.push(JSON.parse(line) as Record<string, unknown>);
    for (const wake of waiting) wake();
  });
  let ended = false;
  const status = run(["serve", ...args], {
    stdin: Readable.from([]),
    stdout,
    stderr: err.stream,
    nowMs: () => Date.now(),
  }).finally(() => {
    ended = true;
    for (const wake of waiting) wake();
  });
  return {
    status,
    err: err.text,
    logged(message) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const at = entries.findIndex(({ msg }) => msg === message);
          if (at < 0 && !ended) return;
          waiting.delete(look);
          // each line is found once, so that the next call waits for the next one
          if (at >= 0) resolve(entries.splice(at, 1)[0]!);
          else reject(new Error(`the server ended without "${message}": ${err.text()}`));
        };
        waiting.add(look);
        look();
      });
    },
  };
}

function capture(): { readonly stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString("utf8") };
}

const root = mkdtempSync(join(tmpdir(), "rollcall-cli-"));
// the runner ends its workers without an exit event
afterAll(() => rmSync(root, { recursive: true, force: true }));

/** A temporary folder that goes with the test file. */
export function temporaryFolder(): string {
  return mkdtempSync(join(root, "f-"));
}

/** A data folder that holds these bindings, made a moment before {@link NOW_MS}. */
export async function dataWith(bindings: readonly (readonly [string, Partial<Binding>])[]): Promise<string> {
  const path = join(temporaryFolder(), "data");
  const { locations, close } = lmdbEnvironment({ path });
  await Promise.all(
    bindings.map(async ([aor, binding]) => {
      const added = bindingAt(NOW_MS - 19_400, binding);
      await locations.update(aor, (current) => ({ bindings: [...current, added], outcome: undefined }));
    }),
  );
  await close();
  return path;
}
