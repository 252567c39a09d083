import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { AdminConfig, ConfigFlags, TlsConfig } from "./config.js";
import { codeOf } from "./config-error.js";
import { type ConfigPath, showPath } from "./config-file.js";
import type { ConfigFile } from "./config-schema.js";
import { type HostPort, isLoopback } from "./config-values.js";

/** Says what is wrong with the value at a path. */
export type Complain = (path: ConfigPath, text: string) => void;

const DEFAULT_ADMIN: HostPort = { host: "127.0.0.1", port: 8060 };

/** Certificates: those of the flags win over those of the file. */
export function mergeTls(
  config: ConfigFile,
  flags: ConfigFlags,
  inFile: (path: string) => string,
  problem: Complain,
): TlsConfig | null {
  const { tlsCert, tlsKey } = flags;
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    problem([], "--tls-cert and --tls-key go together");
    return null;
  }
  const { tls } = config;
  if (tls === undefined && tlsCert === undefined) return null;
  if (tls !== undefined && tls.verifyClients !== "off" && tls.clientCa === undefined) {
    problem(["tls", "verifyClients"], "tls.verifyClients needs tls.clientCa");
  }
  const files =
    tlsCert !== undefined && tlsKey !== undefined
      ? { cert: resolve(tlsCert), key: resolve(tlsKey) }
      : { cert: inFile(tls!.cert), key: inFile(tls!.key) };
  return {
    ...files,
    servers: (tls?.servers ?? []).map(({ name, cert, key }) => ({
      name,
      cert: inFile(cert),
      key: inFile(key),
    })),
    clientCa: tls?.clientCa === undefined ? null : inFile(tls.clientCa),
    verifyClients: tls?.verifyClients ?? "off",
    minVersion: tls?.minVersion ?? "TLSv1.2",
  };
}

/** Where the admin interface listens and who may log in; an address that others can reach needs a login. */
export function mergeAdmin(
  config: ConfigFile,
  flags: ConfigFlags,
  inFile: (path: string) => string,
  problem: Complain,
): AdminConfig | null {
  const said = config.admin;
  const login = typeof said === "object" && !("host" in said) ? said : undefined;
  const where =
    flags.admin ??
    (login === undefined ? (said as HostPort | "off" | undefined) : login.listen) ??
    DEFAULT_ADMIN;
  if (where === "off") return null;
  if ((login?.user === undefined) !== (login?.password === undefined)) {
    problem(["admin"], "admin.user and admin.password go together");
  }
  let token = login?.token ?? null;
  if (login?.tokenFile !== undefined) {
    if (token !== null) problem(["admin", "tokenFile"], "admin.token and admin.tokenFile exclude each other");
    token = readToken(inFile(login.tokenFile), problem);
  }
  const basic =
    login?.user === undefined || login.password === undefined
      ? null
      : { user: login.user, password: login.password };
  if (!isLoopback(where.host) && token === null && basic === null) {
    problem(
      ["admin"],
      `admin: ${where.host} is not loopback, so a login is needed (admin.token, admin.tokenFile, or admin.user and admin.password in the configuration file)`,
    );
  }
  return { ...where, token, basic, hosts: (login?.hosts ?? []).map((host) => host.toLowerCase()) };
}

function readToken(file: string, problem: Complain): string | null {
  const path = ["admin", "tokenFile"];
  try {
    const token = readFileSync(file, "utf8").trim();
    if (token.length >= 16 && token.length <= 1024 && !/\s/.test(token)) return token;
    problem(path, `${showPath(path)}: ${file} must hold one token of 16 to 1024 characters`);
  } catch (error) {
    problem(path, `${showPath(path)}: ${file} cannot be read (${codeOf(error)})`);
  }
  return null;
}
