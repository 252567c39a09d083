import type { Socket } from "node:net";
import { Framer } from "../message/framing.js";
import type { MessageLimits } from "../message/limits.js";
import type { Channel } from "./channel.js";
import type { Connection } from "./connection.js";

/** SIP over a stream of octets (RFC 3261 §18.3): TCP, or what is inside TLS. */
export function streamChannel(socket: Socket, connection: Connection, limits: MessageLimits): Channel {
  const framer = new Framer(connection, limits);
  socket.on("data", (octets: Buffer) => {
    if (!connection.alive) return;
    framer.push(octets.toString("latin1"));
    connection.chunkEnd(framer.isPartial);
  });
  socket.on("end", () => connection.peerEnded());
  return {
    write(text) {
      if (!socket.writable) return false;
      socket.write(text, "latin1");
      return true;
    },
    get queuedOctets() {
      return socket.writableLength;
    },
    get progress() {
      return socket.bytesWritten - socket.writableLength;
    },
    end() {
      framer.stop();
      socket.end();
      // what the peer still sends must be read, or the system tears down the connection before our last words are out
      socket.resume();
    },
  };
}
