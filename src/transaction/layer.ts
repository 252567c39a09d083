import type { SipMessage, SipRequest, SipResponse } from "../message/message.js";
import { respond } from "../message/respond.js";
import { branchOf, type Via } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type { Entropy } from "../port/entropy.js";
import type { Flow, Leg, SendResult, Transport } from "../port/leg.js";
import {
  type ClientHandlers,
  type ClientHost,
  ClientTransaction,
  type OutgoingRequest,
  parsedRequest,
  type Way,
} from "./client.js";
import { isSound } from "./correlation.js";
import { inOnePiece, serverKey } from "./key.js";
import { cancellation } from "./requests.js";
import { type ServerHandlers, type ServerHost, ServerTransaction } from "./server.js";
import { TimerLists } from "./timer-lists.js";
import { type BaseTimes, type Timers, type TimerTable, timerTable } from "./timers.js";

export interface TransactionLayerOptions {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** T1, T2 and T4; those of RFC 3261 when not given. */
  readonly times?: BaseTimes;
  /**
   * Most server transactions at once, and an eighth more for requests within a dialog; what comes beyond is answered 503.
   * {@link DEFAULT_TRANSACTIONS} when not given.
   */
  readonly maxServers?: number;
  /** Most client transactions at once, CANCELs not counted. Twice {@link DEFAULT_TRANSACTIONS} when not given. */
  readonly maxClients?: number;
  /** Told of each final response that a server transaction gave, for counters. */
  readonly answered?: (method: string, status: number) => void;
}

/** So many calls may ring at once, or 3,900 a second be made and ended: an answered request stays for 32 s (timers J and L). */
export const DEFAULT_TRANSACTIONS = 250_000;

/** How many there are now, and what happened since the layer was made. */
export interface TransactionCounts {
  readonly servers: number;
  readonly clients: number;
  /** Requests that came again and were absorbed. */
  readonly retransmissions: number;
  /** Client transactions that no final response reached in time. */
  readonly timeouts: number;
  /** Requests answered 503 because the table was full. */
  readonly overloads: number;
  /** Responses that were dropped: malformed, or of another request than that of their transaction. */
  readonly unsound: number;
}

/** Why no client transaction was made. */
export type NotSent = Exclude<SendResult, "sent"> | "full";

/** Client transactions that are looked at when the network says a peer was not reached: it does so within a round trip. */
const RECENT = 1024;

/** The registered methods besides INVITE that a proxy has server transactions of: a CANCEL does not say which it means. */
const CANCELLED_IN_VAIN = [
  "MESSAGE",
  "OPTIONS",
  "BYE",
  "SUBSCRIBE",
  "NOTIFY",
  "PUBLISH",
  "REFER",
  "INFO",
  "UPDATE",
  "PRACK",
] as const;

const NO_HANDLERS: ClientHandlers = { response() {}, failed() {} };

/**
 * The transaction layer (RFC 3261 §17 with RFC 4320 and 6026): matches what arrives to the transactions there are, and runs
 * their machines on the clock. Its tables are bounded: when one is full, what is new is refused and nothing is forgotten.
 */
export class TransactionLayer implements ServerHost, ClientHost {
  /** Timers of transactions, and of those who use them. */
  readonly lists: TimerLists;
  readonly #entropy: Entropy;
  readonly #timers: TimerTable;
  readonly #answered: ((method: string, status: number) => void) | undefined;
  readonly #maxServers: number;
  readonly #maxClients: number;
  readonly #servers = new Map<string, ServerTransaction>();
  readonly #clients = new Map<string, ClientTransaction>();
  readonly #cancels = new Map<string, ClientTransaction>();
  /** Client transactions by the token of the connection they went out on. */
  readonly #byFlow = new Map<string, Set<ClientTransaction>>();
  /** The latest client transactions over UDP, as a ring. */
  readonly #recent: (ClientTransaction | undefined)[] = new Array(RECENT);
  #nextRecent = 0;
  /** The request that was looked up last and is new: mostly its server transaction is made next. */
  #missed: SipRequest | undefined;
  #missedKey = "";
  #retransmissions = 0;
  #timeouts = 0;
  #overloads = 0;
  #unsound = 0;

