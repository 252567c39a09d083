import { isUtf8 } from "node:buffer";
import type { Socket } from "node:net";
import type { WebSocket } from "ws";
import type { Channel } from "./channel.js";
import type { Connection } from "./connection.js";
import { frameFault, isKeepAlive, withoutLeadingLines } from "./ws-frame.js";

/** RFC 6455 §7.4.1: the purpose of the connection is fulfilled. */
const NORMAL_CLOSURE = 1000;

/** What `ws` says of a frame or message beyond `maxPayload`. */
const TOO_LONG = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";

/** SIP in WebSocket messages, one in each (RFC 7118 §5), text or binary (§4.2). */
export function webSocketChannel(webSocket: WebSocket, socket: Socket, connection: Connection): Channel {
  webSocket.on("message", (data) => {
    // a Buffer by the library's default `binaryType`
    if (!connection.alive || !Buffer.isBuffer(data)) return;
    const whole = data.toString("latin1");
    const text = withoutLeadingLines(whole);
    const keepAlive = isKeepAlive(whole) ?? (text === "" ? "pong" : undefined);
    const fault = keepAlive === undefined ? frameFault(text) : undefined;
    if (keepAlive === "ping") connection.ping();
    else if (keepAlive === "pong") connection.pong();
    else if (fault !== undefined) connection.malformed(fault.text, fault.status, fault.reason);
    else connection.message(text);
    connection.chunkEnd(false);
  });
  webSocket.on("ping", () => connection.keptAlive());
  webSocket.on("pong", () => connection.pong());
  webSocket.on("error", (error: Error & { readonly code?: string }) => {
    connection.violated(error.code === TOO_LONG ? "too-large" : "malformed", error);
  });
  return {
    write(text) {
      if (webSocket.readyState !== webSocket.OPEN) return false;
      const octets = Buffer.from(text, "latin1");
      webSocket.send(octets, { binary: !isUtf8(octets) });
      return true;
    },
    get queuedOctets() {
      return webSocket.bufferedAmount;
    },
    get progress() {
      return socket.bytesWritten - socket.writableLength;
    },
    ping: () => webSocket.ping(),
    end: () => webSocket.close(NORMAL_CLOSURE),
  };
}
