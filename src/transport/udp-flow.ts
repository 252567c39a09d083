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
