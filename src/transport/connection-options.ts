import { DEFAULT_LIMITS, type MessageLimits } from "../message/limits.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { ConnectionBudget } from "./connection-budget.js";

/** What the legs of every connection-oriented transport take. Times in milliseconds, sizes in octets. */
export interface ConnectionOptions {
  /** Address to bind, or a host name that resolves to one of this machine. */
  readonly host: string;
  /** Port to bind; 0 for any. */
  readonly port: number;
  /** Sizes of messages taken in. */
  readonly limits?: MessageLimits;
  /** Connections at once, those still shaking hands included; 50,000 unless given. */
  readonly maxConnections?: number;
  /** Of them from one IPv4 address, which many phones share behind a carrier's NAT, or one IPv6 /64. 10,000 unless given. */
  readonly maxConnectionsPerAddress?: number;
  /** Shared with other legs, so that the bounds hold for all of them together; its bounds count then, and not the two above. */
  readonly budget?: ConnectionBudget;
  /** What may wait for one peer to read; beyond, the send is `overloaded` and the connection closed. 256 KiB unless given. */
  readonly maxQueueOctets?: number;
  /** An idle connection is closed after this, unless it is retained. 300,000 unless given. */
  readonly idleMs?: number;
  /** From accept to the end of the first message, TLS and HTTP handshakes included. 30,000 unless given. */
  readonly handshakeMs?: number;
  /** From the first octet of a message to its last. 15,000 unless given. */
  readonly messageMs?: number;
  /** A peer that has read nothing of what waits for it for so long is given up. 30,000 unless given. */
  readonly stallMs?: number;
  /** How long a connection that was closed from here may take to say goodbye. 2,000 unless given. */
  readonly lingerMs?: number;
  /** Silence before the system probes a TCP peer. 60,000 unless given. */
  readonly keepAliveMs?: number;
  /** How long opening a connection to a peer may take. 5,000 unless given. */
  readonly connectMs?: number;
  readonly clock?: Clock;
  /** Draws the part of a flow's token that makes it unique over restarts. */
  readonly entropy?: Entropy;
}

/** Names of {@link ConnectionOptions}, for refusing others. */
export const CONNECTION_OPTION_NAMES = [
  "host",
  "port",
  "limits",
  "maxConnections",
  "maxConnectionsPerAddress",
  "budget",
  "maxQueueOctets",
  "idleMs",
  "handshakeMs",
  "messageMs",
  "stallMs",
  "lingerMs",
  "keepAliveMs",
  "connectMs",
  "clock",
  "entropy",
] as const satisfies readonly (keyof ConnectionOptions)[];

/** The bounds of {@link ConnectionOptions} with nothing left open. */
export interface ConnectionLimits {
  readonly message: MessageLimits;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly maxQueueOctets: number;
  readonly idleMs: number;
  readonly handshakeMs: number;
  readonly messageMs: number;
  readonly stallMs: number;
  readonly lingerMs: number;
  readonly keepAliveMs: number;
  readonly connectMs: number;
  /** Pause between WebSocket pings; `Infinity` where the transport has none. */
  readonly pingMs: number;
  /** So many pings in a row without an answer end a connection. */
  readonly maxMissedPings: number;
}

/** Fills in the defaults of {@link ConnectionOptions}. */
export function connectionLimits(options: ConnectionOptions): ConnectionLimits {
  return {
    message: options.limits ?? DEFAULT_LIMITS,
    maxConnections: options.maxConnections ?? 50_000,
    maxConnectionsPerAddress: options.maxConnectionsPerAddress ?? 10_000,
    maxQueueOctets: options.maxQueueOctets ?? 256 * 1024,
    idleMs: options.idleMs ?? 300_000,
    handshakeMs: options.handshakeMs ?? 30_000,
    messageMs: options.messageMs ?? 15_000,
    stallMs: options.stallMs ?? 30_000,
    lingerMs: options.lingerMs ?? 2_000,
    keepAliveMs: options.keepAliveMs ?? 60_000,
    connectMs: options.connectMs ?? 5_000,
    pingMs: Number.POSITIVE_INFINITY,
    maxMissedPings: 2,
  };
}
