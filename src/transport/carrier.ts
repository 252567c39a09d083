import type { Socket } from "node:net";
import type { Endpoint, Transport } from "../port/leg.js";
import type { Connection } from "./connection.js";
import type { TlsMaterial } from "./secure-contexts.js";

/** Where to dial, from which address, and which name the peer's certificate must hold. */
export interface DialTarget {
  readonly remote: Endpoint;
  /** Address to come from; absent when the leg listens on all of them. */
  readonly localAddress: string | undefined;
  readonly serverName: string | undefined;
}

/** A socket that was told to connect. */
export interface Dialed {
  readonly socket: Socket;
  /** The event after which it carries messages. */
  readonly readyEvent: "connect" | "secureConnect";
  /** Domains of the peer's verified certificate; asked when it is ready. */
  identities(): readonly string[];
}

/** What makes one connection-oriented transport differ from the others. */
export interface Carrier {
  readonly transport: Transport;
  /** Leads an accepted socket through its handshakes, and then opens the connection. */
  accept(socket: Socket, connection: Connection): void;
  /** Starts to connect to a peer; absent where peers are browsers and cannot be dialed. */
  dial?(target: DialTarget): Dialed;
  /** Shows other certificates from now on; absent without TLS. */
  reload?(material: TlsMaterial): void;
}
