import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { open } from "lmdb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lmdbEnvironment, lmdbStore } from "../../src/storage/lmdb.js";
import { aBinding } from "../../src/testing/bindings.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-trouble-"));
const healthy = join(folder, "healthy");
let copies = 0;

beforeAll(async () => {
  const store = lmdbStore({ path: healthy });
  const params = `;x="${"x".repeat(300)}"`;
  for (let i = 0; i < 20; i++) {
    const aors = Array.from({ length: 200 }, (_, j) => `sip:u${i}-${j}@example.com`);
    await Promise.all(
      aors.map(async (aor) =>
        store.update(aor, () => ({ bindings: [aBinding({ params, uri: aor })], outcome: null })),
      ),
    );
  }
  await store.close();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the healthy store to do harm to. */
function copy(): { readonly path: string; readonly data: string } {
  const path = join(folder, `copy-${++copies}`);
  cpSync(healthy, path, { recursive: true });
  return { path, data: join(path, "data.mdb") };
}

function overwrite(file: string, offset: number, octets: Uint8Array): void {
  const fd = openSync(file, "r+");
  writeSync(fd, octets, 0, octets.length, offset);
  closeSync(fd);
}

/** What opening the folder comes to: the code of its StoreError, or "opened". */
async function opening(path: string): Promise<string> {
  try {
    await lmdbStore({ path }).close();
    return "opened";
  } catch (error) {
    expect(error).toMatchObject({ name: "StoreError" });
    const { message, code } = error as { message: string; code: string };
    expect(message).toContain(path);
    expect(message).not.toContain("\n");
    return code;
  }
}

describe("a store that cannot be opened is one clear error, and is left as it was", () => {
  const cases: readonly (readonly [what: string, code: string, harm: (data: string) => void])[] = [
    ["cut in the middle", "damaged", (data) => truncateSync(data, Math.floor(statSync(data).size / 2))],
    ["cut behind its roots", "damaged", (data) => truncateSync(data, 3 * 4096)],
    ["cut by its last half", "damaged", (data) => truncateSync(data, Math.floor(statSync(data).size * 0.9))],
    ["cut to nothing", "damaged", (data) => truncateSync(data, 0)],
    ["another kind of file", "damaged", (data) => writeFileSync(data, "nothing of the kind\n".repeat(1000))],
    ["zeros over its beginning", "damaged", (data) => overwrite(data, 0, Buffer.alloc(8192))],
    ["noise over its second page", "damaged", (data) => overwrite(data, 4096, Buffer.alloc(4096, 0xa5))],
    [
      "noise over every page but the first two",
      "damaged",
      (data) => {
        overwrite(data, 8192, Buffer.alloc(statSync(data).size - 8192, 0xa5));
      },
    ],
    [
      "a newer LMDB's",
      "newer-version",
      (data) => {
        for (const page of [0, 4096]) overwrite(data, page + 24 + 4, Buffer.from([3, 0, 0, 0]));
      },
    ],
  ];
  for (const [what, code, harm] of cases) {
    test(what, async () => {
      const { path, data } = copy();
      harm(data);
      const before = readFileSync(data);
      const files = readdirSync(path);
      expect(await opening(path)).toBe(code);
      expect(readFileSync(data).equals(before)).toBe(true);
      expect(readdirSync(path)).toEqual(files);
    });
  }

  test("written by a newer version", async () => {
    const { path, data } = copy();
    const raw = open({ path, overlappingSync: false });
    raw.openDB("meta", { encoding: "binary" }).putSync("format", Buffer.from("2"));
    await raw.close();
    const before = readFileSync(data);
    expect(await opening(path)).toBe("newer-version");
    expect(readFileSync(data).equals(before)).toBe(true);
  });

  test("an LMDB environment of somebody else's", async () => {
    const path = join(folder, "foreign");
    const raw = open({ path, overlappingSync: false });
    raw.openDB("theirs", {}).putSync("key", "value");
    await raw.close();
    const before = readFileSync(join(path, "data.mdb"));
    expect(await opening(path)).toBe("damaged");
    expect(readFileSync(join(path, "data.mdb")).equals(before)).toBe(true);
  });

  test("a file where the folder should be", async () => {
    const path = join(folder, "file");
    writeFileSync(path, "mine");
    expect(await opening(path)).toBe("unavailable");
    expect(await opening(join(path, "below"))).toBe("unavailable");
    expect(readFileSync(path, "utf8")).toBe("mine");
  });

  test("the healthy one opens, also from a path by another name", async () => {
    const { path } = copy();
    expect(await opening(path)).toBe("opened");
    const one = lmdbStore({ path });
    const other = lmdbStore({ path: join(path, "..", `copy-${copies}`) });
    expect(other.count()).toEqual({ aors: 4_000, bindings: 4_000 });
    await one.close();
    expect(other.read("sip:u0-0@example.com")).toHaveLength(1);
    await other.close();
  });
});

test("a new store is for its owner alone, folder and files", async () => {
  const path = join(folder, "deep", "new");
  await lmdbStore({ path }).close();
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect(readdirSync(path).sort()).toEqual(["data.mdb", "lock.mdb"]);
  for (const file of readdirSync(path)) expect(statSync(join(path, file)).mode & 0o777).toBe(0o600);
});

test("a folder that was there keeps its mode", async () => {
  const path = join(folder, "mine");
  mkdirSync(path);
  chmodSync(path, 0o755);
  await lmdbStore({ path }).close();
  expect(statSync(path).mode & 0o777).toBe(0o755);
});

test("a record that cannot be read is an error, never an empty set", async () => {
  const { path } = copy();
  const raw = open({ path, overlappingSync: false });
  const options = { encoding: "binary" as const, keyEncoding: "binary" as const };
  raw
    .openDB<Buffer, Buffer>("locations", options)
    .putSync(Buffer.from("sip:u0-0@example.com"), Buffer.from("\x01junk"));
  await raw.close();
  const store = lmdbStore({ path });
  const damaged = expect.objectContaining({ name: "StoreError", code: "damaged" });
  expect(() => store.read("sip:u0-0@example.com")).toThrow(damaged);
  const update = async () => store.update("sip:u0-0@example.com", () => ({ bindings: [], outcome: null }));
  await expect(update()).rejects.toThrow(damaged);
  await expect(store.scan({ limit: 10 })).rejects.toThrow(damaged);
  expect(store.read("sip:u0-1@example.com")).toHaveLength(1);
  await store.close();
});

test("after close, accounts and secrets answer with an error too", async () => {
  const { accounts, secrets, close } = lmdbEnvironment({ path: join(folder, "closed") });
  await close();
  const closed = expect.objectContaining({ name: "StoreError", code: "closed" });
  expect(() => accounts.has("alice", "example.com")).toThrow(closed);
  expect(() => secrets.read("nonce")).toThrow(closed);
  await expect(accounts.set("alice", "example.com", {})).rejects.toThrow(closed);
});

/** What the fixture tells of a folder; it runs in a process of its own, as another user if one is given. */
interface Told {
  readonly opened: boolean;
  readonly stored: number;
  readonly error: { readonly name: string; readonly code: string; readonly message: string } | null;
  readonly kept: { readonly aors: number } | null;
  readonly readable: number | null;
  /** What kept it from being written behind the last contact, and after the ballast was taken away. */
  readonly trouble: readonly (string | null)[];
}

function tryStore(
  path: string,
  contacts: number | "read",
  uid?: number,
  ballast: readonly string[] = [],
): Told {
  const script = fileURLToPath(new URL("fixtures/try-store.mjs", import.meta.url));
  const { stdout, status } = spawnSync(process.execPath, [script, path, String(contacts), ...ballast], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  expect(status).toBe(0);
  return JSON.parse(stdout) as Told;
}

const NOBODY = 65_534;

/** May a process of another user's be started, with this very Node and from this checkout? */
function othersMayRun(): boolean {
  if (process.getuid?.() !== 0) return false;
  const script = fileURLToPath(new URL("fixtures/try-store.mjs", import.meta.url));
  return spawnSync(process.execPath, ["--check", script], { uid: NOBODY, gid: NOBODY }).status === 0;
}

describe.runIf(othersMayRun())(
  "a folder that may not be used (as root, where another user may run this)",
  () => {
    for (const [what, mode, file] of [
      ["may not be entered", 0o700, ""],
      ["may not be written to", 0o755, ""],
      ["holds a file that may not be read", 0o777, "data.mdb"],
    ] as const) {
      test(what, () => {
        const { path } = copy();
        chmodSync(folder, 0o755);
        chmodSync(path, mode);
        if (file !== "") chmodSync(join(path, file), 0o600);
        const before = readFileSync(join(path, "data.mdb"));
        const { opened, error } = tryStore(path, 0, NOBODY);
        expect(opened).toBe(false);
        expect(error).toMatchObject({ name: "StoreError", code: "locked" });
        expect(readFileSync(join(path, "data.mdb")).equals(before)).toBe(true);
      });
    }
  },
);

function mounts(): boolean {
  if (process.getuid?.() !== 0) return false;
  const probe = join(folder, "probe");
  mkdirSync(probe);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", probe], { stdio: "ignore" });
    execFileSync("umount", [probe]);
    return true;
  } catch {
    return false;
  }
}

function withDisk(size: string, use: (path: string, remount: (options: string) => void) => void): void {
  const disk = mkdtempSync(join(folder, "disk-"));
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${size}`, "tmpfs", disk]);
  try {
    use(join(disk, "data"), (options) => void execFileSync("mount", ["-o", `remount,${options}`, disk]));
  } finally {
    execFileSync("umount", [disk]);
  }
}

describe.runIf(mounts())("a disk in trouble (where a small one can be mounted)", () => {
  test("tells that it cannot be written, until it can, though nobody else tries", () => {
    withDisk("4m", (path) => {
      expect(tryStore(path, 3)).toMatchObject({ error: null, trouble: [null] });
      const ballast = join(path, "ballast");
      writeFileSync(ballast, Buffer.alloc(2 ** 20));
      const filled = tryStore(path, 100_000, undefined, [ballast]);
      expect(filled).toMatchObject({ error: { code: "full" }, trouble: ["full", null] });
    });
  });

  test("F2: a full one refuses with an error, and loses nothing that was answered", () => {
    withDisk("2m", (path, remount) => {
      const filled = tryStore(path, 100_000);
      expect(filled.error).toMatchObject({ name: "StoreError", code: "full" });
      expect(filled.stored).toBeGreaterThan(100);
      expect(filled.kept!.aors).toBe(filled.stored);
      expect(filled.readable).toBe(filled.stored);
      const again = tryStore(path, 0);
      expect(again).toMatchObject({ opened: true, error: null, kept: { aors: filled.stored } });
      remount("size=8m");
      const more = tryStore(path, filled.stored + 50);
      expect(more).toMatchObject({ error: null, kept: { aors: filled.stored + 50 } });
    });
  });

  test("one without room for a new store leaves nothing behind", () => {
    for (const size of ["4k", "16k", "32k", "100k"]) {
      withDisk(size, (path) => {
        expect(tryStore(path, 0).error).toMatchObject({ name: "StoreError", code: "full" });
        expect(existsSync(path) ? readdirSync(path).filter((name) => name === "data.mdb") : []).toEqual([]);
      });
    }
  });

  test("a read-only one is told as such", () => {
    withDisk("2m", (path, remount) => {
      expect(tryStore(path, 3)).toMatchObject({ stored: 3, error: null });
      remount("ro");
      const read = tryStore(path, "read");
      expect(read).toMatchObject({ opened: true, kept: { aors: 3 }, readable: 3, trouble: ["read-only"] });
      expect(read.error).toMatchObject({ name: "StoreError", code: "read-only" });
      expect(tryStore(path, 3)).toMatchObject({ opened: false, error: { code: "read-only" } });
      // where folders would have to be made first, too
      for (const folder of ["-new", "-new/deep/down"])
        expect(tryStore(path + folder, 3)).toMatchObject({ opened: false, error: { code: "read-only" } });
      remount("rw");
      expect(tryStore(path, 3)).toMatchObject({ stored: 3, error: null });
    });
  });
});
