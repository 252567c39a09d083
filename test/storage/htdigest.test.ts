import { mkdtemp, rename, rm, stat, truncate, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Log } from "../../src/port/log.js";
import { openHtdigest } from "../../src/storage/htdigest.js";
import { HtdigestError, htdigestKey, parseHtdigest } from "../../src/storage/htdigest-parse.js";
import { manualClock } from "../../src/testing/clock.js";

const md5 = "0123456789abcdef0123456789abcdef";
const sha256 = md5 + md5;

describe("lines of an htdigest file", () => {
  it.each([
    ["MD5", `alice:example.com:${md5}\n`, md5, undefined],
    ["SHA-256", `alice:example.com:${sha256}\n`, undefined, sha256],
    ["both", `alice:example.com:${md5}\nalice:example.com:${sha256}\n`, md5, sha256],
    ["no line end at the end", `alice:example.com:${md5}`, md5, undefined],
    ["line ends of DOS", `\r\nalice:example.com:${md5}\r\n`, md5, undefined],
    ["upper case", `alice:example.com:${md5.toUpperCase()}\n`, md5, undefined],
    ["empty lines and remarks", `# users\n\nalice:example.com:${md5}\n#x:y:z\n`, md5, undefined],
    [
      "others round it",
      `bob:example.com:${sha256}\nalice:example.com:${md5}\nalice:other:${sha256}\n`,
      md5,
      undefined,
    ],
  ])("%s", (_, text, expectedMd5, expectedSha256) => {
    const accounts = parseHtdigest(text);
    const key = htdigestKey("alice", "example.com");
    expect(accounts.md5.get(key)).toBe(expectedMd5);
    expect(accounts.sha256.get(key)).toBe(expectedSha256);
  });

  it("a realm with colons, and names in UTF-8 as their octets", () => {
    const accounts = parseHtdigest(`j\u00c3\u00a4s:a:b c:${md5}\n`);
    expect(accounts.md5.get(htdigestKey("j\u00c3\u00a4s", "a:b c"))).toBe(md5);
  });

  it("nothing at all", () => {
    expect(parseHtdigest("").md5.size).toBe(0);
  });

  const good = `alice:example.com:${md5}\n`;
  it.each([
    ["no colon", `${good}${good.replace("alice", "bob")}nonsense\n`, 3],
    ["one colon", `alice:${md5}\n`, 1],
    ["no user", `:example.com:${md5}\n`, 1],
    ["a short HA1", `${good}bob:example.com:${md5.slice(1)}\n`, 2],
    ["a password in place of the HA1", `${good}\n\nbob:example.com:hunter2\n`, 4],
    ["no hexadecimal", `bob:example.com:${md5.slice(1)}g\n`, 1],
    ["of another length", `bob:example.com:${md5}00\n`, 1],
    ["the same user twice", `${good}${good}`, 2],
    ["half a line", `${good}bob:exam`, 2],
  ])("%s is an error that names the line and shows nothing of it", (_, text, line) => {
    let failure: unknown;
    try {
      parseHtdigest(text);
    } catch (error) {
      failure = error;
    }
    expect(failure).toBeInstanceOf(HtdigestError);
    const { message } = failure as HtdigestError;
    expect((failure as HtdigestError).line).toBe(line);
    expect(message).toContain(`line ${line}`);
    expect(message).not.toMatch(/0123456789|hunter2|bob/);
  });
});

