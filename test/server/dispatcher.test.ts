import { describe, expect, it } from "vitest";
import type { SipMessage } from "../../src/message/message.js";
import type { Flow, Leg } from "../../src/port/leg.js";
import type { ReceiveContext, Receiver } from "../../src/port/receiver.js";
import { type Announced, Dispatcher } from "../../src/server/dispatcher.js";
import { ReceiveChain } from "../../src/server/receive-chain.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { Network } from "../support/network.js";
import { requestOf, responseOf } from "../support/texts.js";

const SERVER = { address: "192.0.2.1", port: 5060 };

/** What a leg answers for octets that are no message. */
async function malformed(text: string): Promise<string[]> {
  const clock = manualClock();
  const entropy = seededEntropy(3);
  const network = new Network({ clock, entropy });
  const leg = network.leg("udp", SERVER.address, SERVER.port);
  const heard: string[] = [];
  const dispatcher = new Dispatcher({ legs: [leg], clock, entropy });
  await dispatcher.start();
  const peer = network.leg("udp", "198.51.100.4", 5060);
  await peer.start({ message: (answer) => void heard.push(answer), malformed() {}, flowClosed() {} });
  leg.garble(text, 400, "Half", peer.local);
  clock.advance(5);
  return heard;
}

interface Wire {
  /** Sends a text to the dispatcher and gives back what it answered, as texts. */
  say(text: string): Promise<string[]>;
  readonly dispatcher: Dispatcher;
}

async function wire(receiver?: Receiver, announced?: Announced): Promise<Wire> {
  const clock = manualClock();
  const entropy = seededEntropy(3);
  const network = new Network({ clock, entropy });
  const dispatcher = new Dispatcher({
    legs: [network.leg("udp", SERVER.address, SERVER.port)],
    clock,
    entropy,
  });
  if (receiver !== undefined) dispatcher.setReceiver(receiver, announced);
  await dispatcher.start();
  const heard: string[] = [];
  const peer = network.leg("udp", "198.51.100.4", 5060);
  await peer.start({
    message: (text) => void heard.push(text),
    malformed: () => {},
    flowClosed: () => {},
  });
  return {
    dispatcher,
    async say(text) {
      heard.length = 0;
      peer.send(text, peer.connect(SERVER) as Flow);
      for (let turn = 0; turn < 8; turn++) {
        clock.advance(1);
        await Promise.resolve();
      }
      return [...heard];
    },
  };
}

function requestText(
  method: string,
  uri: string,
  extra: readonly string[] = [],
  without: readonly string[] = [],
): string {
  const lines = [
    "Via: SIP/2.0/UDP 198.51.100.4:5060;branch=z9hG4bKd1;rport",
    "Max-Forwards: 70",
    "From: <sip:bob@example.org>;tag=f1",
    "To: <sip:alice@example.com>",
    "Call-ID: c1@198.51.100.4",
    `CSeq: 1 ${method}`,
    ...extra,
  ].filter((line) => !without.some((name) => line.startsWith(`${name}:`)));
  return `${method} ${uri} SIP/2.0\r\n${lines.join("\r\n")}\r\nContent-Length: 0\r\n\r\n`;
}

const nobody: Receiver = { receive: () => undefined };

