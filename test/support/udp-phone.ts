import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { SipResponse } from "../../src/message/message.js";
import { lines, responseOf } from "./texts.js";

/** What a request to an address-of-record says. */
export interface WireRequest {
  /** REGISTER when not given. */
  readonly method?: string;
  /** `sip:alice@example.com` */
  readonly aor: string;
  /** URI of From, when that is another one. */
  readonly from?: string;
  /** Contact URI, `*`, or nothing: a query. */
  readonly contact?: string;
  readonly expiresSec?: number;
  readonly callId: string;
  readonly cseq: number;
  /** More header field lines. */
  readonly lines?: readonly string[];
}

/**
 * The text of a request from a port of 127.0.0.1, without a body; its branch tells one Call-ID and CSeq from every other.
 * @param transport as Via has it
 */
export function wireText(request: WireRequest, transport: "UDP" | "TCP", port: number): string {
  const { method = "REGISTER", aor, contact, expiresSec, callId, cseq } = request;
  const uri = method === "REGISTER" ? `sip:${aor.slice(aor.indexOf("@") + 1)}` : aor;
  return lines(
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} 127.0.0.1:${port};branch=z9hG4bK-${callId}-${cseq};rport`,
    "Max-Forwards: 70",
    `From: <${request.from ?? aor}>;tag=${callId}`,
    `To: <${aor}>`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    ...(contact === undefined ? [] : [`Contact: ${contact === "*" ? contact : `<${contact}>`}`]),
    ...(expiresSec === undefined ? [] : [`Expires: ${expiresSec}`]),
    ...(request.lines ?? []),
    "Content-Length: 0",
  );
}

/** RFC 3261 §17.1.2.2: timer E, and how often it may fire. */
const T1_MS = 500;
const MOST_SENDS = 20;

/** A phone on a UDP socket of 127.0.0.1, for programs that run beside the test. */
export class UdpPhone {
  /** Methods of the requests that came; each is answered with 200. */
  readonly called: string[] = [];
  /** Texts of them. */
  readonly heard: string[] = [];
  readonly #socket: Socket;
  readonly #server: number;

  private constructor(socket: Socket, server: number) {
    this.#socket = socket;
    this.#server = server;
    socket.setMaxListeners(0).on("message", (datagram, from) => {
      const text = datagram.toString("latin1");
      if (text.startsWith("SIP/2.0 ")) return;
      this.called.push(text.slice(0, text.indexOf(" ")));
      this.heard.push(text);
      socket.send(Buffer.from(okTo(text), "latin1"), from.port, from.address);
    });
  }

  /** @param server port of the server on 127.0.0.1 that it talks to */
  static async open(server: number): Promise<UdpPhone> {
    const socket = createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new UdpPhone(socket, server);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** Sends a request, again while there is no final answer; rejects when none comes at all. Any number may be under way. */
  ask(request: WireRequest): Promise<SipResponse> {
    const text = Buffer.from(wireText(request, "UDP", this.port), "latin1");
    return new Promise((resolve, reject) => {
      let sends = 0;
      const send = (): void => {
        if (++sends <= MOST_SENDS) this.#socket.send(text, this.#server, "127.0.0.1");
        else end(() => reject(new Error(`no answer to ${request.callId} CSeq ${request.cseq}`)));
      };
      const heed = (datagram: Buffer): void => {
        const message = datagram.toString("latin1");
        if (!message.startsWith("SIP/2.0 ")) return;
        const answer = responseOf(message);
        const isOurs = answer.callId === request.callId && answer.cseq?.sequence === request.cseq;
        if (isOurs && answer.status >= 200) end(() => resolve(answer));
      };
      const end = (settle: () => void): void => {
        clearInterval(timer);
        this.#socket.off("message", heed);
        settle();
      };
      const timer = setInterval(send, T1_MS);
      this.#socket.on("message", heed);
      send();
    });
  }

  /** Sends a REGISTER, as {@link UdpPhone.ask}. */
  register(request: Omit<WireRequest, "method">): Promise<SipResponse> {
    return this.ask(request);
  }

  close(): void {
    this.#socket.close();
  }
}

/** A 200 to the text of a request, with what RFC 3261 §8.2.6.2 copies from it. */
export function okTo(request: string): string {
  const copied = request.split("\r\n").filter((line) => /^(?:via|from|to|call-id|cseq):/i.test(line));
  return lines(
    "SIP/2.0 200 OK",
    ...copied.map((line) => (/^to:/i.test(line) ? `${line};tag=phone` : line)),
    "Content-Length: 0",
  );
}