  constructor(options: TransactionLayerOptions) {
    this.lists = new TimerLists(options.clock);
    this.#entropy = options.entropy;
    this.#timers = timerTable(options.times);
    this.#answered = options.answered;
    this.#maxServers = options.maxServers ?? DEFAULT_TRANSACTIONS;
    this.#maxClients = options.maxClients ?? 2 * DEFAULT_TRANSACTIONS;
  }

  /**
   * Gives a message to the transaction it belongs to (§17.1.3, §17.2.3).
   * @returns true when it was consumed: a response, a retransmission, an ACK to a non-2xx, a CANCEL (answered here)
   */
  receive(packet: SipMessage, leg: Leg, from: Flow): boolean {
    const { via } = packet;
    if (via === undefined) return false;
    return packet.kind === "response" ? this.#response(packet, via) : this.#request(packet, via, leg, from);
  }

  /**
   * Makes the server transaction of a request; an INVITE is answered 100 at once.
   * @returns "full" when the table is (the request has been answered 503), "exists" when there is one already
   */
  server(
    request: SipRequest,
    leg: Leg,
    from: Flow,
    handlers: ServerHandlers,
  ): ServerTransaction | "full" | "exists" {
    const { via } = request;
    if (via === undefined) throw new TypeError("a request without Via has no transaction");
    const key = inOnePiece(
      request === this.#missed ? this.#missedKey : serverKey(request, via, request.method).key,
    );
    this.#missed = undefined;
    if (this.#servers.has(key)) return "exists";
    if (this.#servers.size >= this.#room(request)) {
      this.#overloads++;
      const answer = { status: 503, toTag: this.newTag(), headers: this.#retryAfter() };
      leg.respond(respond(request, from, answer), via, from);
      return "full";
    }
    const timers = this.#timersOf(leg.transport);
    const transaction = new ServerTransaction({ host: this, key, request, via, leg, from, timers, handlers });
    this.#servers.set(key, transaction);
    return transaction;
  }

  /**
   * Sends a request in a client transaction of its own.
   * @returns why not, when it could not be sent; its handlers hear nothing then
   */
  client(request: OutgoingRequest, way: Way, handlers: ClientHandlers): ClientTransaction | NotSent {
    if (this.#clients.size >= this.#maxClients) return "full";
    return this.#start(this.#clients, request, way, handlers);
  }

  /** A connection was closed: what waits for a response over it fails now rather than by its timer. */
  flowClosed(flow: Flow): void {
    const waiting = this.#byFlow.get(flow.token);
    if (waiting === undefined) return;
    for (const transaction of [...waiting]) transaction.flowClosed();
  }

  /**
   * The network says that a UDP peer was not reached (ICMP, §18.4): what was sent to it just now fails without waiting.
   * @returns whether there was any such request
   */
  unreachable(peer: Flow): boolean {
    let any = false;
    for (const transaction of this.#recent) {
      if (transaction === undefined) continue;
      const { flow } = transaction.way;
      if (flow.port === peer.port && flow.address === peer.address) any = transaction.unreachable() || any;
    }
    return any;
  }

  counts(): TransactionCounts {
    return {
      servers: this.#servers.size,
      clients: this.#clients.size,
      retransmissions: this.#retransmissions,
      timeouts: this.#timeouts,
      overloads: this.#overloads,
      unsound: this.#unsound,
    };
  }

  /** Forgets every transaction and stops their timers. */
  close(): void {
    for (const table of [this.#servers, this.#clients, this.#cancels]) {
      for (const transaction of table.values()) transaction.stop();
      table.clear();
    }
    this.#byFlow.clear();
    this.#recent.fill(undefined);
    this.lists.close();
  }

  newTag(): string {
    return this.#entropy.hex(8);
  }

  finallyAnswered(method: string, status: number): void {
    this.#answered?.(method, status);
  }

  serverEnded(transaction: ServerTransaction): void {
    this.#servers.delete(transaction.key);
  }

  clientEnded(transaction: ClientTransaction): void {
    (transaction.method === "CANCEL" ? this.#cancels : this.#clients).delete(transaction.branch);
    if (transaction.timedOut) this.#timeouts++;
    const { flow } = transaction.way;
    if (!flow.isConnection) return;
    const waiting = this.#byFlow.get(flow.token);
    if (waiting === undefined) return;
    waiting.delete(transaction);
    if (waiting.size === 0) this.#byFlow.delete(flow.token);
  }

  sendCancel(invite: ClientTransaction, reason: string | undefined): void {
    const request = parsedRequest(invite.text);
    if (request === undefined || this.#cancels.has(invite.branch)) return;
    const text = cancellation(request, reason);
    const { branch, correlation } = invite;
    this.#start(this.#cancels, { text, method: "CANCEL", branch, correlation }, invite.way, NO_HANDLERS);
  }

  #response(response: SipResponse, via: Via): boolean {
    const branch = branchOf(via);
    const method = response.cseq?.method;
    if (branch === undefined || method === undefined) return false;
    const transaction = (method === "CANCEL" ? this.#cancels : this.#clients).get(branch);
    if (transaction === undefined || transaction.method !== method) return false;
    if (isSound(response, transaction.correlation)) transaction.received(response);
    else this.#unsound++;
    return true;
  }

  #request(request: SipRequest, via: Via, leg: Leg, from: Flow): boolean {
    const { method } = request;
    const about = method === "ACK" || method === "CANCEL" ? "INVITE" : method;
    const { key, untagged } = serverKey(request, via, about);
    let transaction = this.#servers.get(key);
    if (method === "CANCEL") transaction ??= this.#otherThanInvite(request, via);
    if (method === "ACK" && transaction === undefined && untagged !== null) {
      // §17.2.3: the INVITE of an RFC 2543 element had no To tag, its ACK has the one of our response
      transaction = this.#servers.get(untagged);
      if (transaction?.sentToTag !== undefined && transaction.sentToTag !== request.toTag) return false;
    }
    if (transaction === undefined) {
      this.#missed = method === about ? request : undefined;
      this.#missedKey = key;
      return false;
    }
    if (method === "ACK") return transaction.acknowledged();
    if (method === "CANCEL") {
      // §9.2: the To tag is that of the answer to the request
      const { toTag } = transaction;
      leg.respond(respond(request, from, { status: 200, toTag }), via, from);
      transaction.cancelled(request);
      return true;
    }
    this.#retransmissions++;
    transaction.retransmitted();
    return true;
  }

  /** §9.2: a CANCEL matches whatever request it names but ACK and CANCEL; only an INVITE is ended by it. */
  #otherThanInvite(cancel: SipRequest, via: Via): ServerTransaction | undefined {
    for (const method of CANCELLED_IN_VAIN) {
      const transaction = this.#servers.get(serverKey(cancel, via, method).key);
      if (transaction !== undefined) return transaction;
    }
    return undefined;
  }

  #start(
    table: Map<string, ClientTransaction>,
    request: OutgoingRequest,
    way: Way,
    handlers: ClientHandlers,
  ): ClientTransaction | NotSent {
    const sent = way.leg.send(request.text, way.flow);
    if (sent !== "sent") return sent;
    const timers = this.#timersOf(way.leg.transport);
    const transaction = new ClientTransaction({ host: this, request, way, timers, handlers });
    table.set(request.branch, transaction);
    if (way.flow.isConnection) this.#index(transaction);
    else {
      this.#recent[this.#nextRecent] = transaction;
      this.#nextRecent = (this.#nextRecent + 1) % RECENT;
    }
    return transaction;
  }

  #index(transaction: ClientTransaction): void {
    const { token } = transaction.way.flow;
    const waiting = this.#byFlow.get(token);
    if (waiting === undefined) this.#byFlow.set(token, new Set([transaction]));
    else waiting.add(transaction);
  }

  #timersOf(transport: Transport): Timers {
    return transport === "udp" ? this.#timers.unreliable : this.#timers.reliable;
  }

  /** Requests within a dialog have an eighth more: a call that was let in can be ended. */
  #room({ toTag }: SipRequest): number {
    return toTag === undefined ? this.#maxServers : this.#maxServers + (this.#maxServers >> 3);
  }

  /** Between 5 and 15 s, so that those who were refused together do not come back together. */
  #retryAfter(): readonly { readonly name: string; readonly value: string }[] {
    return [{ name: "Retry-After", value: String(5 + Math.floor(this.#entropy.unit() * 11)) }];
  }
}
