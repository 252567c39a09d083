import type { Binding } from "../../src/location/binding.js";
import type { LocationStore } from "../../src/location/store.js";
import type { SipRequest, SipResponse } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import type { MaybePromise } from "../../src/message/result.js";
import type { Via } from "../../src/message/via.js";
import type { DispatcherPort } from "../../src/port/dispatcher.js";
import type { Flow, Leg, SendResult, Transport } from "../../src/port/leg.js";
import type { ReceiveContext } from "../../src/port/receiver.js";
import type { RegistrarOptions } from "../../src/registrar/options.js";
import { RegistrarCore } from "../../src/registrar/registrar.js";
import { memoryStore } from "../../src/storage/memory.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";

/** A leg that keeps what it is told to send: the wire of these tests. */
export interface RecordingLeg extends Leg {
  readonly sent: string[];
  readonly retained: Map<string, boolean>;
}

export function recordingLeg(transport: Transport = "udp"): RecordingLeg {
  const sent: string[] = [];
  const retained = new Map<string, boolean>();
  const take = (text: string): SendResult => {
    sent.push(text);
    return "sent";
  };
  return {
    transport,
    local: { address: "192.0.2.1", port: 5060 },
    sent,
    retained,
    start: async () => {},
    send: take,
    respond: (text: string, _via: Via, _from: Flow) => take(text),
    connect: (remote) => testFlow({ ...remote, transport }),
    disconnect: () => {},
    retain: (flow, retain) => retained.set(flow.token, retain),
    close: async () => {},
  };
}

export type TestFlow = { -readonly [K in keyof Flow]: Flow[K] };

/** A flow from a phone; over anything but UDP, one connection with a token of its own. */
export function testFlow(parts: Partial<Flow> = {}): TestFlow {
  const { transport = "udp", address = "198.51.100.4", port = 61_002 } = parts;
  const isConnection = transport !== "udp";
  return {
    transport,
    address,
    port,
    local: { address: "192.0.2.1", port: 5060 },
    token: isConnection ? `c-${address}-${port}` : `udp:${address}:${port}`,
    isConnection,
    alive: true,
    peerIdentity: null,
    ...parts,
  };
}

/** What the registrar asks of a dispatcher, with connections that the test opens and closes. */
export interface TestDispatcher extends DispatcherPort {
  readonly clock: ManualClock;
  open(flow: TestFlow, leg: Leg): void;
  kill(flow: TestFlow): void;
}

export function testDispatcher(leg: Leg, clock: ManualClock): TestDispatcher {
  const connections = new Map<string, { leg: Leg; flow: Flow }>();
  const listeners = new Set<(flow: Flow) => void>();
  return {
    clock,
    entropy: seededEntropy(7),
    legs: [leg],
    findFlow: (token) => connections.get(token),
    onFlowClosed(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open: (flow, owner) => connections.set(flow.token, { leg: owner, flow }),
    kill(flow) {
      flow.alive = false;
      connections.delete(flow.token);
      for (const listener of listeners) listener(flow);
    },
  };
}

/** A REGISTER in parts that a test can replace; every part absent has a sound value. */
export interface RegisterParts {
  readonly uri?: string;
  readonly to?: string;
  readonly from?: string;
  readonly callId?: string;
  readonly cseq?: number;
  /** Contact values, one header field each. */
  readonly contacts?: readonly string[];
  readonly expires?: string | number;
  /** Further lines: `Supported: path`. */
  readonly lines?: readonly string[];
  readonly vias?: readonly string[];
}

export function registerText(parts: RegisterParts): string {
  const { to = "<sip:alice@example.com>" } = parts;
  const vias = parts.vias ?? ["SIP/2.0/UDP 198.51.100.4:61002;branch=z9hG4bK74b43"];
  const lines = [
    `REGISTER ${parts.uri ?? "sip:example.com"} SIP/2.0`,
    ...vias.map((via) => `Via: ${via}`),
    "Max-Forwards: 70",
    `To: ${to}`,
    `From: ${parts.from ?? to};tag=9fxced76sl`,
    `Call-ID: ${parts.callId ?? "1j9FpLxk3uxtm8tn@phone"}`,
    `CSeq: ${parts.cseq ?? 1} REGISTER`,
    ...(parts.contacts ?? []).map((contact) => `Contact: ${contact}`),
    ...(parts.expires === undefined ? [] : [`Expires: ${parts.expires}`]),
    ...(parts.lines ?? []),
    "Content-Length: 0",
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

export function parseRequest(text: string): SipRequest {
  const parsed = parseMessage(text);
  if (!parsed.ok || parsed.message.kind !== "request") throw new Error("the test's own message is broken");
  return parsed.message;
}

export function parseResponse(text: string): SipResponse {
  const parsed = parseMessage(text);
  if (!parsed.ok || parsed.message.kind !== "response") throw new Error("the answer is no SIP response");
  return parsed.message;
}

export interface Rig {
  readonly registrar: RegistrarCore;
  readonly store: LocationStore;
  readonly clock: ManualClock;
  readonly leg: RecordingLeg;
  readonly dispatcher: TestDispatcher;
  /** Hands over a REGISTER and gives back the answer that went over the leg. */
  register(parts: RegisterParts, from?: TestFlow, context?: ReceiveContext): Promise<SipResponse>;
  /** What the store holds now. */
  bindings(aor?: string): Promise<readonly Binding[]>;
}

export type RigOptions = Omit<Partial<RegistrarOptions>, "dispatcher" | "clock">;

/** A registrar on a memory store, behind the real parser, with virtual time. */
export function rig(options: RigOptions = {}): Rig {
  const clock = manualClock();
  const leg = recordingLeg();
  const dispatcher = testDispatcher(leg, clock);
  const store = options.store ?? memoryStore({ clock });
  const registrar = new RegistrarCore({ ...options, dispatcher, store });
  return {
    registrar,
    store,
    clock,
    leg,
    dispatcher,
    async register(parts, from = testFlow(), context) {
      const before = leg.sent.length;
      const status = await registrar.receive(parseRequest(registerText(parts)), leg, from, context);
      if (leg.sent.length !== before + 1)
        throw new Error(`${leg.sent.length - before} answers, status ${status}`);
      const response = parseResponse(leg.sent.at(-1)!);
      if (response.status !== status) throw new Error(`said ${status}, sent ${response.status}`);
      return response;
    },
    bindings: async (aor = "sip:alice@example.com") => settled(store.read(aor)),
  };
}

function settled<T>(value: MaybePromise<T>): Promise<T> {
  return Promise.resolve(value);
}

/** The Contact values of an answer, in order. */
export function contactsOf(response: SipResponse): readonly string[] {
  return response.headers.list("contact") ?? [];
}
