import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AorView } from "../../src/admin/contact.js";
import type { Entropy } from "../../src/port/entropy.js";
import { wireText } from "../../test/support/udp-phone.js";
import { until } from "./until.js";

/** One REGISTER of a phone, and what it asks for. */
interface Write {
  readonly cseq: number;
  /** 0 unregisters. */
  readonly expiresSec: number;
  /** UDP port of the registrar that it is sent to. */
  server: number;
  /** First sent, by the clock of this machine. */
  readonly sentAtMs: number;
  /** When the 200 came. */
  answeredAtMs: number;
}

interface Phone {
  readonly aor: string;
  readonly contact: string;
  readonly callId: string;
  cseq: number;
  /** The last one that was answered with 200. */
  acknowledged: Write | null;
  /** The one under way: it may have been carried out, or not. */
  pending: Write | null;
}

export interface LoadOptions {
  /** UDP ports of the registrars; each REGISTER goes to any of them. */
  readonly servers: readonly number[];
  readonly entropy: Entropy;
  readonly aors: number;
  readonly phonesPerAor: number;
}

/** A REGISTER without an answer is sent again after this long; shorter than T1, since the server dies often. */
const RESEND_MS = 100;
const SETTLE_MS = 20_000;

/**
 * Phones that register, refresh and unregister as fast as they are answered, each with one REGISTER under way at a time,
 * and that remember every word of the registrar: what it acknowledged has to be in its store, whatever happens to it.
 */
export class Load {
  readonly #phones: Phone[] = [];
  readonly #byCallId = new Map<string, Phone>();
  readonly #socket: Socket;
  #servers: readonly number[];
  readonly #entropy: Entropy;
  #timer: NodeJS.Timeout | undefined;
  /** Does a phone that is answered send its next REGISTER? */
  #goesOn = false;
  #drained: (() => void) | undefined;
  /** REGISTERs answered with 200 so far. */
  acknowledgements = 0;
  /** Answers other than 200, as status and Call-ID. */
  readonly refusals: string[] = [];

  private constructor(socket: Socket, options: LoadOptions) {
    this.#socket = socket;
    this.#servers = options.servers;
    this.#entropy = options.entropy;
    for (let a = 0; a < options.aors; a++) {
      for (let p = 0; p < options.phonesPerAor; p++) {
        const phone: Phone = {
          aor: `sip:user${a}@example.com`,
          contact: `sip:phone${p}@127.0.0.1:${5100 + p}`,
          callId: `${options.entropy.hex(4)}-${a}-${p}`,
          cseq: 0,
          acknowledged: null,
          pending: null,
        };
        this.#phones.push(phone);
        this.#byCallId.set(phone.callId, phone);
      }
    }
    socket.on("message", (datagram) => this.#received(datagram.toString("latin1")));
  }

  static async open(options: LoadOptions): Promise<Load> {
    const socket = createSocket({ type: "udp4", recvBufferSize: 4_000_000 }).bind(0, "127.0.0.1");
    await once(socket, "listening");
    return new Load(socket, options);
  }

  /** Lets every phone go on: with the REGISTER that has no answer yet, or a new one. */
  start(): void {
    this.#goesOn = true;
    this.#timer = setInterval(() => this.#resend(), RESEND_MS);
    for (const phone of this.#phones) {
      if (phone.pending === null) this.#next(phone);
      else this.#send(phone, phone.pending);
    }
  }

  /**
   * Names the registrars that live from now on. What waits for another is sent to one of these: the other has to be dead
   * by then, since a late copy of an old REGISTER may undo a newer one.
   */
  moveTo(servers: readonly number[]): void {
    this.#servers = servers;
    for (const { pending } of this.#phones) {
      if (pending !== null && !servers.includes(pending.server)) pending.server = this.#anyServer();
    }
  }

  /** Sends no new REGISTER, and resolves when every one is answered: by servers that live. */
  async settle(): Promise<void> {
    this.#goesOn = false;
    await until(() => this.underWay === 0, SETTLE_MS);
    await this.pause();
  }

  /** Sends nothing more, and resolves when everything that was answered so far is taken down. */
  async pause(): Promise<void> {
    this.#goesOn = false;
    clearInterval(this.#timer);
    this.#timer = undefined;
    // a datagram to ourselves stands behind all that arrived before it; a full buffer may lose it
    await new Promise<void>((resolve) => {
      const knock = () => this.#socket.send("drained", this.#socket.address().port, "127.0.0.1");
      const again = setInterval(knock, RESEND_MS);
      this.#drained = () => {
        clearInterval(again);
        resolve();
      };
      knock();
    });
  }

  /**
   * Compares a listing of the store with what was acknowledged, while the load is paused and nobody can carry out what is
   * under way: it has settled, or the server is dead.
   * @param listing everything that is registered
   * @param askedAtMs when the listing was asked for
   * @param answeredAtMs when it was there
   * @returns one line for each binding that is missing, older than acknowledged, or there although it was taken away
   */
  differences(listing: readonly AorView[], askedAtMs: number, answeredAtMs: number): string[] {
    const found = new Map<string, number>();
    for (const { aor, contacts } of listing) {
      for (const { uri, cseq } of contacts) found.set(`${aor} ${uri}`, cseq);
    }
    const lines: string[] = [];
    for (const phone of this.#phones) {
      const key = `${phone.aor} ${phone.contact}`;
      const cseq = found.get(key);
      found.delete(key);
      const { acknowledged, pending } = phone;
      const isRight =
        agrees(cseq, acknowledged, askedAtMs, answeredAtMs) ||
        (pending !== null && agrees(cseq, pending, askedAtMs, answeredAtMs));
      if (!isRight) {
        lines.push(
          `${key}: stored CSeq ${cseq ?? "none"}, acknowledged ${show(acknowledged)}, under way ${show(pending)}`,
        );
      }
    }
    for (const [key, cseq] of found) lines.push(`${key}: stored CSeq ${cseq}, never registered`);
    return lines;
  }

  /** How many of the REGISTERs under way a listing shows as carried out. */
  carriedOut(listing: readonly AorView[]): number {
    const stored = new Set(
      listing.flatMap(({ aor, contacts }) => contacts.map(({ uri, cseq }) => `${aor} ${uri} ${cseq}`)),
    );
    return this.#phones.filter(
      ({ aor, contact, pending }) => pending !== null && stored.has(`${aor} ${contact} ${pending.cseq}`),
    ).length;
  }

