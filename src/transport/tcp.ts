import { connect } from "node:net";
import type { Leg } from "../port/leg.js";
import { ConnectionLeg } from "./connection-leg.js";
import { CONNECTION_OPTION_NAMES, type ConnectionOptions, connectionLimits } from "./connection-options.js";
import { checkOptionNames } from "./options.js";
import { streamChannel } from "./stream-channel.js";

/**
 * A leg on one TCP socket (RFC 3261 §18).
 * @throws TypeError for an unknown option
 */
export function tcp(options: ConnectionOptions): Leg {
  checkOptionNames("tcp", options, CONNECTION_OPTION_NAMES);
  const limits = connectionLimits(options);
  return new ConnectionLeg(options, limits, {
    transport: "tcp",
    accept: (socket, connection) => connection.open(streamChannel(socket, connection, limits.message), []),
    dial({ remote, localAddress }) {
      const socket = connect({
        host: remote.address,
        port: remote.port,
        allowHalfOpen: true,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: limits.keepAliveMs,
        ...(localAddress === undefined ? {} : { localAddress }),
      });
      return { socket, readyEvent: "connect", identities: () => [] };
    },
  });
}
