import { lookup, Resolver } from "node:dns/promises";

/** A NAPTR record (RFC 3403 §4). */
export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly regexp: string;
  readonly replacement: string;
}

/** An SRV record (RFC 2782). */
export interface SrvRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  /** Target host; `""` or `.` says that the service is not offered. */
  readonly name: string;
}

/** An A or AAAA record. */
export interface AddressRecord {
  readonly address: string;
  /** How long it may be kept; `null` when its source does not say. */
  readonly ttlSec: number | null;
}

/** Families of addresses: IPv4 (A) and IPv6 (AAAA). */
export type AddressFamily = 4 | 6;

/**
 * The name service. An empty list says that there is no such name or no such record; a rejection that there is no telling:
 * no answer in time, or a server's failure.
 */
export interface Dns {
  naptr(name: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  addresses(name: string, family: AddressFamily): Promise<readonly AddressRecord[]>;
}

export interface NodeDnsOptions {
  /** Name servers, `address` or `address:port`, IPv6 in brackets when a port follows; those of the system when not given. */
  readonly servers?: readonly string[];
  /** Milliseconds to wait for one answer; 2000 when not given. */
  readonly timeoutMs?: number;
  /** How often a server is asked; 2 when not given. */
  readonly tries?: number;
  /**
   * Look for hosts that DNS does not tell where the system looks as well: the hosts file, search domains. On when not
   * given and the name servers are those of the system.
   */
  readonly system?: boolean;
}

/** DNS by Node's resolver. */
export function nodeDns(options: NodeDnsOptions = {}): Dns {
  const { servers, timeoutMs = 2_000, tries = 2, system = servers === undefined } = options;
  const resolver = new Resolver({ timeout: timeoutMs, tries });
  if (servers !== undefined) resolver.setServers([...servers]);
  const ask = async (name: string, family: AddressFamily): Promise<AddressRecord[]> => {
    const query =
      family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true });
    return (await orNone(query)).map(({ address, ttl }) => ({ address, ttlSec: ttl }));
  };
  return {
    naptr: (name) => orNone(resolver.resolveNaptr(name)),
    srv: (name) => orNone(resolver.resolveSrv(name)),
    addresses: (name, family) => (system ? orOfSystem(ask(name, family), name, family) : ask(name, family)),
  };
}

/** What DNS says, or what the system knows when DNS knows nothing or fails; its failure when neither knows. */
async function orOfSystem(
  answer: Promise<AddressRecord[]>,
  name: string,
  family: AddressFamily,
): Promise<AddressRecord[]> {
  const [told] = await Promise.allSettled([answer]);
  if (told.status === "fulfilled" && told.value.length > 0) return told.value;
  const known = await lookup(name, { family, all: true }).catch(() => []);
  if (known.length === 0 && told.status === "rejected") throw told.reason;
  return known.map(({ address }) => ({ address, ttlSec: null }));
}

/** What says that the name or the record does not exist, and not that something is wrong. */
const NONE: ReadonlySet<string> = new Set(["ENOTFOUND", "ENODATA", "EBADNAME", "NOTFOUND", "NODATA"]);

async function orNone<T>(answer: Promise<T[]>): Promise<T[]> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && "code" in error && NONE.has(String(error.code))) return [];
    throw error;
  }
}
