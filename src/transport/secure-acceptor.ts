import type { Socket } from "node:net";
import { createServer, type TLSSocket } from "node:tls";
import type { Connection } from "./connection.js";
import { sipIdentities } from "./peer-identity.js";
import type { SecureContexts, SecureOptions } from "./secure-contexts.js";

/** Leads accepted sockets through the TLS handshake. */
export interface SecureAcceptor {
  accept(socket: Socket, connection: Connection): void;
  /** Takes the certificates that `contexts` has now, for handshakes to come. */
  renew(): void;
}

export interface SecureAcceptorOptions {
  readonly contexts: SecureContexts;
  readonly clientCertificates: SecureOptions["clientCertificates"];
  readonly handshakeMs: number;
  /** The handshake is done; `identities` are those of the peer's verified certificate. */
  readonly secured: (socket: TLSSocket, connection: Connection, identities: readonly string[]) => void;
}

/** The server side of TLS for legs that accept their sockets themselves: TLS and WSS. */
export function secureAcceptor(options: SecureAcceptorOptions): SecureAcceptor {
  const { contexts, clientCertificates = "none", secured } = options;
  /** Connections in their handshake, by the addresses of both ends: those are all that TLS hands back. */
  const shaking = new Map<string, Connection>();
  const server = createServer({
    ...contexts.generalOptions,
    handshakeTimeout: options.handshakeMs,
    requestCert: clientCertificates !== "none",
    rejectUnauthorized: clientCertificates === "required",
    SNICallback: (serverName, callback) => callback(null, contexts.for(serverName)),
  });
  server.on("secureConnection", (socket) => {
    const ends = endsOf(socket);
    const connection = shaking.get(ends);
    shaking.delete(ends);
    if (connection === undefined) {
      socket.destroy();
      return;
    }
    socket.on("error", (error) => connection.fault(error));
    secured(socket, connection, verifiedIdentities(socket));
  });
  server.on("tlsClientError", (error, socket) => {
    const ends = endsOf(socket);
    shaking.get(ends)?.fault(error);
    shaking.delete(ends);
    socket.destroy();
  });
  return {
    accept(socket, connection) {
      const ends = endsOf(socket);
      shaking.set(ends, connection);
      socket.once("close", () => {
        if (shaking.delete(ends)) connection.fault(new Error(`no TLS handshake with ${connection.address}`));
      });
      server.emit("connection", socket);
    },
    renew: () => server.setSecureContext(contexts.generalOptions),
  };
}

/** Domains of a peer's certificate (RFC 5922 §7.1), if it showed one and it was found good. */
export function verifiedIdentities(socket: TLSSocket): readonly string[] {
  return socket.authorized ? sipIdentities(socket.getPeerCertificate()) : [];
}

function endsOf(socket: Socket): string {
  return `${socket.localAddress} ${socket.localPort} ${socket.remoteAddress} ${socket.remotePort}`;
}
