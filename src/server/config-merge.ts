import { dirname, resolve } from "node:path";
import type { DigestAlgorithm } from "../auth/source.js";
import type { AccountSource, ConfigFlags, ServerConfig } from "./config.js";
import { type Complain, mergeAdmin, mergeTls } from "./config-access.js";
import { ConfigError, showProblem } from "./config-error.js";
import type { ConfigPath, ReadConfig } from "./config-file.js";
import type { ConfigFile } from "./config-schema.js";
import type { ListenAddress, StoreLocation } from "./config-values.js";

const DEFAULT_LISTEN: readonly ListenAddress[] = [
  { transport: "udp", host: "127.0.0.1", port: 5060 },
  { transport: "tcp", host: "127.0.0.1", port: 5060 },
  { transport: "ws", host: "127.0.0.1", port: 5066 },
];

const DEFAULT_DATA = "rollcall-data";
const ALGORITHMS: Readonly<Record<string, DigestAlgorithm>> = {
  md5: "MD5",
  "sha-256": "SHA-256",
  "sha-512-256": "SHA-512-256",
};

/**
 * Lays the flags over what the file says and checks the whole.
 * @param file absolute path of the file, or `null`; paths in it are relative to its folder, those of flags to the working directory
 * @throws ConfigError that names file, line and key
 */
export function mergeConfig(
  read: ReadConfig,
  file: string | null,
  flags: ConfigFlags,
  shownFile = file,
): ServerConfig {
  const { config } = read;
  const base = file === null ? process.cwd() : dirname(file);
  const inFile = (path: string): string => resolve(base, path);
  const problems: string[] = [];
  const problem = (path: ConfigPath, text: string): void => {
    const line = read.lineOf(path);
    problems.push(line === null ? text : showProblem(shownFile, { line, text }));
  };

  const listen = flags.listen ?? config.listen ?? DEFAULT_LISTEN;
  const dataDirectory = flags.data === undefined ? inFile(config.data ?? DEFAULT_DATA) : resolve(flags.data);
  const store = mergeStore(config, flags, dataDirectory, inFile);
  const { limits, guard } = config;
  const merged: ServerConfig = {
    file,
    listen,
    domains: flags.domains ?? config.domains,
    store,
    dataDirectory: store.kind === "lmdb" ? store.directory : dataDirectory,
    open: flags.open ?? config.open ?? null,
    expires: mergeExpires(config, flags, problem),
    auth: {
      realm: config.auth.realm ?? null,
      algorithms: [...new Set(config.auth.algorithms)].map((name) => ALGORITHMS[name]!),
      nonceSec: config.auth.nonceSeconds,
      allowWithoutQop: config.auth.allowWithoutQop,
      rules: { registerFor: config.auth.registerFor, callAs: config.auth.callAs },
    },
    accounts: config.accounts.map((source) => accountSource(source, inFile)),
    tls: mergeTls(config, flags, inFile, problem),
    admin: mergeAdmin(config, flags, inFile, problem),
    limits: {
      contactsPerAor: limits.contactsPerAor,
      contactsPerRequest: limits.contactsPerRequest,
      overLimit: limits.overLimit,
      overLimitStatus: limits.overLimitStatus,
    },
    message: {
      messageOctets: limits.messageOctets,
      headerOctets: limits.headerOctets,
      fieldOctets: limits.fieldOctets,
      fields: limits.fields,
      elements: limits.elements,
    },
    guard: { ...guard, burst: guard.burst ?? 4 * guard.requestsPerSecond },
    wsOrigins: config.ws.origins,
    transactions: limits.transactions,
    connections: {
      idleSec: config.connections.idleSeconds,
      most: limits.connections,
      mostPerAddress: limits.connectionsPerAddress,
    },
    nat: { pingSec: config.nat.pingSeconds, pingMisses: config.nat.pingMisses },
    path: mergePath(config.path),
    outbound: { enabled: config.outbound.enabled, flowTimerSec: config.outbound.flowTimerSeconds },
    gruu: config.gruu,
    serviceRoute: config.serviceRoute.map(({ domain, user, routes }) => ({
      domain: domain ?? null,
      user: user ?? null,
      routes,
    })),
    proxy: {
      enabled: config.proxy.enabled,
      mode: config.proxy.mode,
      timerCSec: config.proxy.timerCSeconds,
      recordRoute: config.proxy.recordRoute,
      callSelf: config.proxy.callSelf,
      outgoingProxy: config.proxy.outgoingProxy ?? null,
      domainProxies: config.proxy.domainProxies,
      goneUsers: config.proxy.goneUsers,
    },
    dnsServers: config.dns.servers,
    logLevel: flags.logLevel ?? config.logLevel,
  };
  const secure = listen.find(({ transport }) => transport === "tls" || transport === "wss");
  if (secure !== undefined && merged.tls === null) {
    problem(["listen"], `a ${secure.transport}: listener needs tls.cert and tls.key (--tls-cert, --tls-key)`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return merged;
}

function accountSource(
  source: ConfigFile["accounts"][number],
  inFile: (path: string) => string,
): AccountSource {
  if (source === "store") return { kind: "store" };
  if ("htdigest" in source) return { kind: "htdigest", file: inFile(source.htdigest) };
  return "postgres" in source
    ? { kind: "postgres", url: source.postgres }
    : { kind: "http", url: source.http };
}

function mergePath(path: ConfigFile["path"]): ServerConfig["path"] {
  if (typeof path === "object") return { mode: path.mode, from: path.from ?? null };
  return { mode: path === true ? "strict" : path === false ? "off" : path, from: null };
}

function mergeStore(
  config: ConfigFile,
  flags: ConfigFlags,
  dataDirectory: string,
  inFile: (path: string) => string,
): StoreLocation {
  if (flags.store !== undefined) {
    return flags.store.kind === "lmdb"
      ? { kind: "lmdb", directory: resolve(flags.store.directory) }
      : flags.store;
  }
  if (flags.data !== undefined && config.store?.kind !== "memory")
    return { kind: "lmdb", directory: dataDirectory };
  if (config.store === undefined) return { kind: "lmdb", directory: dataDirectory };
  return config.store.kind === "lmdb"
    ? { kind: "lmdb", directory: inFile(config.store.directory) }
    : config.store;
}

/** A bound that nobody named gives way to those that were named; two named ones that contradict each other are refused. */
function mergeExpires(config: ConfigFile, flags: ConfigFlags, problem: Complain): ServerConfig["expires"] {
  const named = {
    min: flags.minExpires ?? config.expires.min,
    default: flags.defaultExpires ?? config.expires.default,
    max: flags.maxExpires ?? config.expires.max,
  };
  const maxSec = named.max ?? Math.max(3600, named.min ?? 0, named.default ?? 0);
  const minSec = named.min ?? Math.min(30, maxSec, named.default ?? maxSec);
  const defaultSec = named.default ?? Math.min(Math.max(3600, minSec), maxSec);
  const contradiction = (lesser: string, low: number, greater: string, high: number): void =>
    problem(["expires"], `expires: ${lesser} (${low}) is above ${greater} (${high})`);
  if (minSec > maxSec) contradiction("min", minSec, "max", maxSec);
  else if (defaultSec > maxSec) contradiction("default", defaultSec, "max", maxSec);
  else if (defaultSec < minSec) contradiction("min", minSec, "default", defaultSec);
  return { minSec, defaultSec, maxSec };
}
