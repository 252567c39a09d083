import type { SipMessage, SipRequest, SipResponse } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import { respond } from "../../src/message/respond.js";
import type { HeaderField } from "../../src/message/result.js";
import type { Endpoint, Flow, Transport } from "../../src/port/leg.js";
import { Connection, type Network, type NetworkLeg } from "./network.js";

export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  readonly from?: string;
  readonly to?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  /** Route values. */
  readonly routes?: readonly string[];
  readonly headers?: readonly HeaderField[];
  readonly contact?: string;
  readonly maxForwards?: string | null;
  readonly body?: string;
}

export interface ReplyParts {
  readonly toTag?: string;
  readonly contact?: string;
  readonly headers?: readonly HeaderField[];
  readonly body?: string;
}

/** A user agent without a will of its own: it sends what a test tells it to, and keeps what comes. */
export class Phone {
  readonly name: string;
  readonly leg: NetworkLeg;
  readonly messages: SipMessage[] = [];
  contactUri: string | undefined;
  /** Called for each request that comes; absent: they are only kept. */
  onRequest: ((request: SipRequest, phone: Phone) => void) | undefined;
  readonly #flows = new Map<SipMessage, Flow>();
  readonly #server: Endpoint;
  #flow: Flow | undefined;
  #serial = 0;

  constructor(network: Network, name: string, transport: Transport, own: Endpoint, server: Endpoint) {
    this.name = name;
    this.leg = network.leg(transport, own.address, own.port);
    this.#server = server;
    this.leg.listen({
      message: (text, from) => this.#received(text, from),
      malformed: () => {},
      flowClosed: () => {},
    });
  }

  get address(): string {
    const { address, port } = this.leg.local;
    return `${address.includes(":") ? `[${address}]` : address}:${port}`;
  }

  /** `sip:bob@192.0.2.2:5060`, with the transport where it is not UDP; or what the test says instead. */
  get contact(): string {
    if (this.contactUri !== undefined) return this.contactUri;
    const { transport } = this.leg;
    return `sip:${this.name}@${this.address}${transport === "udp" ? "" : `;transport=${transport}`}`;
  }

  /** Opens the flow to the server; over UDP there is nothing to wait for. */
  async connect(): Promise<Flow> {
    this.#flow = await this.leg.connect(this.#server);
    return this.#flow;
  }

  /** Token of its connection as the server knows it. */
  get serverFlow(): string {
    if (!(this.#flow instanceof Connection) || this.#flow.peer === undefined)
      throw new Error("connect first");
    return this.#flow.peer.token;
  }

  /** Closes the connection to the server. */
  hangUp(): void {
    if (this.#flow instanceof Connection) this.#flow.close();
  }

  get requests(): SipRequest[] {
    return this.messages.filter((message) => message.kind === "request");
  }

  get responses(): SipResponse[] {
    return this.messages.filter((message) => message.kind === "response");
  }

  /** Status codes that came, in order. */
  get statuses(): number[] {
    return this.responses.map(({ status }) => status);
  }

  /** The last request of a method that came; fails the test when there is none. */
  lastRequest(method: string): SipRequest {
    const found = this.requests.findLast((request) => request.method === method);
    if (found === undefined) throw new Error(`${this.name} got no ${method}`);
    return found;
  }

  lastResponse(): SipResponse {
    const found = this.responses.at(-1);
    if (found === undefined) throw new Error(`${this.name} got no response`);
    return found;
  }

  send(text: string): void {
    const flow = this.#flow ?? this.leg.connect(this.#server);
    if (flow instanceof Promise) throw new Error("connect first");
    this.leg.send(text, flow);
  }

  /** Sends a request to the server and returns its text. */
  request(parts: RequestParts): string {
    const text = this.write(parts);
    this.send(text);
    return text;
  }

  write(parts: RequestParts): string {
    const { method, uri } = parts;
    const branch = parts.branch ?? `z9hG4bK-${this.name}-${++this.#serial}`;
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/${this.leg.transport.toUpperCase()} ${this.address};branch=${branch};rport`,
      ...(parts.routes ?? []).map((route) => `Route: ${route}`),
      ...(parts.maxForwards === null ? [] : [`Max-Forwards: ${parts.maxForwards ?? 70}`]),
      `From: ${parts.from ?? `<sip:${this.name}@example.com>;tag=${this.name}`}`,
      `To: ${parts.to ?? `<${uri}>`}`,
      `Call-ID: ${parts.callId ?? `call-of-${this.name}`}`,
      `CSeq: ${parts.cseq ?? 1} ${method}`,
      `Contact: <${parts.contact ?? this.contact}>`,
      ...(parts.headers ?? []).map(({ name, value }) => `${name}: ${value}`),
      `Content-Length: ${parts.body?.length ?? 0}`,
    ];
    return `${lines.join("\r\n")}\r\n\r\n${parts.body ?? ""}`;
  }

  /** Answers a request that came, the way it came. */
  reply(request: SipRequest, status: number, parts: ReplyParts = {}): void {
    const flow = this.#flows.get(request);
    if (flow === undefined || request.via === undefined) throw new Error("not a request of this phone");
    const recordRoute = request.headers.all("record-route");
    const headers = [
      ...(status > 100 && status < 300 ? recordRoute.map((value) => ({ name: "Record-Route", value })) : []),
      ...(status > 100 && status < 300
        ? [{ name: "Contact", value: `<${parts.contact ?? this.contact}>` }]
        : []),
      ...(parts.headers ?? []),
    ];
    const text = respond(request, flow, {
      status,
      toTag: parts.toTag ?? `${this.name}-tag`,
      headers,
      ...(parts.body === undefined ? {} : { body: parts.body }),
    });
    this.leg.respond(text, request.via, flow);
  }

  #received(text: string, from: Flow): void {
    const parsed = parseMessage(text);
    if (!parsed.ok) throw new Error(`${this.name} got what is no message: ${parsed.reason}`);
    this.messages.push(parsed.message);
    this.#flows.set(parsed.message, from);
    if (parsed.message.kind === "request") this.onRequest?.(parsed.message, this);
  }
}

/** The route set of a dialog as its caller has it (RFC 3261 §12.1.2): Record-Route of the 2xx, turned round. */
export function callerRoutes(response: SipResponse): string[] {
  return (response.headers.list("record-route") ?? []).reverse();
}

/** The route set of a dialog as its callee has it (§12.1.1). */
export function calleeRoutes(request: SipRequest): string[] {
  return request.headers.list("record-route") ?? [];
}