describe("a file that others write", () => {
  let folder = "";
  let path = "";
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "rollcall-htdigest-"));
    path = join(folder, "users.htdigest");
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  /** Opens the file, and tells what is logged from then on. */
  async function opened(options: { readonly maxOctets?: number } = {}) {
    const clock = manualClock();
    const lines: string[] = [];
    const keep = (facts: object, message: string): void =>
      void lines.push(`${message} ${JSON.stringify(facts)}`);
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
    const source = await openHtdigest({ path, clock, log, ...options });
    /** Lets time pass, and what a look at the file waits for come. */
    const tick = async (): Promise<void> => {
      clock.advance(1000);
      await new Promise(setImmediate);
    };
    return {
      clock,
      source,
      lines,
      tick,
      /** Looks until something is logged. */
      look: async (): Promise<string> => {
        const before = lines.length;
        while (lines.length === before) await tick();
        return lines.at(-1)!;
      },
    };
  }

  const alice = `alice:example.com:${md5}\n`;
  const bob = `bob:example.com:${sha256}\n`;

  it("answers by algorithm; whom it knows by another hash alone, it knows all the same", async () => {
    await writeFile(path, alice + bob);
    const { source } = await opened();
    expect(source.size).toBe(2);
    expect(source.ha1("alice", "example.com", "MD5")).toBe(md5);
    expect(source.ha1("alice", "example.com", "SHA-256")).toBe(false);
    expect(source.ha1("alice", "example.org", "MD5")).toBeNull();
    expect(source.ha1("bob", "example.com", "SHA-256")).toBe(sha256);
    expect(source.ha1("bob", "example.com", "MD5")).toBe(false);
    expect(source.ha1("bob", "example.com", "SHA-512-256")).toBe(false);
    expect(source.ha1("carol", "example.com", "SHA-512-256")).toBeNull();
    source.close();
  });

  it("with a byte order mark in front, knows the first user as well", async () => {
    await writeFile(path, Buffer.from(`\ufeff${alice}${bob}`, "utf8"));
    const { source } = await opened();
    expect(source.ha1("alice", "example.com", "MD5")).toBe(md5);
    expect(source.size).toBe(2);
    source.close();
  });

  it.each(["written in place", "replaced by renaming"])("%s, it is read again by itself", async (how) => {
    await writeFile(path, alice);
    const { source, look } = await opened();
    if (how === "written in place") await writeFile(path, bob);
    else {
      await writeFile(`${path}.new`, bob);
      await rename(`${path}.new`, path);
    }
    expect(await look()).toContain("read again");
    expect(source.ha1("alice", "example.com", "MD5")).toBeNull();
    expect(source.ha1("bob", "example.com", "SHA-256")).toBe(sha256);
    source.close();
  });

  it("with the same size and time too: another file in its place is another file", async () => {
    await writeFile(path, alice);
    const { source, look } = await opened();
    const before = await stat(path);
    await writeFile(`${path}.new`, alice.replace("alice", "carol"));
    await utimes(`${path}.new`, before.atime, before.mtime);
    await rename(`${path}.new`, path);
    await look();
    expect(source.ha1("carol", "example.com", "MD5")).toBe(md5);
    source.close();
  });

  it("with a bad line, the accounts from before stay and the line is told once, without what it holds", async () => {
    await writeFile(path, alice);
    const { source, look, lines, tick } = await opened();
    await writeFile(path, `${alice}bob:example.com:hunter2\n`);
    const logged = await look();
    expect(logged).toContain("line 2");
    expect(logged).toContain("users.htdigest");
    expect(logged).not.toContain("hunter2");
    expect(source.ha1("alice", "example.com", "MD5")).toBe(md5);
    // looks that find the same bad file say nothing; the next thing told is that it was mended
    for (let i = 0; i < 100; i++) await tick();
    expect(lines).toHaveLength(1);
    await writeFile(path, alice + bob);
    expect(await look()).toContain("read again");
    expect(source.size).toBe(2);
    source.close();
  });

  it("gone or too large, likewise", async () => {
    await writeFile(path, alice);
    const { source, look } = await opened({ maxOctets: 1000 });
    await truncate(path, 1001);
    expect(await look()).toContain("larger than 1000 octets");
    await rm(path);
    expect(await look()).toContain("ENOENT");
    expect(source.ha1("alice", "example.com", "MD5")).toBe(md5);
    await writeFile(path, bob);
    expect(await look()).toContain("read again");
    source.close();
  });

  it("can be read on demand; trouble is thrown then, and nothing changes", async () => {
    await writeFile(path, alice);
    const { source } = await opened();
    await writeFile(path, bob);
    await source.reload();
    expect(source.ha1("bob", "example.com", "SHA-256")).toBe(sha256);
    await writeFile(path, "nonsense");
    await expect(source.reload()).rejects.toThrow(/users\.htdigest line 1/);
    expect(source.ha1("bob", "example.com", "SHA-256")).toBe(sha256);
    source.close();
  });

  it("that cannot be read at the start is an error", async () => {
    await expect(opened()).rejects.toThrow("ENOENT");
    await writeFile(path, `${alice}nonsense\n`);
    await expect(opened()).rejects.toThrow(/users\.htdigest line 2/);
  });

  it("is not looked at once it is closed", async () => {
    await writeFile(path, alice);
    const { source, clock } = await opened();
    expect(clock.pending()).toBe(1);
    source.close();
    expect(clock.pending()).toBe(0);
  });
});
