import type { Leg } from "../port/leg.js";
import { ConnectionLeg } from "./connection-leg.js";
import { CONNECTION_OPTION_NAMES, type ConnectionOptions, connectionLimits } from "./connection-options.js";
import { dialSocket } from "./dial-socket.js";
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
    dial: (target) => ({
      socket: dialSocket(target, limits),
      readyEvent: "connect",
      identities: () => [],
    }),
  });
}
