import { readFileSync } from "node:fs";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Leg } from "../port/leg.js";
import { ConnectionBudget } from "../transport/connection-budget.js";
import type { ConnectionOptions } from "../transport/connection-options.js";
import type { SecureLeg, SecureOptions, TlsCredentials, TlsMaterial } from "../transport/secure-contexts.js";
import { tcp } from "../transport/tcp.js";
import { tls } from "../transport/tls.js";
import { udp } from "../transport/udp.js";
import { ws, wss } from "../transport/ws.js";
import type { CertificateFiles, ServerConfig, TlsConfig } from "./config.js";
import { ConfigError } from "./config-error.js";
import type { ListenAddress } from "./config-values.js";

/** Room for what arrives while a commit is under way: a good part of a second of a busy server. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

const CLIENT_CERTIFICATES = { off: "none", optional: "optional", required: "required" } as const;

/**
 * The legs that a configuration asks for, in its order. Nothing is bound yet.
 * @throws ConfigError when a certificate or key cannot be read or used
 */
export function makeLegs(config: ServerConfig, clock: Clock, entropy: Entropy): Leg[] {
  const needsTls = config.listen.some(({ transport }) => transport === "tls" || transport === "wss");
  const secure = needsTls ? secureOptions(config) : undefined;
  const budget = new ConnectionBudget({
    maxConnections: config.connections.most,
    maxConnectionsPerAddress: config.connections.mostPerAddress,
  });
  return config.listen.map((address) => {
    const connection: ConnectionOptions = {
      host: address.host,
      port: address.port,
      limits: config.message,
      budget,
      idleMs: config.connections.idleSec * 1000,
      clock,
      entropy,
    };
    return makeLeg(address, connection, secure, config.wsOrigins);
  });
}

function makeLeg(
  { transport, host, port }: ListenAddress,
  connection: ConnectionOptions,
  secure: SecureOptions | undefined,
  origins: readonly string[],
): Leg {
  const web = origins.length === 0 ? connection : { ...connection, origins };
  switch (transport) {
    case "udp":
      return udp({ host, port, recvBufferBytes: RECEIVE_BUFFER_BYTES });
    case "tcp":
      return tcp(connection);
    case "tls":
      return usable(() => tls({ ...connection, ...secure! }));
    case "ws":
      return ws(web);
    case "wss":
      return usable(() => wss({ ...web, ...secure! }));
  }
}

/** Shows new certificates on every leg that has some; connections that stand keep theirs. */
export function reloadCertificates(legs: readonly Leg[], config: ServerConfig): void {
  if (config.tls === null) return;
  const material = readMaterial(config.tls);
  for (const leg of legs) if (isSecure(leg)) usable(() => leg.reload(material));
}

/** The files that certificates are read from: for watching them. */
export function certificateFiles({ tls }: ServerConfig): string[] {
  if (tls === null) return [];
  const files = [tls, ...tls.servers].flatMap(({ cert, key }) => [cert, key]);
  return tls.clientCa === null ? files : [...files, tls.clientCa];
}

function isSecure(leg: Leg): leg is SecureLeg {
  return leg.transport === "tls" || leg.transport === "wss";
}

function secureOptions(config: ServerConfig): SecureOptions {
  const { tls } = config;
  if (tls === null)
    throw new ConfigError([
      "tls: and wss: listeners need a certificate: --tls-cert and --tls-key, or tls in the configuration",
    ]);
  return {
    ...readMaterial(tls),
    clientCertificates: CLIENT_CERTIFICATES[tls.verifyClients],
    minVersion: tls.minVersion,
  };
}

function readMaterial(config: TlsConfig): TlsMaterial {
  const serverNames: Record<string, TlsCredentials> = {};
  for (const server of config.servers) serverNames[server.name] = readCredentials(server);
  return {
    ...readCredentials(config),
    serverNames,
    ...(config.clientCa === null ? {} : { ca: readPem(config.clientCa) }),
  };
}

function readCredentials({ cert, key }: CertificateFiles): TlsCredentials {
  return { cert: readPem(cert), key: readPem(key) };
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError([
      `tls: ${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? "error"})`,
    ]);
  }
}

/** The TLS library's complaint about a certificate, as a complaint about the configuration. */
function usable<T>(make: () => T): T {
  try {
    return make();
  } catch (error) {
    throw new ConfigError([
      `tls: the certificate or key is not usable: ${error instanceof Error ? error.message : String(error)}`,
    ]);
  }
}
