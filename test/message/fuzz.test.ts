import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkRequest } from "../../src/message/check.js";
import { parseContacts } from "../../src/message/contact.js";
import { edit } from "../../src/message/edit.js";
import { expiresOf } from "../../src/message/expires.js";
import { Framer } from "../../src/message/framing.js";
import type { MessageLimits } from "../../src/message/limits.js";
import type { SipMessage, SipRequest } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import { answerVia, respond } from "../../src/message/respond.js";
import { equalSipUris, parseSipUri, writeSipUri } from "../../src/message/uri.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { request, requestText } from "./texts.js";

const ROUNDS = 4_000;
const FOLDER = new URL("../../../shared/torture/", import.meta.url);

/** A copy is a little longer than what it was made from. */
const wide: MessageLimits = {
  messageOctets: 1e6,
  headerOctets: 1e6,
  fieldOctets: 1e6,
  fields: 1e4,
  elements: 1e4,
};

const SEEDS: readonly string[] = [
  requestText({
    fields: {
      Contact:
        '"A, B" <sip:a%41@192.0.2.1:5060;transport=tcp?x=y>;q=0.5;expires=60;+sip.instance="<urn:uuid:1>", sip:c@[2001:db8::1]',
      Supported: "path, outbound",
      Expires: "3600",
    },
  }),
  requestText({
    line: "INVITE sips:b;x=%40@[2001:db8::10]:5061;lr SIP/2.0",
    fields: {
      Via: [
        'SIP/2.0/UDP [::1]:5060;rport;branch=z9hG4bK1;x="," , SIP/2.0/TCP h;received=192.0.2.9',
        "SIP / 2.0 / TLS h2",
      ],
      CSeq: "4294967295 INVITE",
      Subject: "one,\r\n two\r\n\tthree",
      Route: "<sip:p1;lr>,<sip:p2;lr>",
      To: 'T\xc3\xb6 <tel:+1-201;phone-context=a>;tag="x\\"y"',
    },
    body: "v=0\r\n\r\n\x00\xff",
  }),
  "SIP/2.0 183 Session \xe2\x82\xac\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nf: <sip:a@h>;tag=1\r\nt: sip:b@h;tag=2\r\ni: c\r\nCSeq: 1 INVITE\r\nl: 3\r\n\r\nabc",
  ...(existsSync(FOLDER)
    ? ["rfc4475", "rfc5118-wire"].flatMap((folder) =>
        readdirSync(new URL(folder, FOLDER)).map((name) =>
          readFileSync(new URL(`${folder}/${name}`, FOLDER), "latin1"),
        ),
      )
    : []),
];

const TOKENS = [
  "\r\n",
  "\r",
  "\n",
  "\r\n\r\n",
  "\r\n ",
  "\t",
  '"',
  "\\",
  "<",
  ">",
  ",",
  ";",
  ":",
  "=",
  "@",
  "?",
  "%",
  "%00",
  "%4",
  "[",
  "]",
  "\x00",
  "\xff",
  "*",
  "0",
  "-1",
  "99999999999999999999",
  "SIP/2.0",
  "Via: ",
  "Content-Length: 5\r\n",
  "l:1\r\n",
  "tag=",
  "::",
] as const;

/** One to four changes: octets changed, taken out, said twice, brought from elsewhere. */
function mutate(text: string, random: () => number): string {
  const pick = (below: number) => Math.floor(random() * below);
  let out = text;
  for (let changes = 1 + pick(4); changes > 0; changes--) {
    const at = pick(out.length + 1);
    const span = pick(12);
    const [head, tail] = [out.slice(0, at), out.slice(at)];
    switch (pick(6)) {
      case 0:
        out = head + String.fromCharCode(pick(256)) + tail.slice(1);
        break;
      case 1:
        out = head + tail.slice(span);
        break;
      case 2:
        out = head + TOKENS[pick(TOKENS.length)]! + tail;
        break;
      case 3:
        out = head + tail.slice(0, span) + tail;
        break;
      case 4:
        out = head + TOKENS[pick(TOKENS.length)]! + tail.slice(span);
        break;
      default: {
        const from = pick(out.length);
        out = head + out.slice(from, from + span * 4) + tail;
      }
    }
  }
  return out.slice(0, 8_000);
}

function fieldNames(message: SipMessage): string[] {
  return Array.from({ length: message.headers.length }, (_, i) => message.headers.nameAt(i));
}

