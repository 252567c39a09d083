import { digestResponse, ha1For } from "../../src/auth/digest.js";
import type { CredentialSource, DigestAlgorithm } from "../../src/auth/source.js";
import { SipRequest, SipResponse } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import type { Flow, Leg } from "../../src/port/leg.js";
import type { ReceiveContext } from "../../src/port/receiver.js";
import { Authorize } from "../../src/server/authorize.js";
import type { AuthorizeOptions } from "../../src/server/authorize-options.js";
import { nodeHasher } from "../../src/server/hasher.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { parseChallenge } from "../auth/challenge-reader.js";

export const hasher = nodeHasher();

/** A flow as the UDP leg makes it. */
export function udpFlow(address = "192.0.2.7", port = 5060): Flow {
  return {
    address,
    port,
    transport: "udp",
    local: { address: "198.51.100.1", port: 5060 },
    token: `udp:${address}:${port}`,
    isConnection: false,
    alive: true,
    peerIdentity: null,
  };
}

/** A leg that keeps what it is asked to send. */
export function recordingLeg(address = "198.51.100.1"): { leg: Leg; sent: string[] } {
  const sent: string[] = [];
  const leg: Leg = {
    transport: "udp",
    local: { address, port: 5060 },
    start: () => Promise.resolve(),
    send: (text) => {
      sent.push(text);
      return "sent";
    },
    respond: (text) => {
      sent.push(text);
      return "sent";
    },
    connect: () => udpFlow(),
    disconnect() {},
    close: () => Promise.resolve(),
  };
  return { leg, sent };
}

/** Accounts with known passwords, every algorithm, HA1 made at once. */
export function passwords(users: Readonly<Record<string, string>>, realm = "example.com"): CredentialSource {
  return {
    ha1: (user, asked, algorithm) =>
      asked === realm && Object.hasOwn(users, user)
        ? ha1For(hasher, { user, realm, password: users[user]! }, algorithm)
        : null,
  };
}

export interface RequestParts {
  readonly method?: string;
  readonly uri?: string;
  readonly to?: string;
  readonly from?: string;
  readonly callId?: string;
  readonly cseq?: number;
  readonly contact?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** A request as a phone sends it. */
export function request(parts: RequestParts = {}): SipRequest {
  const { method = "REGISTER", uri = "sip:example.com", to = "sip:alice@example.com", body = "" } = parts;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKnashds7;rport",
    "Max-Forwards: 70",
    `From: <${parts.from ?? to}>;tag=456248`,
    `To: <${to}>`,
    `Call-ID: ${parts.callId ?? "843817637684230@998sdasdh09"}`,
    `CSeq: ${parts.cseq ?? 1826} ${method}`,
    `Contact: <${parts.contact ?? "sip:alice@192.0.2.7:5060"}>`,
    ...(parts.headers ?? []),
    `Content-Length: ${body.length}`,
  ];
  const parsed = parseMessage(`${lines.join("\r\n")}\r\n\r\n${body}`);
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) throw new Error("the test wrote no request");
  return parsed.message;
}

/** What a client with a password answers a challenge with; `overrides` spoils single parameters. */
export interface AnswerParts {
  readonly user?: string;
  readonly password?: string;
  readonly uri?: string;
  readonly method?: string;
  readonly nc?: number;
  readonly cnonce?: string;
  readonly qop?: "auth" | "auth-int" | null;
  readonly session?: boolean;
  readonly algorithm?: DigestAlgorithm;
  readonly body?: string;
  readonly realm?: string;
  readonly overrides?: Readonly<Record<string, string | null>>;
}

