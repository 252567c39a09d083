import { checkServerIdentity, connect, type PeerCertificate } from "node:tls";
import type { Dialed, DialTarget } from "./carrier.js";
import { ConnectionLeg } from "./connection-leg.js";
import {
  CONNECTION_OPTION_NAMES,
  type ConnectionLimits,
  type ConnectionOptions,
  connectionLimits,
} from "./connection-options.js";
import { dialSocket } from "./dial-socket.js";
import { checkOptionNames } from "./options.js";
import { sipIdentities } from "./peer-identity.js";
import { secureAcceptor, verifiedIdentities } from "./secure-acceptor.js";
import {
  SECURE_OPTION_NAMES,
  SecureContexts,
  type SecureLeg,
  type SecureOptions,
} from "./secure-contexts.js";
import { streamChannel } from "./stream-channel.js";

export interface TlsOptions extends ConnectionOptions, SecureOptions {}

/**
 * A leg on one TCP socket with TLS (RFC 3261 §26.2.1). Certificates of peers that it dials must name them (RFC 5922 §7.3).
 * @throws TypeError for an unknown option, and the TLS library's error for a certificate or key that is not to be used
 */
export function tls(options: TlsOptions): SecureLeg {
  checkOptionNames("tls", options, [...CONNECTION_OPTION_NAMES, ...SECURE_OPTION_NAMES]);
  const limits = connectionLimits(options);
  const contexts = new SecureContexts(options);
  const acceptor = secureAcceptor({
    contexts,
    clientCertificates: options.clientCertificates,
    handshakeMs: limits.handshakeMs,
    secured: (socket, connection, identities) =>
      connection.open(streamChannel(socket, connection, limits.message), identities),
  });
  return new ConnectionLeg(options, limits, {
    transport: "tls",
    accept: acceptor.accept,
    dial: (target) => dialSecurely(target, contexts, limits),
    reload(material) {
      contexts.replace(material);
      acceptor.renew();
    },
  });
}

function dialSecurely(target: DialTarget, contexts: SecureContexts, limits: ConnectionLimits): Dialed {
  const { serverName } = target;
  const socket = connect({
    socket: dialSocket(target, limits),
    secureContext: contexts.general,
    checkServerIdentity: (_host, certificate) => identityFault(target, certificate),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
  return { socket, readyEvent: "secureConnect", identities: () => verifiedIdentities(socket) };
}

/** A peer dialed by name must have that domain in its certificate, whole (RFC 5922 §7.2, §7.3); one dialed by address that address. */
function identityFault(target: DialTarget, certificate: PeerCertificate): Error | undefined {
  const { serverName } = target;
  if (serverName === undefined) return checkServerIdentity(target.remote.address, certificate);
  if (sipIdentities(certificate).includes(serverName.toLowerCase())) return undefined;
  return new Error(`the certificate of ${target.remote.address} does not speak for ${serverName}`);
}
