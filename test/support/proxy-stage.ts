import type { Binding } from "../../src/location/binding.js";
import type { LocationStore } from "../../src/location/store.js";
import type { MessageLimits } from "../../src/message/limits.js";
import type { Endpoint, Transport } from "../../src/port/leg.js";
import type { Receiver } from "../../src/port/receiver.js";
import type { ProxyOptions } from "../../src/proxy/options.js";
import type { ProxyDispatcher } from "../../src/proxy/sender.js";
import { StatefulProxy } from "../../src/proxy/stateful-proxy.js";
import { Dispatcher } from "../../src/server/dispatcher.js";
import { ReceiveChain } from "../../src/server/receive-chain.js";
import { memoryStore } from "../../src/storage/memory.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { TransactionLayer, type TransactionLayerOptions } from "../../src/transaction/layer.js";
import { Network, type NetworkOptions } from "./network.js";
import { Phone } from "./phone.js";

export interface StageOptions {
  readonly network?: Partial<NetworkOptions>;
  readonly proxy?: Partial<ProxyOptions>;
  /** Users whose requests arrive with proof of who they are: those with one of these From users. */
  readonly identified?: readonly string[];
  /** The same outside of dialogs alone, where nobody is asked again. */
  readonly proved?: readonly string[];
  /** Bounds of the transaction layer. */
  readonly transactions?: Partial<TransactionLayerOptions>;
  /** The one that a server is given. */
  readonly maxTransactions?: number;
  readonly limits?: MessageLimits;
  readonly seed?: number;
}

/** One proxy for example.com at 192.0.2.1 over UDP, TCP and WS, its store, and a network of phones. */
export interface Stage {
  readonly clock: ManualClock;
  readonly network: Network;
  readonly store: LocationStore;
  readonly dispatcher: Dispatcher;
  readonly proxy: StatefulProxy;
  phone(name: string, transport?: Transport, own?: Partial<Endpoint>): Phone;
  /** Binds a contact of a phone to a user of example.com, as if the phone had registered it. */
  bind(user: string, phone: Phone, difference?: Partial<Binding>): void;
  /** Lets time pass, and all that follows happen. */
  pass(ms: number): Promise<void>;
}

const HOST = "192.0.2.1";
export const PORTS: Readonly<Record<Transport, number>> = {
  udp: 5060,
  tcp: 5060,
  tls: 5061,
  ws: 8080,
  wss: 8081,
};

export async function stage(options: StageOptions = {}): Promise<Stage> {
  const clock = manualClock();
  const entropy = seededEntropy(options.seed ?? 1);
  const network = new Network({ clock, entropy, ...options.network });
  const store = memoryStore({ clock });
  const transports: Transport[] = ["udp", "tcp", "tls", "ws"];
  const legs = transports.map((transport) => network.leg(transport, HOST, PORTS[transport]));
  const dispatcher = new Dispatcher({
    legs,
    clock,
    entropy,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.maxTransactions === undefined ? {} : { maxTransactions: options.maxTransactions }),
  });
  const layer = new TransactionLayer({ clock, entropy, ...options.transactions });
  const behind: ProxyDispatcher =
    options.transactions === undefined ? dispatcher : bounded(dispatcher, layer);
  const proxy = new StatefulProxy({ dispatcher: behind, store, domains: ["example.com"], ...options.proxy });
  const identify: Receiver = {
    receive(packet, _leg, _from, context) {
      const user = packet.from?.sipUri?.user ?? "";
      const proves =
        options.identified?.includes(user) === true ||
        (packet.toTag === undefined && options.proved?.includes(user) === true);
      if (context !== undefined && proves) context.identity = { user, realm: "example.com" };
      return undefined;
    },
  };
  dispatcher.setReceiver(new ReceiveChain([identify, proxy]), { allow: ["INVITE", "ACK", "BYE", "CANCEL"] });
  await dispatcher.start();
  let hosts = 1;
  return {
    clock,
    network,
    store,
    dispatcher,
    proxy,
    phone(name, transport = "udp", own = {}) {
      const address = own.address ?? `192.0.2.${++hosts}`;
      const server = { address: HOST, port: PORTS[transport] };
      return new Phone(network, name, transport, { address, port: own.port ?? 5060 }, server);
    },
    bind(user, phone, difference = {}) {
      const { address, port } = phone.leg.local;
      const nowMs = clock.nowMs();
      const binding: Binding = {
        uri: phone.contact,
        params: "",
        expiresAtMs: nowMs + 3_600_000,
        qMilli: 1000,
        callId: `register-${phone.name}`,
        cseq: 1,
        userAgent: null,
        received: `${phone.leg.transport}:${address}:${port}`,
        flow: null,
        path: [],
        instance: null,
        regId: null,
        registeredAtMs: nowMs,
        updatedAtMs: nowMs,
        ...difference,
      };
      void store.update(`sip:${user}@example.com`, (current) => ({
        bindings: [...current, binding],
        outcome: undefined,
      }));
    },
    async pass(ms) {
      const until = clock.nowMs() + ms;
      do {
        clock.advance(Math.min(1, until - clock.nowMs()));
        for (let i = 0; i < 5; i++) await Promise.resolve();
        if (until - clock.nowMs() > 50) clock.advance(20);
      } while (clock.nowMs() < until);
    },
  };
}

/** The dispatcher with another transaction layer, which a test has set bounds to. */
function bounded(dispatcher: Dispatcher, transactions: TransactionLayer): ProxyDispatcher {
  const { clock, entropy, legs } = dispatcher;
  return {
    clock,
    entropy,
    legs,
    transactions,
    findFlow: (token) => dispatcher.findFlow(token),
    onFlowClosed: (listener) => dispatcher.onFlowClosed(listener),
  };
}
