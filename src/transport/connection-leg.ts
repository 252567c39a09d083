import { createServer, isIP, type Server, type Socket } from "node:net";
import { bareHost, type Via } from "../message/via.js";
import type { Clock } from "../port/clock.js";
import type {
  ConnectOptions,
  DropReason,
  Endpoint,
  Flow,
  Leg,
  LegEvents,
  SendResult,
  Transport,
} from "../port/leg.js";
import { type BindAddress, bindAddress } from "./address.js";
import type { Carrier, Dialed, DialTarget } from "./carrier.js";
import { Connection, type ConnectionHost } from "./connection.js";
import { ConnectionBudget } from "./connection-budget.js";
import type { ConnectionLimits, ConnectionOptions } from "./connection-options.js";
import { ConnectionTable } from "./connection-table.js";
import { legCounters } from "./counters.js";
import { Dialer } from "./dialer.js";
import { flowTokens } from "./flow-token.js";
import type { TlsMaterial } from "./secure-contexts.js";
import { streamChannel } from "./stream-channel.js";
import { wallClock } from "./wall-clock.js";

/** Connections that the system may hold for us before they are accepted. */
const BACKLOG = 4096;
/** What `close` waits for peers that do not read their last messages. */
const CLOSE_MS = 1_000;
const SHORTEST_SWEEP_MS = 50;
const LONGEST_SWEEP_MS = 5_000;

const SILENT: LegEvents = { message() {}, malformed() {}, flowClosed() {} };

/**
 * The leg of every connection-oriented transport: listens, admits, keeps the connections within their bounds. How an accepted
 * socket becomes a way for messages is the matter of its {@link Carrier}.
 */
export class ConnectionLeg implements Leg, ConnectionHost {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly counters = legCounters();
  readonly #options: ConnectionOptions;
  readonly #carrier: Carrier;
  readonly #nextToken: () => string;
  readonly #table: ConnectionTable;
  readonly #dialer: Dialer<Connection>;
  #local: Endpoint;
  #events: LegEvents = SILENT;
  #server: Server | undefined;
  #stopSweeping: () => void = () => {};
  #lastOneGone: () => void = () => {};

