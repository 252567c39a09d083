import type { Via } from "../message/via.js";

/** Transports of RFC 3261 §18 and RFC 7118, lower case. */
export type Transport = "udp" | "tcp" | "tls" | "ws" | "wss";

/** Port that a URI or sent-by without one stands for (RFC 3261 §19.1.2, RFC 7118 §5.3). */
export function defaultPort(transport: Transport): number {
  switch (transport) {
    case "udp":
    case "tcp":
      return 5060;
    case "tls":
      return 5061;
    case "ws":
      return 80;
    case "wss":
      return 443;
  }
}

/** An address on the network: IPv4 or IPv6 without brackets, and port. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/**
 * The way between this server and one peer (RFC 5626 §2): over UDP the pair of addresses, otherwise one connection.
 * `address` and `port` are the peer's. A flow outlives nothing: once dead it never comes back under the same token.
 */
export interface Flow extends Endpoint {
  readonly transport: Transport;
  /** This side's address. */
  readonly local: Endpoint;
  /**
   * Names this flow. Over a connection: unique over the lives of all processes, so that a restart revives none.
   * Over UDP: `udp:address:port`, which stays true after a restart.
   */
  readonly token: string;
  /** Is this one connection that can die, rather than a pair of UDP addresses? */
  readonly isConnection: boolean;
  /** `false` once the connection is closed, for good; always `true` over UDP. */
  readonly alive: boolean;
  /** Subject of the peer's verified certificate (mutual TLS), or `null`. */
  readonly peerIdentity: string | null;
}

/** What became of a text given to a leg. `overloaded`: the peer reads too slowly and its queue is full. */
export type SendResult = "sent" | "flow-dead" | "too-large" | "overloaded";

/** What a leg tells its owner. Calls come in the order of the wire, one message a call. */
export interface LegEvents {
  /** A whole message as latin1 text. */
  message(text: string, from: Flow, leg: Leg): void;
  /** Octets that are no message: the header part as latin1 text, and the SIP status that fits. A stream leg closes the flow afterwards. */
  malformed(text: string, status: number, reason: string, from: Flow, leg: Leg): void;
  /** A connection was closed, by whomever; `flow.alive` is false already. */
  flowClosed(flow: Flow, leg: Leg): void;
  /** The last of the messages that arrived together was handed over: a good moment to commit and flush. */
  batchEnd?(): void;
  /** May this peer open a connection or be heard at all? Absent: everybody. */
  admits?(remote: Endpoint, transport: Transport): boolean;
  /** The network answered that what was sent to this peer did not arrive (ICMP, RFC 3261 §18.4). Told by legs that hear of it. */
  unreachable?(peer: Flow, leg: Leg): void;
  /** A fault of the transport that ended nothing, for the log and the metrics. */
  fault?(error: Error, leg: Leg): void;
}

/** Why a leg handed something over to nobody, sent nothing, or closed a connection. */
export type DropReason =
  | "not-admitted"
  | "too-many"
  | "malformed"
  | "too-large"
  | "overloaded"
  | "handshake"
  | "idle"
  | "send-failed"
  | "socket-buffer"
  | "unreachable";

/** What a leg counted since it was made: plain numbers, read when somebody looks. */
export interface LegCounters {
  /** Whole messages handed over. */
  readonly received: number;
  /** Messages given to the system to send. */
  readonly sent: number;
  /** CRLF, STUN and WebSocket keep-alives that were answered or silently taken. */
  readonly keepAlives: number;
  /** Connections open now; 0 over UDP. */
  readonly connections: number;
  readonly dropped: Readonly<Record<DropReason, number>>;
}

/** Listens on one address, hands over messages with their flow, sends on a flow. Owns its sockets. */
export interface Leg {
  readonly transport: Transport;
  /** The bound address; the asked-for one before `start`. */
  readonly local: Endpoint;
  /** Binds and listens; rejects with the system's error when it cannot. */
  start(events: LegEvents): Promise<void>;
  /** Sends a whole message (latin1 text) on a flow of this leg. */
  send(text: string, flow: Flow): SendResult;
  /**
   * Sends a response the way RFC 3261 §18.2.2 and RFC 3581 §4 say: on the connection the request came over; over UDP to
   * `maddr`, or to the source address and the port of `rport`, else of the sent-by.
   */
  respond(text: string, via: Via, from: Flow): SendResult;
  /** A flow to an address: at once over UDP, a live or new connection otherwise; rejects when none can be had. */
  connect(remote: Endpoint, options?: ConnectOptions): Flow | Promise<Flow>;
  /** Closes one connection from this side; nothing over UDP. */
  disconnect(flow: Flow): void;
  /** Keeps a connection open although it is idle (a binding lives on it), or lets the idle policy have it again. */
  retain?(flow: Flow, retained: boolean): void;
  /** Stops accepting, flushes what is queued, closes every socket. */
  close(): Promise<void>;
  readonly counters?: LegCounters;
  /** Which of several implementations serves, for the log: `recvmmsg` or `dgram`. */
  readonly engine?: string;
}

export interface ConnectOptions {
  /** Name to verify in the peer's certificate and to send as SNI (TLS, WSS). */
  readonly serverName?: string;
}