describe("the last word: no request that can be answered is met with silence (RFC 3261 §8.2)", () => {
  const table: readonly [string, string, number][] = [
    ["§11.2 OPTIONS to the server itself", requestText("OPTIONS", "sip:192.0.2.1"), 200],
    ["§8.2.1 a method that is known, to the server", requestText("INVITE", "sip:192.0.2.1"), 405],
    ["§8.2.1 a method that nobody here carries", requestText("MESSAGE", "sip:alice@example.com"), 405],
    ["§21.5.2 a method that no RFC knows", requestText("NEWMETHOD", "sip:alice@example.com"), 501],
    ["§8.2.2.1 a scheme that is not served", requestText("OPTIONS", "nobodyKnowsThisScheme:x"), 416],
    [
      "§8.2.2.3 an extension that is not here",
      requestText("OPTIONS", "sip:192.0.2.1", ["Require: nothingSupportsThis"]),
      420,
    ],
    ["§9.2 a CANCEL that matches nothing", requestText("CANCEL", "sip:alice@example.com"), 481],
    ["§10.3 a REGISTER that is not for us", requestText("REGISTER", "sip:example.com"), 404],
    ["§8.1.1 no To", requestText("OPTIONS", "sip:192.0.2.1", [], ["To"]), 400],
    ["§8.1.1 no From", requestText("OPTIONS", "sip:192.0.2.1", [], ["From"]), 400],
    ["§8.1.1 no Call-ID", requestText("OPTIONS", "sip:192.0.2.1", [], ["Call-ID"]), 400],
    ["§8.1.1 no CSeq", requestText("OPTIONS", "sip:192.0.2.1", [], ["CSeq"]), 400],
    ["§8.1.1 two Call-IDs", requestText("OPTIONS", "sip:192.0.2.1", ["Call-ID: other"]), 400],
    [
      "§21.5.6 another version",
      requestText("OPTIONS", "sip:192.0.2.1").replace("SIP/2.0\r\n", "SIP/7.0\r\n"),
      505,
    ],
  ];
  it.each(table)("%s", async (_name, text, status) => {
    const { say, dispatcher } = await wire(nobody);
    const answers = await say(text);
    expect(answers.map((answer) => responseOf(answer).status)).toEqual([status]);
    expect(dispatcher.counters.answers().reduce((sum, { count }) => sum + count, 0)).toBe(1);
  });

  it("names what is lacking in Unsupported (§20.40)", async () => {
    const { say } = await wire(nobody);
    const [answer] = await say(requestText("OPTIONS", "sip:192.0.2.1", ["Require: a, B"]));
    expect(responseOf(answer!).headers.get("unsupported")).toBe("a, b");
  });

  it.each([
    ["INVITE", "sip:192.0.2.1", "REGISTER, OPTIONS"],
    ["MESSAGE", "sip:192.0.2.1:5060", "REGISTER, OPTIONS"],
    ["SUBSCRIBE", "sip:alice@example.com", "REGISTER, INVITE, MESSAGE"],
  ])("never names the refused method in the Allow of a 405 (§21.4.6): %s %s", async (method, uri, allow) => {
    const { say } = await wire(nobody, { allow: ["REGISTER", "INVITE", "MESSAGE"] });
    const { status, headers } = responseOf((await say(requestText(method, uri)))[0]!);
    expect([status, headers.get("allow")]).toEqual([405, allow]);
  });

  it("tells what the receivers can do in answers to OPTIONS (§11.2)", async () => {
    const { say } = await wire(nobody, { allow: ["REGISTER", "INVITE"], supported: ["path"] });
    const { headers } = responseOf((await say(requestText("OPTIONS", "sip:192.0.2.1")))[0]!);
    expect(headers.get("allow")).toBe("REGISTER, INVITE");
    expect(headers.get("supported")).toBe("path");
    expect(headers.has("accept")).toBe(true);
  });

  it("never answers an ACK (§17.1.1.3), nor a response", async () => {
    const { say, dispatcher } = await wire(nobody);
    expect(await say(requestText("ACK", "sip:192.0.2.1"))).toEqual([]);
    expect(await say(requestText("ACK", "sip:192.0.2.1", [], ["To"]))).toEqual([]);
    expect(
      await say("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nCSeq: 1 OPTIONS\r\n\r\n"),
    ).toEqual([]);
    expect(dispatcher.counters.strayResponses).toBe(1);
  });

  it("counts and drops what names no way back", async () => {
    const { say, dispatcher } = await wire(nobody);
    expect(await say("neither a request nor a response\r\n\r\n")).toEqual([]);
    expect(dispatcher.counters.dropped).toBe(1);
  });
});

describe("answers go back as §18.2.1 and RFC 3581 §4 say", () => {
  it("fills in received and rport, and gives To a tag (§8.2.6.2)", async () => {
    const { say } = await wire(nobody);
    const { via, toTag } = responseOf((await say(requestText("OPTIONS", "sip:192.0.2.1")))[0]!);
    expect(via?.paramText).toContain(";received=198.51.100.4");
    expect(via?.paramText).toContain(";rport=5060");
    expect(toTag).toMatch(/^.{8,}$/);
  });
});

describe("a receiver that fails", () => {
  const failures: readonly [string, Receiver][] = [
    [
      "throws",
      {
        receive: () => {
          throw new Error("broken");
        },
      },
    ],
    ["rejects", { receive: () => Promise.reject(new Error("broken later")) }],
  ];
  it.each(failures)("%s: 500, and the server goes on", async (_name, receiver) => {
    const { say } = await wire(receiver);
    for (let round = 0; round < 2; round++) {
      const answers = await say(requestText("REGISTER", "sip:example.com"));
      expect(answers.map((answer) => responseOf(answer).status)).toEqual([500]);
    }
  });
});