/** A response holds what §8.2.6.2 copies and nothing that the request smuggled in. */
function expectAnswer(message: SipRequest): void {
  const text = respond(message, { address: "192.0.2.7", port: 5060 }, { status: 200, toTag: "t" });
  const parsed = parseMessage(text, wide);
  if (!parsed.ok || parsed.message.kind !== "response")
    throw new Error(`no response: ${JSON.stringify(text)}`);
  const answer = parsed.message;
  const copied = ["from", "to", "call-id", "cseq"].filter((name) => message.headers.has(name));
  const vias = Array<string>(message.headers.count("via")).fill("via");
  expect(fieldNames(answer)).toEqual([...vias, ...copied, "content-length"]);
  expect(answer.callId).toBe(message.callId);
  expect(answer.cseq).toEqual(message.cseq);
  expect(answer.from).toEqual(message.from);
  if (message.to !== undefined && message.toTag === undefined) expect(answer.toTag).toBe("t");
  expect(answer.headers.list("via")?.length).toBe(message.headers.list("via")?.length);
  if (message.via !== undefined) {
    expect(answer.via).toMatchObject({
      host: message.via.host,
      port: message.via.port,
      transport: message.via.transport,
    });
  }
}

/** A copy differs in what was asked for alone. */
function expectCopy(message: SipMessage): void {
  const copy = parseMessage(
    edit(message, { prepend: [{ name: "X-First", value: "1" }], remove: ["via"] }),
    wide,
  );
  if (!copy.ok) throw new Error(`no copy: ${copy.reason}`);
  const stays = fieldNames(message).filter((name) => name !== "via" && name !== "content-length");
  expect(fieldNames(copy.message)).toEqual(["x-first", ...stays, "content-length"]);
  expect(copy.message.body).toBe(message.body);
  for (const name of stays) expect(copy.message.headers.all(name)).toEqual(message.headers.all(name));
}

function exercise(message: SipMessage): void {
  const { headers } = message;
  for (let i = 0; i < headers.length; i++) {
    const value = headers.valueAt(i);
    if (/[\r\n]|^[ \t]|[ \t]$/.test(value))
      throw new Error(`not on one line, or not trimmed: ${JSON.stringify(value)}`);
    headers.list(headers.nameAt(i));
  }
  for (const address of [message.from, message.to]) {
    const uri = address?.sipUri;
    if (uri === undefined) continue;
    expect(parseSipUri(writeSipUri(uri))).toEqual(uri);
    expect(equalSipUris(uri, uri)).toBe(true);
  }
  expiresOf(headers);
  parseContacts(headers);
  headers.optionTags("supported");
}

describe("messages with changes at random", () => {
  it(`${ROUNDS} of them from a seed: nothing is thrown, nothing smuggled in`, () => {
    const random = seededEntropy(20_261_122).unit;
    const outcomes = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const text = mutate(SEEDS[round % SEEDS.length]!, random);
      const parsed = parseMessage(text);
      const message = parsed.ok ? parsed.message : parsed.request;
      const outcome = parsed.ok
        ? message!.kind
        : `refused ${parsed.request === undefined ? "" : "with an answer"}`;
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      if (message === undefined) continue;
      exercise(message);
      if (message.kind === "request") {
        const sound = checkRequest(message, (method) => method !== "NEWMETHOD");
        if (sound.ok) expect(message.via ?? message.cseq).toBeDefined();
        answerVia(message);
        expectAnswer(message);
      }
      if (parsed.ok) expectCopy(message);
    }
    // a fuzzer whose every message is refused at the door proves nothing
    for (const outcome of ["request", "response", "refused ", "refused with an answer"]) {
      expect(outcomes.get(outcome) ?? 0).toBeGreaterThan(ROUNDS / 100);
    }
  });

  it("a stream of them: whatever the framer hands over is as it came, in order", () => {
    const random = seededEntropy(5_626).unit;
    for (let round = 0; round < 500; round++) {
      const stream = Array.from({ length: 3 }, (_, i) =>
        mutate(SEEDS[(round + i) % SEEDS.length]!, random),
      ).join("\r\n\r\n");
      let at = 0;
      const framer = new Framer({
        message(text) {
          at = stream.indexOf(text, at);
          expect(at).toBeGreaterThanOrEqual(0);
          at += text.length;
          const parsed = parseMessage(text);
          if (parsed.ok) expect(text.endsWith(`\r\n\r\n${parsed.message.body}`)).toBe(true);
        },
        ping() {},
        pong() {},
        malformed(text) {
          expect(stream.indexOf(text, at)).toBeGreaterThanOrEqual(0);
        },
      });
      for (let from = 0; from < stream.length; ) {
        const to = from + 1 + Math.floor(random() * 200);
        framer.push(stream.slice(from, to));
        from = to;
      }
    }
  });
});

describe("respond and edit, seen as functions", () => {
  it("an answer of an answer's fields, and a copy of a copy, are the same", () => {
    const message = request(SEEDS[1]!);
    expectAnswer(message);
    const once = edit(message, {});
    expect(edit(request(once), {})).toBe(once);
  });
});
