import { isIP } from "node:net";
import { bareHost } from "../message/via.js";
import type { Endpoint, Flow } from "../port/leg.js";

/** The pair of addresses that a datagram travels between (RFC 5626 §2). Made for each datagram, so it holds no more than it must. */
export class UdpFlow implements Flow {
  readonly address: string;
  readonly port: number;
  readonly local: Endpoint;

  constructor(address: string, port: number, local: Endpoint) {
    this.address = address;
    this.port = port;
    this.local = local;
  }

  get transport(): "udp" {
    return "udp";
  }

  /** `udp:address:port`, an IPv6 address without brackets. Written when somebody asks: most datagrams need no name for their flow. */
  get token(): string {
    return `udp:${this.address}:${this.port}`;
  }

  get isConnection(): false {
    return false;
  }

  get alive(): true {
    return true;
  }

  get peerIdentity(): null {
    return null;
  }
}

/**
 * The flow from a socket to a peer.
 * @throws TypeError when the peer's address is no IP address or of another family than the socket's
 */
export function udpFlowTo({ address, port }: Endpoint, local: Endpoint): UdpFlow {
  const bare = bareHost(address);
  const family = isIP(bare);
  if (family === 0 || (family === 6) !== local.address.includes(":")) {
    throw new TypeError(`udp: cannot reach ${address} from ${local.address}`);
  }
  return new UdpFlow(bare, port, local);
}
