import type { Leg } from "../port/leg.js";
import { ConnectionLeg } from "./connection-leg.js";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionLimits,
  type ConnectionOptions,
  connectionLimits,
} from "./connection-options.js";
import { checkOptionNames } from "./options.js";
import { secureAcceptor } from "./secure-acceptor.js";
import {
  SECURE_OPTION_NAMES,
  SecureContexts,
  type SecureLeg,
  type SecureOptions,
} from "./secure-contexts.js";
import { webSocketAcceptor } from "./ws-acceptor.js";

export interface WsOptions extends ConnectionOptions {
  /**
   * Web pages that may connect, as browsers name them: `https://phone.example.com`. Others are refused with 403; who sends no
   * Origin is no web page. Every page unless given.
   */
  readonly origins?: readonly string[];
  /** Pause between pings to a peer (RFC 7118 §6). 30,000 ms unless given. */
  readonly pingMs?: number;
  /** So many pings in a row without an answer end a connection; 2 unless given. */
  readonly maxMissedPings?: number;
}

export interface WssOptions extends WsOptions, SecureOptions {}

const WS_OPTION_NAMES = [...CONNECTION_OPTION_NAMES, "origins", "pingMs", "maxMissedPings"];

/**
 * A leg for WebSocket peers (RFC 7118), which dial and are never dialed.
 * @throws TypeError for an unknown option
 */
export function ws(options: WsOptions): Leg {
  checkOptionNames("ws", options, WS_OPTION_NAMES);
  const limits = webSocketLimits(options);
  const acceptor = webSocketAcceptor(limits, options.origins);
  return new ConnectionLeg(options, limits, {
    transport: "ws",
    accept: (socket, connection) => acceptor.accept(socket, connection, []),
  });
}

/**
 * The same inside TLS.
 * @throws TypeError for an unknown option, and the TLS library's error for a certificate or key that is not to be used
 */
export function wss(options: WssOptions): SecureLeg {
  checkOptionNames("wss", options, [...WS_OPTION_NAMES, ...SECURE_OPTION_NAMES]);
  const limits = webSocketLimits(options);
  const contexts = new SecureContexts(options);
  const webSockets = webSocketAcceptor(limits, options.origins);
  const secure = secureAcceptor({
    contexts,
    clientCertificates: options.clientCertificates,
    handshakeMs: limits.handshakeMs,
    secured: webSockets.accept,
  });
  return new ConnectionLeg(options, limits, {
    transport: "wss",
    accept: secure.accept,
    reload(material) {
      contexts.replace(material);
      secure.renew();
    },
  });
}

function webSocketLimits(options: WsOptions): ConnectionLimits {
  return {
    ...connectionLimits(options),
    pingMs: options.pingMs ?? 30_000,
    maxMissedPings: options.maxMissedPings ?? 2,
  };
}
