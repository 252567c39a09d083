import { describe, expect, it } from "vitest";
import { checkRequest } from "../../src/message/check.js";
import { parseContacts } from "../../src/message/contact.js";
import { edit } from "../../src/message/edit.js";
import { Framer } from "../../src/message/framing.js";
import type { MessageLimits } from "../../src/message/limits.js";
import type { SipRequest } from "../../src/message/message.js";
import { parseNameAddr } from "../../src/message/name-addr.js";
import { parseMessage } from "../../src/message/parse.js";
import { answerVia, respond } from "../../src/message/respond.js";
import { equalSipUris, parseSipUri } from "../../src/message/uri.js";
import { octetsRead } from "./octets.js";

/** No limit stands in the way of what would be slow. */
const unlimited: MessageLimits = {
  messageOctets: 1e9,
  headerOctets: 1e9,
  fieldOctets: 1e9,
  fields: 1e9,
  elements: 1e9,
};

function all(request: SipRequest): void {
  checkRequest(request, () => true);
  parseContacts(request.headers);
  for (const name of ["via", "contact", "route", "subject"]) {
    request.headers.list(name, unlimited.elements);
    request.headers.all(name);
  }
  request.headers.optionTags("supported");
  answerVia(request);
  respond(request, { address: "192.0.2.1", port: 5060 }, { status: 400, toTag: "t" });
  edit(request, { remove: ["via"] });
}

function through(text: string): void {
  const parsed = parseMessage(text, unlimited);
  const message = parsed.ok ? parsed.message : parsed.request;
  if (message?.kind === "request") all(message);
}

const LINE = "OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\n";

/** Header lines that go on until there are `size` octets of them. */
function lines(size: number, unit: string): string {
  return `${LINE}${unit.repeat(size / unit.length)}\r\n`;
}

/** One header field with a value of `size` octets. */
function field(name: string, size: number, unit: string, end = ""): string {
  return `${LINE}${name}: ${unit.repeat(size / unit.length)}${end}\r\n\r\n`;
}

describe("what is read grows with what was sent, not with its square", () => {
  const rows: readonly (readonly [string, (size: number) => string])[] = [
    ["one line without an end", (size) => `${LINE}${"a".repeat(size)}`],
    ["lines without a colon", (size) => lines(size, "c\r\n")],
    ["lines that could be a Content-Length", (size) => lines(size, "content-length\r\n")],
    ["many fields", (size) => lines(size, "a:\r\n")],
    ["many Vias", (size) => lines(size, "v:SIP/2.0/UDP h\r\n")],
    ["many Content-Lengths", (size) => lines(size, "l:0\r\n")],
    ["many To", (size) => lines(size, "t:sip:a\r\n")],
    ["folds", (size) => lines(size, " \r\n")],
    ["folds before a lone LF", (size) => `${LINE}s:${"\r\n ".repeat(size / 3)}\n\r\n\r\n`],
    ["lone CRs", (size) => lines(size, "s:\r\r")],
    ["lone LFs", (size) => lines(size, "s:\n\n")],
    ["blanks before a colon", (size) => `${LINE}s${" ".repeat(size)}:\r\n\r\n`],
    ["blanks in a value", (size) => field("s", size, " ", "x")],
    ["a long method", (size) => `${"A".repeat(size)} sip:a SIP/2.0\r\n\r\n`],
    [
      "a long Request-URI",
      (size) => `OPTIONS sip:${"a;".repeat(size / 2)}@h SIP/2.0\r\n${LINE.slice(23)}\r\n`,
    ],
    ["blanks in the Request-Line", (size) => `OPTIONS${" ".repeat(size)}SIP/2.0\r\n${LINE.slice(23)}\r\n`],
    ["quotes that never close", (size) => field("m", size, '"\\')],
    ["quotes that open and close", (size) => field("m", size, '"",')],
    ["backslashes before a quote", (size) => field("m", size, "\\", '"')],
    ["escaped quotes", (size) => field("m", size, '\\"')],
    ["brackets that never close", (size) => field("m", size, "<")],
    ["commas", (size) => field("m", size, ",")],
    ["contacts", (size) => field("m", size, "<sip:a@h>,", "*")],
    ["a display name", (size) => field("t", size, "a ", "<sip:a@h>")],
    ["a quoted display name", (size) => field("t", size, "\\x", '" <sip:a@h>')],
    ["parameters", (size) => field("t", size, ";a")],
    ["a parameter value", (size) => field("t", size, "a", ";q=")],
    ["Via parameters", (size) => field("v", size, ";a")],
    ["slashes in a Via", (size) => field("v", size, " /")],
    ["option tags", (size) => field("k", size, "a,")],
    ["colons in a host", (size) => field("t", size, ":", "]")],
    ["escapes", (size) => field("t", size, "%41", "@h")],
  ];
  it.each(rows)("%s", (_, make) => {
    const small = octetsRead(() => through(make(6_000)));
    const large = octetsRead(() => through(make(48_000)));
    // eight times the octets: linear work is eight times as much and some that does not grow
    expect(large).toBeLessThan(small * 8.5 + 1_000);
    expect(large / 48_000).toBeLessThan(60);
  });

  it.each(rows)("%s, octet by octet through the framer", (_, make) => {
    const framed = (text: string) => {
      const framer = new Framer({ message() {}, ping() {}, pong() {}, malformed() {} }, unlimited);
      const octets = text.split("");
      return octetsRead(() => {
        for (const octet of octets) framer.push(octet);
      });
    };
    const small = framed(make(6_000));
    const large = framed(make(48_000));
    expect(large).toBeLessThan(small * 8.5 + 1_000);
    expect(large / 48_000).toBeLessThan(60);
  });
});

describe("within the limits nothing costs much", () => {
  it("comparison of URIs with as many parameters as can be", () => {
    const many = (name: string) =>
      parseSipUri(`sip:h${Array.from({ length: 100 }, (_, i) => `;${name}${i}=%41`).join("")}`)!;
    expect(octetsRead(() => equalSipUris(many("a"), many("b")))).toBeLessThan(20_000);
    expect(octetsRead(() => equalSipUris(many("a"), many("a")))).toBeLessThan(50_000);
  });

  it("parameters beyond their number are refused, not read", () => {
    expect(octetsRead(() => parseNameAddr(`<sip:a@h>${";a=b".repeat(10_000)}`))).toBeLessThan(2_000);
  });
});
