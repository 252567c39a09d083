import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseMessage } from "../../src/message/parse.js";
import { Dispatcher } from "../../src/server/dispatcher.js";
import { ReceiveChain } from "../../src/server/receive-chain.js";
import { Registrar } from "../../src/server/registrar.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { Network, udpFlow } from "../support/network.js";

/** The messages of RFC 4475 and RFC 5118, where they are at hand. */
const FOLDER = new URL("../../../shared/torture/", import.meta.url);
const present = existsSync(FOLDER);
const when = present ? "" : " (skipped: ../shared/torture is not here)";

const HERE = { address: "192.0.2.10", port: 5060 };
const THERE = { address: "198.51.100.7", port: 7000 };

/** What an open registrar answers to each of these datagrams: statuses in order. */
async function answers(...texts: readonly string[]): Promise<number[]> {
  const clock = manualClock();
  const entropy = seededEntropy(4475);
  const network = new Network({ clock, entropy });
  const leg = network.leg("udp", HERE.address, HERE.port);
  const dispatcher = new Dispatcher({ legs: [leg], clock, entropy });
  const registrar = new Registrar({ dispatcher, aliases: ["2001:db8::10", "2001:db8::10:5070"] });
  dispatcher.setReceiver(new ReceiveChain([registrar]));
  await dispatcher.start();
  for (const text of texts) {
    leg.deliver(text, udpFlow(THERE, HERE));
    await Promise.resolve();
  }
  clock.advance(100);
  const sent = network.packets.map(({ text, to }) => {
    const parsed = parseMessage(text);
    if (!parsed.ok || parsed.message.kind !== "response") throw new Error(`no response: ${text}`);
    expect(to.startsWith(`${THERE.address}:`)).toBe(true);
    return parsed.message.status;
  });
  await dispatcher.close();
  return sent;
}

function file(folder: string, name: string): string {
  return readFileSync(new URL(`${folder}/${name}.dat`, FOLDER), "latin1");
}

/** What RFC 4475 asks of a registrar that is no proxy; the RFC's other answers would do as well. */
const RFC_4475: Readonly<Record<string, readonly number[]>> = {
  escnull: [200],
  dblreq: [200],
  regaut01: [200],
  cparam01: [200],
  cparam02: [200],
  regescrt: [200],
  // no registration, whatever it looks like, and no method that anybody knows
  esc02: [501],
  intmeth: [501],
  mismatch02: [501],
  badinv01: [400],
  clerr: [400],
  ncl: [400],
  scalar02: [400],
  quotbal: [400],
  ltgtruri: [400],
  lwsruri: [400],
  lwsstart: [400],
  trws: [400],
  escruri: [400],
  regbadct: [400],
  badaspec: [400],
  baddn: [400],
  mismatch01: [400],
  badbranch: [400],
  insuf: [400],
  unksm2: [400],
  multi01: [400],
  mcl01: [400],
  badvers: [505],
  unkscm: [416],
  novelsc: [416],
  bext01: [420],
  // responses to nothing, and what names no way back
  unreason: [],
  noreason: [],
  scalarlg: [],
  bigcode: [],
  bcast: [],
  test: [],
};

/** Well formed, and for somebody else: any answer but one that says it is malformed. */
const FOR_OTHERS =
  "wsinv esc01 lwsdisp longreq semiuri transports mpart01 baddate invut zeromf sdp01 inv2543".split(" ");

describe.skipIf(!present)(`RFC 4475 at a registrar${when}`, () => {
  it("has a verdict for each file", () => {
    const names = readdirSync(new URL("rfc4475", FOLDER)).map((name) => name.replace(/\.dat$/, ""));
    expect([...Object.keys(RFC_4475), ...FOR_OTHERS].sort()).toEqual(names.sort());
  });

  it.each(Object.entries(RFC_4475))("%s: %j", async (name, expected) => {
    expect(await answers(file("rfc4475", name))).toEqual(expected);
  });

  it.each(FOR_OTHERS)("%s: one final answer that finds it well formed", async (name) => {
    const [status, ...others] = await answers(file("rfc4475", name));
    expect(others).toEqual([]);
    expect([200, 404, 405, 481]).toContain(status);
  });

  it("one after another at one server", async () => {
    const names = [...Object.keys(RFC_4475), ...FOR_OTHERS];
    const statuses = await answers(...names.map((name) => file("rfc4475", name)));
    expect(statuses.length).toBe(
      names.length - Object.values(RFC_4475).filter(({ length }) => length === 0).length,
    );
  });
});

describe.skipIf(!present)(`RFC 5118 at a registrar${when}`, () => {
  it.each([
    ["ipv6-good", 200],
    ["ipv6-bad", 400],
    ["port-ambiguous", 200],
    ["port-unambiguous", 200],
  ])("%s: %i", async (name, status) => {
    expect(await answers(file("rfc5118-wire", name))).toEqual([status]);
  });
});

describe("requests that are refused before anybody acts on them", () => {
  const text = (via: string, line = "REGISTER sip:example.com SIP/2.0") =>
    `${line}\r\nVia: ${via}\r\nFrom: <sip:a@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: c\r\nCSeq: 1 ${line.split(" ")[0]}\r\nContent-Length: 0\r\n\r\n`;

  it("RFC 4475 §3.1.2.1: a Via of which the sent-by alone can be read is answered 400", async () => {
    expect(await answers(text("SIP/2.0/UDP 192.0.2.15;;,;,,"))).toEqual([400]);
  });

  it("one of which nothing can be read is not answered", async () => {
    expect(await answers(text("nonsense"))).toEqual([]);
  });

  it("RFC 3261 §17: an ACK is never answered", async () => {
    expect(await answers(text("SIP/2.0/UDP 192.0.2.15;;", "ACK sip:example.com SIP/2.0"))).toEqual([]);
  });
});