  /** REGISTERs without an answer. */
  get underWay(): number {
    return this.#phones.filter(({ pending }) => pending !== null).length;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #next(phone: Phone): void {
    phone.cseq++;
    phone.pending = {
      cseq: phone.cseq,
      expiresSec: this.#chooseExpires(),
      server: this.#anyServer(),
      sentAtMs: Date.now(),
      answeredAtMs: Number.POSITIVE_INFINITY,
    };
    this.#send(phone, phone.pending);
  }

  /** Mostly refreshes; some go away, and some live so short that they expire while the server is up, down or starting. */
  #chooseExpires(): number {
    const die = this.#entropy.unit();
    if (die < 0.25) return 0;
    if (die < 0.35) return 1 + Math.floor(this.#entropy.unit() * 2);
    return 600 + Math.floor(this.#entropy.unit() * 3000);
  }

  #anyServer(): number {
    return this.#servers[Math.floor(this.#entropy.unit() * this.#servers.length)]!;
  }

  #send({ aor, contact, callId }: Phone, { cseq, expiresSec, server }: Write): void {
    const { port } = this.#socket.address();
    const text = wireText({ aor, contact, callId, cseq, expiresSec }, "UDP", port);
    this.#socket.send(Buffer.from(text, "latin1"), server, "127.0.0.1");
  }

  #resend(): void {
    const beforeMs = Date.now() - RESEND_MS;
    for (const phone of this.#phones) {
      if (phone.pending !== null && phone.pending.sentAtMs <= beforeMs) this.#send(phone, phone.pending);
    }
  }

  #received(text: string): void {
    if (text === "drained") {
      this.#drained?.();
      return;
    }
    const status = Number(/^SIP\/2\.0 (\d{3}) /.exec(text)?.[1]);
    const callId = /^Call-ID: (.+)\r$/m.exec(text)?.[1] ?? "";
    const phone = this.#byCallId.get(callId);
    const cseq = Number(/^CSeq: (\d+) /m.exec(text)?.[1]);
    // an answer to what was sent twice comes twice
    if (phone?.pending == null || phone.pending.cseq !== cseq) return;
    if (status === 200) {
      this.acknowledgements++;
      phone.acknowledged = phone.pending;
      phone.acknowledged.answeredAtMs = Date.now();
    } else this.refusals.push(`${status} to ${callId} CSeq ${cseq}`);
    phone.pending = null;
    if (this.#goesOn) this.#next(phone);
  }
}

/** May the store hold this CSeq (or nothing) for a phone whose last REGISTER was this one? */
function agrees(
  cseq: number | undefined,
  write: Write | null,
  askedAtMs: number,
  answeredAtMs: number,
): boolean {
  if (write === null || write.expiresSec === 0) return cseq === undefined;
  const lifetimeMs = write.expiresSec * 1000;
  if (cseq === undefined) return answeredAtMs >= write.sentAtMs + lifetimeMs;
  return cseq === write.cseq && askedAtMs < write.answeredAtMs + lifetimeMs;
}

function show(write: Write | null): string {
  if (write === null) return "nothing";
  return write.expiresSec === 0
    ? `the end with CSeq ${write.cseq}`
    : `CSeq ${write.cseq} for ${write.expiresSec} s`;
}
