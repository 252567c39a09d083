/** How the messages of one connection get to its peer: over the plain stream, inside TLS, in WebSocket frames. */
export interface Channel {
  /** Hands one message, or a keep-alive answer, to the system; latin1 text. False when nothing goes out any more. */
  write(text: string): boolean;
  /** Octets that wait for the peer to read. */
  readonly queuedOctets: number;
  /** A number that grows while the peer reads. */
  readonly progress: number;
  /** Asks whether the peer is still there; absent where TCP does that by itself. */
  ping?(): void;
  /** Closes once what is queued is out; what still comes in is thrown away. */
  end(): void;
}
