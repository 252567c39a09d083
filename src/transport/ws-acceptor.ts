import { createServer, type IncomingMessage, STATUS_CODES } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { Connection } from "./connection.js";
import type { ConnectionLimits } from "./connection-options.js";
import { webSocketChannel } from "./ws-channel.js";

/** The subprotocol that WebSocket peers must offer (RFC 7118 §4.1). */
const SUBPROTOCOL = "sip";
/** HTTP header of a handshake: a browser's cookies fit. */
const HTTP_HEADER_OCTETS = 16_384;
/** Fragments of one WebSocket message. */
const MAX_FRAGMENTS = 256;
/** For a peer that says goodbye and then does not hang up: its flow is not to outlive it for long. */
const LONGEST_CLOSE_MS = 500;

/** Leads sockets, plain or secured, through the WebSocket handshake. */
export interface WebSocketAcceptor {
  /** @param identities domains of the peer's verified certificate */
  accept(socket: Socket, connection: Connection, identities: readonly string[]): void;
}

interface Candidate {
  readonly socket: Socket;
  readonly connection: Connection;
  readonly identities: readonly string[];
}

/**
 * The server side of RFC 6455 §4.2 with what RFC 7118 §4.1 asks. An HTTP request that is no handshake: 426; without the
 * subprotocol: 400; from a page that is not on the list: 403.
 */
export function webSocketAcceptor(
  limits: ConnectionLimits,
  origins: readonly string[] | undefined,
): WebSocketAcceptor {
  const candidates = new WeakMap<Duplex, Candidate>();
  const allowed = origins === undefined ? undefined : new Set(origins.map((origin) => origin.toLowerCase()));
  const settings = {
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: limits.message.messageOctets,
    maxFragments: MAX_FRAGMENTS,
    closeTimeout: Math.min(limits.lingerMs, LONGEST_CLOSE_MS),
    handleProtocols: (offered: Set<string>) => sipProtocol(offered) ?? false,
  };
  const webSockets = new WebSocketServer(settings);
  const http = createServer({ maxHeaderSize: HTTP_HEADER_OCTETS });
  http.on("request", (_request, response) => {
    response.writeHead(426, { Upgrade: "websocket", Connection: "close", "Content-Type": "text/plain" });
    response.end("This port speaks SIP over WebSocket (RFC 7118).\n");
  });
  http.on("upgrade", (request: IncomingMessage, duplex: Duplex, head: Buffer) => {
    const candidate = candidates.get(duplex);
    if (candidate === undefined) {
      duplex.destroy();
      return;
    }
    const { connection, socket, identities } = candidate;
    const status = refusal(request, allowed);
    if (status !== undefined) {
      refuse(socket, status);
      return;
    }
    webSockets.handleUpgrade(request, duplex, head, (webSocket) => {
      connection.open(webSocketChannel(webSocket, socket, connection), identities);
    });
  });
  http.on("clientError", (error: Error, duplex: Duplex) => {
    const candidate = candidates.get(duplex);
    if (candidate === undefined) {
      duplex.destroy();
      return;
    }
    candidate.connection.fault(error);
    refuse(candidate.socket, 400);
  });
  return {
    accept(socket, connection, identities) {
      candidates.set(socket, { socket, connection, identities });
      http.emit("connection", socket);
    },
  };
}

/** The offered protocol that is ours, as the peer spells it. */
function sipProtocol(offered: Iterable<string>): string | undefined {
  for (const protocol of offered) if (protocol.toLowerCase() === SUBPROTOCOL) return protocol;
  return undefined;
}

/** HTTP status that a handshake is refused with, or `undefined` for one that goes on to the WebSocket library. */
function refusal(request: IncomingMessage, allowed: ReadonlySet<string> | undefined): number | undefined {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  if (sipProtocol(offered.split(",").map((protocol) => protocol.trim())) === undefined) return 400;
  const { origin } = request.headers;
  return allowed !== undefined && origin !== undefined && !allowed.has(origin.toLowerCase())
    ? 403
    : undefined;
}

/** Answers a handshake and closes. */
function refuse(socket: Socket, status: number): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  socket.destroySoon();
}