/** The value of an Authorization field that answers this challenge. */
export function credentials(challenge: Readonly<Record<string, string>>, parts: AnswerParts = {}): string {
  const { user = "alice", password = "secret", uri = "sip:example.com", cnonce = "0a4f113b" } = parts;
  const realm = parts.realm ?? challenge.realm!;
  const nonce = challenge.nonce!;
  const algorithm = parts.algorithm ?? ((challenge.algorithm ?? "MD5") as DigestAlgorithm);
  const qop = parts.qop === undefined ? "auth" : parts.qop;
  const nc = (parts.nc ?? 1).toString(16).padStart(8, "0");
  const session = parts.session ?? false;
  const response = digestResponse(hasher, algorithm, ha1For(hasher, { user, realm, password }, algorithm), {
    method: parts.method ?? "REGISTER",
    uri,
    nonce,
    qop,
    nc,
    cnonce,
    body: parts.body ?? "",
    session,
  });
  const all: Record<string, string | null> = {
    username: `"${user}"`,
    realm: `"${realm}"`,
    nonce: `"${nonce}"`,
    uri: `"${uri}"`,
    response: `"${response}"`,
    algorithm: session ? `${algorithm}-sess` : algorithm,
    cnonce: qop === null ? null : `"${cnonce}"`,
    nc: qop === null ? null : nc,
    qop,
    ...parts.overrides,
  };
  const written = Object.entries(all).flatMap(([name, value]) =>
    value === null ? [] : [`${name}=${value}`],
  );
  return `Digest ${written.join(", ")}`;
}

/** A request with credentials that answer a challenge. */
export function answering(
  challenge: Readonly<Record<string, string>>,
  parts: AnswerParts = {},
  rest: RequestParts = {},
): SipRequest {
  const header =
    rest.method === undefined || rest.method === "REGISTER" ? "Authorization" : "Proxy-Authorization";
  return request({ ...rest, headers: [`${header}: ${credentials(challenge, parts)}`] });
}

/** What came of one request: the status and answer, or the context it was passed on with. */
export interface Outcome {
  readonly status: number | undefined;
  readonly answer: SipResponse | undefined;
  readonly text: string;
  readonly context: ReceiveContext;
  /** Parameters of each challenge in the answer, in order. */
  readonly challenges: readonly Readonly<Record<string, string>>[];
}

export interface Rig {
  readonly clock: ManualClock;
  readonly authorize: Authorize;
  /** Hands a request over and waits for what comes of it. */
  ask(message: SipRequest, from?: Flow): Promise<Outcome>;
  /** Asks without credentials and gives the first challenge. */
  challenge(message?: SipRequest): Promise<Readonly<Record<string, string>>>;
}

export interface RigOptions extends Omit<Partial<AuthorizeOptions>, "clock"> {
  readonly seed?: number;
  /** Each domain is its own realm, rather than all in example.com. */
  readonly eachDomain?: boolean;
  readonly clock?: ManualClock;
}

/** An authoriser with alice (password "secret") and bob ("hush") in example.com, behind a recording leg, in virtual time. */
export function rig(options: RigOptions = {}): Rig {
  const { seed = 1, eachDomain = false, clock = manualClock(), ...rest } = options;
  const entropy = seededEntropy(seed);
  const dispatcher = { clock, entropy, legs: [], findFlow: () => undefined, onFlowClosed: () => () => {} };
  const authorize = new Authorize({
    dispatcher,
    source: passwords({ alice: "secret", bob: "hush" }),
    ...(eachDomain || rest.realms !== undefined ? {} : { realm: "example.com" }),
    hasher,
    ...rest,
  });
  const ask = async (message: SipRequest, from = udpFlow()): Promise<Outcome> => {
    const { leg, sent } = recordingLeg();
    const context: ReceiveContext = {};
    const status = await authorize.receive(message, leg, from, context);
    const text = sent[0] ?? "";
    const parsed = parseMessage(text);
    const answer = parsed.ok && parsed.message instanceof SipResponse ? parsed.message : undefined;
    const values =
      answer === undefined
        ? []
        : [...answer.headers.all("www-authenticate"), ...answer.headers.all("proxy-authenticate")];
    return { status, answer, text, context, challenges: values.map(parseChallenge) };
  };
  return {
    clock,
    authorize,
    ask,
    challenge: async (message = request()) => (await ask(message)).challenges[0]!,
  };
}