  constructor(options: ConnectionOptions, limits: ConnectionLimits, carrier: Carrier) {
    this.transport = carrier.transport;
    this.clock = options.clock ?? wallClock;
    this.limits = limits;
    this.#options = options;
    this.#carrier = carrier;
    this.#nextToken = flowTokens(carrier.transport, options.entropy);
    this.#table = new ConnectionTable(options.budget ?? new ConnectionBudget(limits));
    this.#dialer = new Dialer(carrier, this.clock, limits.connectMs, (dialed, target) =>
      this.#dialed(dialed, target),
    );
    this.#local = { address: bareHost(options.host), port: options.port };
  }

  get local(): Endpoint {
    return this.#local;
  }

  get leg(): Leg {
    return this;
  }

  get events(): LegEvents {
    return this.#events;
  }

  async start(events: LegEvents): Promise<void> {
    if (this.#server !== undefined) throw new Error(`${this.transport}: started already`);
    const bind = await bindAddress(this.#options.host);
    const server = createServer({
      // the answers to what a peer sent before it closed its side must still reach it
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: this.limits.keepAliveMs,
    });
    this.#local = await listen(server, bind, this.#options.port);
    this.#events = events;
    this.#server = server;
    server.on("error", (error) => events.fault?.(error, this));
    server.on("connection", (socket) => this.#accept(socket));
    this.#sweepLater();
  }

  #accept(socket: Socket): void {
    const { remoteAddress: address, remotePort: port } = socket;
    if (address === undefined || port === undefined) {
      // reset before it was accepted
      socket.destroy();
      return;
    }
    const remote = { address, port };
    if (this.#events.admits !== undefined && !this.#events.admits(remote, this.transport)) {
      this.#refuse(socket, "not-admitted");
    } else if (!this.#table.hasRoomFor(address)) {
      this.#refuse(socket, "too-many");
    } else {
      this.#carrier.accept(socket, this.#connection(socket, remote, undefined));
    }
  }

  /** With a reset, so that the system keeps nothing of it either. */
  #refuse(socket: Socket, reason: DropReason): void {
    this.counters.dropped[reason]++;
    socket.on("error", () => {});
    socket.resetAndDestroy();
  }

  #connection(socket: Socket, remote: Endpoint, dialed: DialTarget | undefined): Connection {
    const connection = new Connection(this, socket, {
      transport: this.transport,
      remote,
      local: this.#localOf(socket),
      token: this.#nextToken(),
      isOutgoing: dialed !== undefined,
      serverName: dialed?.serverName,
    });
    this.#table.add(connection);
    return connection;
  }

  #localOf(socket: Socket): Endpoint {
    const { localAddress, localPort } = socket;
    if (localAddress === undefined || localPort === undefined) return this.#local;
    const isSame = localPort === this.#local.port && localAddress === this.#local.address;
    return isSame ? this.#local : { address: localAddress, port: localPort };
  }

  opened(connection: Connection): void {
    this.counters.connections++;
    this.#table.offer(connection);
  }

  ended(connection: Connection): void {
    this.counters.connections--;
    this.#table.withdraw(connection);
    // never from within a call of `send` or `disconnect`: whoever made it is not done yet
    queueMicrotask(() => this.#events.flowClosed(connection, this));
  }

  gone(connection: Connection): void {
    this.#table.remove(connection);
    if (this.#table.size === 0) this.#lastOneGone();
  }

  send(text: string, flow: Flow): SendResult {
    return flow instanceof Connection ? flow.send(text) : "flow-dead";
  }

  respond(text: string, via: Via, from: Flow): SendResult {
    if (!(from instanceof Connection)) return "flow-dead";
    const result = from.answer(text);
    return result === "flow-dead" ? this.#respondAnew(text, via, from) : result;
  }

  /** §18.2.2: when the connection of the request is gone, a new one to its source and the port of the sent-by. */
  #respondAnew(text: string, via: Via, from: Connection): SendResult {
    if (this.#server === undefined || this.#carrier.dial === undefined) return "flow-dead";
    const host = bareHost(via.host);
    const remote = { address: from.address, port: via.port ?? (this.transport === "tls" ? 5061 : 5060) };
    void Promise.resolve(this.connect(remote, isIP(host) === 0 ? { serverName: host } : {})).then(
      (flow) => this.send(text, flow),
      (error: unknown) => {
        this.counters.dropped["send-failed"]++;
        if (error instanceof Error) this.#events.fault?.(error, this);
      },
    );
    return "sent";
  }

  connect(remote: Endpoint, options: ConnectOptions = {}): Flow | Promise<Flow> {
    const address = bareHost(remote.address);
    if (isIP(address) === 0)
      return Promise.reject(new TypeError(`${this.transport}: ${address} is no address`));
    const target = { address, port: remote.port };
    // without TLS there is no certificate to hold the name against
    const serverName = this.transport === "tls" ? options.serverName : undefined;
    const found = this.#table.find(target, serverName);
    if (found !== undefined) return found;
    if (this.#server === undefined) return Promise.reject(new Error(`${this.transport}: the leg is closed`));
    if (!this.#table.hasRoomFor(address)) {
      return Promise.reject(new Error(`${this.transport}: too many connections`));
    }
    const { address: localAddress } = this.#local;
    const isAnyAddress = localAddress === "0.0.0.0" || localAddress === "::";
    return this.#dialer.dial({
      remote: target,
      serverName,
      localAddress: isAnyAddress ? undefined : localAddress,
    });
  }

  #dialed(dialed: Dialed, target: DialTarget): Connection {
    const { socket } = dialed;
    const connection = this.#connection(socket, target.remote, target);
    connection.open(streamChannel(socket, connection, this.limits.message), dialed.identities());
    return connection;
  }

  disconnect(flow: Flow): void {
    if (flow instanceof Connection) flow.end();
  }

  retain(flow: Flow, retained: boolean): void {
    if (flow instanceof Connection) flow.retain(retained);
  }

  /** See `SecureLeg`; nothing on a leg without certificates. */
  reload(material: TlsMaterial): void {
    this.#carrier.reload?.(material);
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#stopSweeping();
    this.#dialer.abort();
    server.close();
    for (const connection of this.#table.all()) connection.end();
    if (this.#table.size > 0) {
      await new Promise<void>((resolve) => {
        // by the machine's time whatever the clock: the process wants to end
        const deadline = setTimeout(() => this.#dropAll(), CLOSE_MS);
        this.#lastOneGone = () => {
          clearTimeout(deadline);
          resolve();
        };
      });
    }
  }

  #dropAll(): void {
    for (const connection of this.#table.all()) connection.drop(undefined);
  }

  /** One timer for all connections: their bounds are seconds, and need no timer each. */
  #sweepLater(): void {
    const { idleMs, handshakeMs, messageMs, stallMs, lingerMs, pingMs } = this.limits;
    const shortestMs = Math.min(idleMs, handshakeMs, messageMs, stallMs, lingerMs, pingMs);
    const sweepMs = Math.min(Math.max(shortestMs / 2, SHORTEST_SWEEP_MS), LONGEST_SWEEP_MS);
    const timer = this.clock.after(sweepMs, () => {
      const nowMs = this.clock.nowMs();
      for (const connection of this.#table.all()) connection.check(nowMs);
      this.#sweepLater();
    });
    this.#stopSweeping = () => timer.cancel();
  }
}

async function listen(server: Server, bind: BindAddress, port: number): Promise<Endpoint> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: bind.address, port, ipv6Only: bind.family === 6, backlog: BACKLOG }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") throw new Error("no address was bound");
  return { address: bound.address, port: bound.port };
}
