import { isIP } from "node:net";
import { parseDigits } from "../message/grammar.js";
import { rawParam } from "../message/params.js";
import { bareHost, type Via } from "../message/via.js";
import type { Endpoint } from "../port/leg.js";

/** Port that a sent-by without a port stands for over UDP (RFC 3261 §18.2.2). */
const DEFAULT_PORT = 5060;

/** Where a response over UDP goes; `ttl` is set for a multicast address only. */
export interface ResponseAddress extends Endpoint {
  readonly ttl?: number;
}

/**
 * Where the response to a request over UDP goes (RFC 3261 §18.2.2, RFC 3581 §4): to `maddr` and the port of the sent-by;
 * else to the source address, and the source port when the Via asks for it by `rport`, the port of the sent-by when not.
 * What the Via already says in `received` or behind `rport=` is the peer's word and is not asked: the source is known.
 * A `maddr` that is no address, or one that the socket of this request cannot reach, counts as absent.
 */
export function responseAddress(via: Via, source: Endpoint): ResponseAddress {
  const maddr = rawParam(via.params, "maddr");
  if (typeof maddr === "string") {
    const address = bareHost(maddr);
    const family = isIP(address);
    if (family !== 0 && (family === 6) === source.address.includes(":")) {
      const port = via.port ?? DEFAULT_PORT;
      return isMulticast(address) ? { address, port, ttl: multicastTtl(via) } : { address, port };
    }
  }
  if (rawParam(via.params, "rport") !== undefined) return source;
  const port = via.port ?? DEFAULT_PORT;
  return port === source.port ? source : { address: source.address, port };
}

/** 224.0.0.0/4 and ff00::/8. */
function isMulticast(address: string): boolean {
  if (address.includes(":")) return /^ff[0-9a-f]{2}:/i.test(address);
  const first = Number.parseInt(address, 10);
  return first >= 224 && first <= 239;
}

/** §18.2.2: the TTL of the Via, or 1 when it names none. */
function multicastTtl(via: Via): number {
  return parseDigits(rawParam(via.params, "ttl") ?? "") || 1;
}
