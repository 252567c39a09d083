import { connect, type Socket } from "node:net";
import type { DialTarget } from "./carrier.js";
import type { ConnectionLimits } from "./connection-options.js";

/** Starts a TCP connection with the same manners as accepted ones have. */
export function dialSocket({ remote, localAddress }: DialTarget, limits: ConnectionLimits): Socket {
  return connect({
    host: remote.address,
    port: remote.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: limits.keepAliveMs,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
}
