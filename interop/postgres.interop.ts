import { readdirSync } from "node:fs";
import { chmod, chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ha1For } from "../src/auth/digest.js";
import { systemClock } from "../src/server/system.js";
import { accountCache } from "../src/storage/account-cache.js";
import { accountChain } from "../src/storage/account-chain.js";
import { type PostgresAccounts, postgresAccounts } from "../src/storage/postgres-accounts.js";
import { answering, hasher, request, rig } from "../test/server/authorize-rig.js";
import { freePort } from "./support/ports.js";
import { type Program, startProgram } from "./support/program.js";
import { run } from "./support/run.js";
import { until } from "./support/until.js";

/** Folder of the newest PostgreSQL's programs as Debian installs them, which are not on the PATH. */
function programFolder(): string | undefined {
  try {
    const newest = readdirSync("/usr/lib/postgresql").sort((a, b) => Number(b) - Number(a))[0];
    return newest === undefined ? undefined : `/usr/lib/postgresql/${newest}/bin`;
  } catch {
    return undefined;
  }
}

const programs = programFolder();
if (programs === undefined && process.env.CI)
  throw new Error("PostgreSQL is missing: apt-get install postgresql");
const describeDatabase = programs === undefined ? describe.skip : describe;
const title = programs === undefined ? "PostgreSQL (skipped: apt-get install postgresql)" : "PostgreSQL";

/** Kamailio's own layout of the table (its version 7). */
const SCHEMA = `
  CREATE TABLE subscriber (
    id SERIAL PRIMARY KEY NOT NULL,
    username VARCHAR(64) DEFAULT '' NOT NULL,
    domain VARCHAR(64) DEFAULT '' NOT NULL,
    password VARCHAR(64) DEFAULT '' NOT NULL,
    ha1 VARCHAR(128) DEFAULT '' NOT NULL,
    ha1b VARCHAR(128) DEFAULT '' NOT NULL,
    CONSTRAINT subscriber_account_idx UNIQUE (username, domain)
  );
  CREATE SCHEMA sip;
  CREATE TABLE sip.phones AS SELECT * FROM subscriber;`;

const MD5 = (user: string, password: string, realm = "example.com"): string =>
  ha1For(hasher, { user, realm, password }, "MD5");

/** A database server of its own, in a folder of its own; refuses to run as root, so root hands it to the user postgres. */
class Database {
  readonly port: number;
  readonly #folder: string;
  readonly #as: readonly string[];
  #server: Program | undefined;

  private constructor(port: number, folder: string, as: readonly string[]) {
    this.port = port;
    this.#folder = folder;
    this.#as = as;
  }