describe("ReceiveChain, after Net::SIP::ReceiveChain", () => {
  const told = (
    name: string,
    log: string[],
    answer: number | undefined | Promise<number | undefined>,
  ): Receiver => ({
    receive: (_packet: SipMessage, _leg: Leg, _from: Flow, context?: ReceiveContext) => {
      log.push(`${name}:${context?.identity?.user ?? "-"}`);
      if (context !== undefined) context.identity = { user: name, realm: "r" };
      return answer;
    },
  });

  it("asks in order until one answers, and hands the context on", async () => {
    const log: string[] = [];
    const chain = new ReceiveChain([told("a", log, undefined), told("b", log, 200), told("c", log, 200)]);
    const { say } = await wire(chain);
    await say(requestText("OPTIONS", "sip:192.0.2.1"));
    expect(log).toEqual(["a:-", "b:a"]);
  });

  it("goes on after a receiver that passes on later", async () => {
    const log: string[] = [];
    const chain = new ReceiveChain([
      told("a", log, Promise.resolve(undefined)),
      told("b", log, Promise.resolve(200)),
    ]);
    const { say } = await wire(chain);
    await say(requestText("OPTIONS", "sip:192.0.2.1"));
    expect(log).toEqual(["a:-", "b:a"]);
  });

  it("passes on what its filter does not want", async () => {
    const log: string[] = [];
    const chain = new ReceiveChain([told("a", log, 200)], {
      filter: (packet) => packet.kind === "request" && packet.method === "REGISTER",
    });
    const { say } = await wire(chain);
    await say(requestText("OPTIONS", "sip:192.0.2.1"));
    expect(log).toEqual([]);
    await say(requestText("REGISTER", "sip:example.com"));
    expect(log).toEqual(["a:-"]);
  });

  it("holds as many transactions as it is told", () => {
    const network = new Network({ clock: manualClock(), entropy: seededEntropy(3) });
    const leg = network.leg("udp", SERVER.address, SERVER.port);
    const { transactions } = new Dispatcher({ legs: [leg], maxTransactions: 1 });
    const from = leg.connect({ address: "198.51.100.4", port: 5060 }) as Flow;
    const quiet = { cancelled: () => {} };
    const invite = (branch: string) =>
      requestOf(requestText("INVITE", "sip:bob@example.com").replace("z9hG4bKd1", branch));
    expect(typeof transactions.server(invite("z9hG4bKone"), leg, from, quiet)).toBe("object");
    expect(transactions.server(invite("z9hG4bKtwo"), leg, from, quiet)).toBe("full");
  });

  it("refuses what is no receiver, and unknown options, by name", () => {
    expect(() => new ReceiveChain([{} as Receiver])).toThrow(TypeError);
    expect(() => new ReceiveChain([], { filters: 1 } as object)).toThrow(/filters/);
    expect(() => new Dispatcher({ legs: [] })).toThrow(/legs/);
    expect(() => new Dispatcher({ legs: [{} as Leg], leg: 1 } as never)).toThrow(/unknown option leg/);
  });
});

describe("octets that are no whole message", () => {
  const WHOLE = requestText("OPTIONS", "sip:example.com");
  const UP_TO_CSEQ = WHOLE.slice(0, WHOLE.indexOf("\r\n", WHOLE.indexOf("CSeq:")) + 2);

  it.each([
    ["cut off within a line", `${UP_TO_CSEQ}Contact: <sip:al`],
    ["cut off behind the next line", `${UP_TO_CSEQ}Max-Fo`],
  ])("%s: 400 with what can be read, and nothing of what cannot", async (_, text) => {
    const [answer = ""] = await malformed(text);
    expect(answer).toMatch(/^SIP\/2\.0 400 /);
    expect(responseOf(answer)).toMatchObject({ kind: "response" });
    for (const name of ["From", "To", "Call-ID", "CSeq"])
      expect(answer).toMatch(new RegExp(`^${name}: `, "m"));
  });

  it.each([
    ["within a line that every answer copies", WHOLE.slice(0, WHOLE.indexOf("CSeq:") + 7)],
    ["behind one that may go on in the next (§7.3.1)", UP_TO_CSEQ],
    ["within a continuation of one", `${UP_TO_CSEQ} OPT`],
    ["within the start line", "OPTIONS sip:exa"],
  ])("cut off %s: no answer", async (_, text) => {
    expect(await malformed(text)).toEqual([]);
  });
});
