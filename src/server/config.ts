import type { AuthorizeRules } from "../auth/policy.js";
import type { DigestAlgorithm } from "../auth/source.js";
import type { MessageLimits } from "../message/limits.js";
import type { ConfigFile } from "./config-schema.js";
import { type HostPort, isLoopback, type ListenAddress, type StoreLocation } from "./config-values.js";

/** Everything the server is told, checked and complete. Paths are absolute, times are seconds. */
export interface ServerConfig {
  /** The file it came from, absolute, or `null`. */
  readonly file: string | null;
  readonly listen: readonly ListenAddress[];
  /** Lower case; empty: every domain. */
  readonly domains: readonly string[];
  readonly store: StoreLocation;
  /** Folder of the embedded store, also when the bindings are elsewhere: accounts and secrets live there. */
  readonly dataDirectory: string;
  /** `true` or `false` when said so; `null`: open only without any account and on loopback alone ({@link acceptsAnybody}). */
  readonly open: boolean | null;
  readonly expires: { readonly minSec: number; readonly defaultSec: number; readonly maxSec: number };
  readonly auth: {
    /** `null`: the domain that the request names. */
    readonly realm: string | null;
    readonly algorithms: readonly DigestAlgorithm[];
    readonly nonceSec: number;
    readonly allowWithoutQop: boolean;
    /** What users may do beside speaking for themselves. */
    readonly rules: AuthorizeRules;
  };
  readonly accounts: readonly AccountSource[];
  readonly tls: TlsConfig | null;
  /** `null` when it is off. */
  readonly admin: AdminConfig | null;
  readonly limits: ContactLimits;
  readonly message: MessageLimits;
  readonly guard: GuardConfig;
  /** Origins that WebSocket clients may come with; empty: any. */
  readonly wsOrigins: readonly string[];
  /** Most server transactions at once. */
  readonly transactions: number;
  readonly connections: { readonly idleSec: number; readonly most: number; readonly mostPerAddress: number };
  readonly nat: { readonly pingSec: number; readonly pingMisses: number };
  readonly path: PathConfig;
  readonly outbound: { readonly enabled: boolean; readonly flowTimerSec: number };
  readonly gruu: boolean;
  readonly serviceRoute: readonly ServiceRouteRule[];
  readonly proxy: ProxyConfig;
  readonly dnsServers: readonly string[];
  readonly logLevel: LogLevel;
}

export type LogLevel = ConfigFile["logLevel"];

/** Where accounts are looked up. `htdigest` is an absolute path. */
export type AccountSource =
  | { readonly kind: "store" }
  | { readonly kind: "htdigest"; readonly file: string }
  | { readonly kind: "postgres"; readonly url: string }
  | { readonly kind: "http"; readonly url: string };

/** A certificate chain and its key: absolute paths of PEM files. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsConfig extends CertificateFiles {
  /** More certificates by server name, lower case. */
  readonly servers: readonly (CertificateFiles & { readonly name: string })[];
  readonly clientCa: string | null;
  readonly verifyClients: "off" | "optional" | "required";
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
}

export interface AdminConfig extends HostPort {
  readonly token: string | null;
  readonly basic: { readonly user: string; readonly password: string } | null;
  /** More host names under which browsers may ask, lower case. */
  readonly hosts: readonly string[];
}

export interface ContactLimits {
  readonly contactsPerAor: number;
  readonly contactsPerRequest: number;
  readonly overLimit: "reject" | "evict-oldest" | "evict-unreachable";
  readonly overLimitStatus: 403 | 503;
}

/** As `Guard` takes it. */
export interface GuardConfig {
  readonly enabled: boolean;
  readonly requestsPerSecond: number;
  readonly burst: number;
  readonly attempts: number;
  readonly attemptSeconds: number;
  readonly banUsers: number;
  readonly banSeconds: number;
  readonly allow: readonly string[];
  readonly deny: readonly string[];
}

export interface PathConfig {
  /** What becomes of a Path: `strict` refuses it with 420 for a phone that does not say it supports it, `off` ignores it. */
  readonly mode: "strict" | "accept" | "off";
  /** Networks whose peers may add a Path; `null`: any. */
  readonly from: readonly string[] | null;
}

export interface ServiceRouteRule {
  /** Lower case, or `null` for every domain. */
  readonly domain: string | null;
  readonly user: string | null;
  readonly routes: readonly string[];
}

export interface ProxyConfig {
  readonly enabled: boolean;
  readonly mode: "proxy" | "redirect" | "stateless";
  readonly timerCSec: number;
  readonly recordRoute: boolean;
  readonly callSelf: boolean;
  /** `null`: none. */
  readonly outgoingProxy: string | null;
  readonly domainProxies: Readonly<Record<string, string>>;
  /** As keys of the store: `sip:alice@example.com`. */
  readonly goneUsers: readonly string[];
}

/** What the command line says; it wins over the file. Absent: not said. */
export interface ConfigFlags {
  readonly listen?: readonly ListenAddress[] | undefined;
  readonly domains?: readonly string[] | undefined;
  readonly data?: string | undefined;
  readonly store?: StoreLocation | undefined;
  readonly open?: boolean | undefined;
  readonly minExpires?: number | undefined;
  readonly maxExpires?: number | undefined;
  readonly defaultExpires?: number | undefined;
  readonly admin?: HostPort | "off" | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly logLevel?: LogLevel | undefined;
}

/** May anybody register without credentials? When said so, or, nothing being said, without accounts and on loopback alone. */
export function acceptsAnybody(config: ServerConfig, hasAccounts: boolean): boolean {
  return config.open ?? (!hasAccounts && config.listen.every(({ host }) => isLoopback(host)));
}