  static async make(): Promise<Database> {
    const folder = await mkdtemp(join(tmpdir(), "rollcall-postgres-"));
    const password = join(folder, "password");
    await writeFile(password, "hunter2\n");
    let as: string[] = [];
    if (process.getuid?.() === 0) {
      const [uid, gid] = (await Promise.all(["-u", "-g"].map((flag) => run("id", [flag, "postgres"])))).map(
        ({ output }) => Number(output),
      );
      as = ["setpriv", `--reuid=${uid}`, `--regid=${gid}`, "--clear-groups"];
      await chown(folder, uid!, gid!);
      await chown(password, uid!, gid!);
    }
    await chmod(folder, 0o700);
    const database = new Database(await freePort(), folder, as);
    const made = await database.#run("initdb", [
      "-D",
      join(folder, "data"),
      "-U",
      "rollcall",
      "-A",
      "scram-sha-256",
      "--pwfile",
      password,
      "-E",
      "UTF8",
      "--no-locale",
      "--no-sync",
    ]);
    expect(made.status, made.output).toBe(0);
    await database.start();
    return database;
  }

  get url(): string {
    return `postgresql://rollcall:hunter2@127.0.0.1:${this.port}/postgres`;
  }

  async start(): Promise<void> {
    const [program, ...rest] = [...this.#as, `${programs}/postgres`];
    const settings = [
      "-p",
      String(this.port),
      "-k",
      this.#folder,
      "-c",
      "listen_addresses=127.0.0.1",
      "-c",
      "fsync=off",
    ];
    this.#server = startProgram(
      program!,
      [...rest, "-D", join(this.#folder, "data"), ...settings],
      this.#folder,
    );
    await until(
      () =>
        this.query("SELECT 1").then(
          () => true,
          () => false,
        ),
      20_000,
    );
  }

  /** Ends every connection and the server. */
  async stop(): Promise<void> {
    await this.#server?.end("SIGINT");
    this.#server = undefined;
  }

  async query(text: string, values: readonly unknown[] = []): Promise<void> {
    const client = new pg.Client({ connectionString: this.url });
    client.on("error", () => {});
    await client.connect();
    try {
      await client.query(text, [...values]);
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.#folder, { recursive: true });
  }

  #run(name: string, args: readonly string[]): ReturnType<typeof run> {
    const [program, ...rest] = [...this.#as, `${programs}/${name}`];
    return run(program!, [...rest, ...args], { cwd: this.#folder });
  }
}

describeDatabase(title, () => {
  let database: Database;
  const open: PostgresAccounts[] = [];
  const accountsOf = async (
    options: Partial<Parameters<typeof postgresAccounts>[0]> = {},
  ): Promise<PostgresAccounts> => {
    const accounts = await postgresAccounts({ url: database.url, hasher, timeoutMs: 5000, ...options });
    open.push(accounts);
    return accounts;
  };
  const add = (
    username: string,
    domain: string,
    password: string,
    ha1: string,
    ha1b: string,
  ): Promise<void> =>
    database.query(
      "INSERT INTO subscriber (username, domain, password, ha1, ha1b) VALUES ($1, $2, $3, $4, $5)",
      [username, domain, password, ha1, ha1b],
    );

  beforeAll(async () => {
    database = await Database.make();
    await database.query(SCHEMA);
    await add("alice", "example.com", "", MD5("alice", "secret"), MD5("alice@example.com", "secret"));
    await add("alice", "example.org", "", MD5("alice", "other", "example.org"), "");
    await add("bob", "example.com", "gr\u00fcn", "", "");
    await add("j\u00e4s\u00f8n", "example.com", "secret", "", "");
    await database.query("INSERT INTO sip.phones SELECT 1, 'carol', 'example.com', 'secret', '', ''");
  });
  afterAll(async () => {
    await Promise.all(open.map((accounts) => accounts.close()));
    await database?.remove();
  });

  it.each([
    ["by user and realm", "alice", "example.com", "MD5", MD5("alice", "secret")],
    ["the same user of another domain", "alice", "example.org", "MD5", MD5("alice", "other", "example.org")],
    [
      "with the domain in the name",
      "alice@example.com",
      "example.com",
      "MD5",
      MD5("alice@example.com", "secret"),
    ],
    [
      "with the domain in upper case",
      "alice@EXAMPLE.com",
      "example.com",
      "MD5",
      MD5("alice@example.com", "secret"),
    ],
    [
      "made from the password",
      "bob",
      "example.com",
      "SHA-256",
      ha1For(hasher, { user: "bob", realm: "example.com", password: "gr\u00fcn" }, "SHA-256"),
    ],
    [
      "in UTF-8 as on the wire",
      "j\u00c3\u00a4s\u00c3\u00b8n",
      "example.com",
      "MD5",
      MD5("j\u00e4s\u00f8n", "secret"),
    ],
    ["MD5 alone gives no SHA-256", "alice", "example.com", "SHA-256", false],
    ["another case of a user is another user", "Alice", "example.com", "MD5", null],
    ["nobody", "dave", "example.com", "MD5", null],
    ["another domain", "bob", "example.org", "MD5", null],
    ["what would end a statement", "' OR '1'='1", "example.com", "MD5", null],
    ["octets that are no UTF-8", "\u00ff\u00fe", "example.com", "MD5", null],
    ["a name longer than the column", "x".repeat(5000), "example.com", "MD5", null],
  ] as const)("%s", async (_, user, realm, algorithm, ha1) => {
    const accounts = open[0] ?? (await accountsOf());
    expect(await accounts.ha1(user, realm, algorithm)).toBe(ha1);
  });

  it("another table, and one realm for every domain", async () => {
    const accounts = await accountsOf({ table: "sip.phones", useDomain: false });
    expect(await accounts.ha1("carol", "Our House", "MD5")).toBe(MD5("carol", "secret", "Our House"));
    // two users of one name cannot be told apart without their domain
    const both = await accountsOf({ useDomain: false });
    expect(await both.ha1("alice", "example.com", "MD5")).toBe(false);
  });

  it("a phone registers; while the database is away it is told to come again, and never that its password is wrong", async () => {
    const accounts = await accountsOf({ timeoutMs: 1000 });
    const cache = accountCache(accounts, { clock: systemClock, knownMs: 0, unknownMs: 0 });
    const { ask, challenge } = rig({ source: accountChain([{ ha1: () => null }, cache]) });
    expect((await ask(answering(await challenge()))).context.identity?.user).toBe("alice");
    expect((await ask(answering(await challenge(), { password: "guess" }))).status).toBe(401);
    await database.stop();
    const away = await ask(answering(await challenge()));
    expect(away.status).toBe(503);
    expect(away.answer?.headers.get("retry-after")).toMatch(/^\d+$/);
    expect((await ask(request())).status).toBe(401);
    await database.start();
    expect((await ask(answering(await challenge()))).context.identity?.user).toBe("alice");
  });

  it("one that does not answer in time is trouble", async () => {
    const accounts = await accountsOf({ timeoutMs: 300, table: "slow" });
    await database.query("CREATE VIEW slow AS SELECT subscriber.* FROM subscriber, pg_sleep(5)");
    await expect(accounts.ha1("alice", "example.com", "MD5")).rejects.toThrow(/timeout/i);
  });
});
