import { utf8Octets } from "../auth/digest.js";
import type { CredentialSource, DigestAlgorithm, Ha1Answer, Hasher } from "../auth/source.js";
import { type Log, NO_LOG } from "../port/log.js";

export interface PostgresAccountsOptions {
  /** `postgresql://user:password@host:port/database`, as the package `pg` reads it. */
  readonly url: string;
  readonly hasher: Hasher;
  readonly log?: Log;
  /** Table in the layout of Kamailio's `subscriber`; that name when not given. May have a schema in front: `sip.subscriber`. */
  readonly table?: string;
  /** Does the realm choose among users of the same name by the column `domain`? `true` when not given, as Kamailio's `use_domain`. */
  readonly useDomain?: boolean;
  /** Connections at a time; 4 when not given. */
  readonly connections?: number;
  /** How long one question may take, in milliseconds, connecting included; 2,000 when not given. */
  readonly timeoutMs?: number;
}

/** Accounts in a database. */
export interface PostgresAccounts extends CredentialSource {
  ha1(user: string, realm: string, algorithm: DigestAlgorithm): Promise<Ha1Answer>;
  close(): Promise<void>;
}

/** One row, as far as it matters here. */
export interface SubscriberRow {
  readonly password: string | null;
  readonly ha1: string | null;
  readonly ha1b: string | null;
}

/** What is used of the pool of the package `pg`. */
interface Pool {
  query(text: string, values: readonly string[]): Promise<{ readonly rows: readonly SubscriberRow[] }>;
  on(event: "error", listener: (error: Error) => void): unknown;
  end(): Promise<void>;
}

/**
 * Accounts in PostgreSQL, in the table layout of Kamailio: `subscriber(username, domain, password, ha1, ha1b)`. A user name with a
 * domain behind an `@` is looked up by both parts and held against `ha1b`. Needs the package `pg`; ask it through `accountCache`.
 * Trouble with the database rejects; that it cannot be reached is seen at the first question, not here.
 * @throws Error when the package is not installed; TypeError for a table name that is none
 */
export async function postgresAccounts(options: PostgresAccountsOptions): Promise<PostgresAccounts> {
  const {
    hasher,
    log = NO_LOG,
    table = "subscriber",
    useDomain = true,
    connections = 4,
    timeoutMs = 2000,
  } = options;
  const from = quotedTable(table);
  const byUser = `SELECT password, ha1, ha1b FROM ${from} WHERE username = $1`;
  const byBoth = `${byUser} AND domain = $2`;
  const pool = await openPool({
    connectionString: options.url,
    max: connections,
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
    statement_timeout: timeoutMs,
    application_name: "rollcall",
  });
  // an idle connection that breaks is replaced at the next question; without a listener it would end the process
  pool.on("error", (error) => log.warn({ error: error.message }, "connection to PostgreSQL lost"));
  return {
    async ha1(user, realm, algorithm) {
      // PostgreSQL has no text with a NUL in it, so no user either
      if (user.includes("\0") || realm.includes("\0")) return null;
      const at = user.lastIndexOf("@");
      const hasDomain = at > 0;
      const name = textOf(hasDomain ? user.slice(0, at) : user);
      const domain = textOf(hasDomain ? user.slice(at + 1).toLowerCase() : realm);
      const { rows } =
        hasDomain || useDomain ? await pool.query(byBoth, [name, domain]) : await pool.query(byUser, [name]);
      if (rows.length === 0) return null;
      // without a domain to tell them apart, two users of one name are believed neither: either could be the other
      if (rows.length > 1) return false;
      return ha1OfRow(hasher, rows[0]!, { user, realm, hasDomain }, algorithm);
    },
    close: () => pool.end(),
  };
}

/**
 * The HA1 that a row holds or gives: of the stored hashes the one that fits (32 digits are MD5, 64 are SHA-256), else made from the
 * password where that is stored; `false` when there is neither.
 */
export function ha1OfRow(
  hasher: Hasher,
  row: SubscriberRow,
  name: { readonly user: string; readonly realm: string; readonly hasDomain: boolean },
  algorithm: DigestAlgorithm,
): string | false {
  const stored = ((name.hasDomain ? row.ha1b : row.ha1) ?? "").trim().toLowerCase();
  const digits = algorithm === "MD5" ? 32 : algorithm === "SHA-256" ? 64 : 0;
  if (digits > 0 && stored.length === digits && /^[0-9a-f]+$/.test(stored)) return stored;
  const password = row.password ?? "";
  if (password.length === 0) return false;
  return hasher.digest(algorithm, `${name.user}:${name.realm}:${utf8Octets(password)}`);
}

async function openPool(settings: object): Promise<Pool> {
  let driver: typeof import("pg");
  try {
    driver = await import("pg");
  } catch (error) {
    throw new Error("accounts in PostgreSQL need the package pg: npm install pg", { cause: error });
  }
  return new driver.default.Pool(settings) as unknown as Pool;
}

/** Names of letters, digits and underscores, so that none can be anything else in a statement. */
function quotedTable(table: string): string {
  const parts = table.split(".");
  if (parts.length > 2 || !parts.every((part) => /^[A-Za-z_][A-Za-z0-9_]{0,62}$/.test(part)))
    throw new TypeError(`${table} is no table name`);
  return parts.map((part) => `"${part}"`).join(".");
}

/** Octets as the text that they are in UTF-8, for a database that keeps text. */
function textOf(octets: string): string {
  return Buffer.from(octets, "latin1").toString("utf8");
}
