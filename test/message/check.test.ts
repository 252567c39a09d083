import { describe, expect, it } from "vitest";
import { checkRequest, maxForwards } from "../../src/message/check.js";
import { type RequestTraits, request } from "./texts.js";

const knows = (method: string) => method === "REGISTER" || method === "OPTIONS";

function verdict(traits: RequestTraits): string {
  const result = checkRequest(request(traits), knows);
  return result.ok ? "sound" : `${result.status} ${result.reason}`;
}

describe("RFC 3261 §8.1.1, RFC 4475 §3: is a request sound?", () => {
  it.each<readonly [string, RequestTraits]>([
    ["as it should be", {}],
    [
      "RFC 4475 §3.4.1, as RFC 2543 had it: no branch, no From tag, no Max-Forwards",
      { fields: { Via: "SIP/2.0/UDP h", From: "<sip:a@h>", "Max-Forwards": null, "Content-Length": null } },
    ],
    [
      "RFC 4475 §3.3.2: a scheme that nobody knows",
      { line: "REGISTER nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0" },
    ],
    [
      "RFC 4475 §3.3.4: To and From of other schemes",
      { fields: { To: "isbn:2983792873", From: "<http://www.example.com>;tag=3" } },
    ],
    [
      "RFC 4475 §3.1.1.2: a Call-ID of odd characters",
      { fields: { "Call-ID": "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{" } },
    ],
    [
      "RFC 4475 §3.1.2.4: a Max-Forwards above 255 alone is for others to ignore",
      { fields: { "Max-Forwards": "300" } },
    ],
    ["RFC 4475 §3.1.2.12: a Date that is no date", { fields: { Date: "Fri, 01 Jan 2010 16:00:00 EST" } }],
    [
      "RFC 4475 §3.3.5: what is required is for others to know",
      { fields: { Require: "nothingSupportsThis, nothingSupportsThisEither" } },
    ],
    ["a required list that is empty", { fields: { Require: "" } }],
    ["the same Content-Length twice", { fields: { "Content-Length": ["0", "0"] } }],
    ["§8.1.1.5 tolerated: a CSeq of 2^31", { fields: { CSeq: "2147483648 REGISTER" } }],
    ["§20.16: a CSeq of 2^32-1", { fields: { CSeq: "4294967295 REGISTER" } }],
    ["a method that nobody knows", { line: "NEWMETHOD sip:a@h SIP/2.0", fields: { CSeq: "1 NEWMETHOD" } }],
  ])("%s: sound", (_, traits) => {
    expect(verdict(traits)).toBe("sound");
  });

  it.each<readonly [string, RequestTraits, string]>([
    ["§8.1.1.7: no Via", { fields: { Via: null } }, "400 Missing Via"],
    [
      "§7.3.1: a Via with two branches",
      { fields: { Via: "SIP/2.0/UDP h;branch=z9hG4bK1;branch=z9hG4bK2" } },
      "400 Malformed Via",
    ],
    [
      "§7.1: a Via of another version than the Request-Line",
      { fields: { Via: "SIP/3.0/UDP h;branch=z9hG4bK1" } },
      "505 Version Not Supported",
    ],
    ["RFC 4475 §3.1.2.1: a broken Via", { fields: { Via: "SIP/2.0/UDP h;;,;,," } }, "400 Malformed Via"],
    [
      "RFC 4475 §3.2.1: the magic cookie and nothing behind it",
      { fields: { Via: "SIP/2.0/UDP h;branch=z9hG4bK" } },
      "400 Via Branch Without A Value",
    ],
    ["RFC 4475 §3.3.1: no From", { fields: { From: null } }, "400 Missing From"],
    [
      "RFC 4475 §3.1.2.15: a broken From",
      { fields: { From: "Bell, A <sip:a@h>;tag=1" } },
      "400 Malformed From",
    ],
    ["RFC 4475 §3.3.1: no To", { fields: { To: null } }, "400 Missing To"],
    [
      "RFC 4475 §3.1.2.6: a quote in To that never closes",
      { fields: { To: '"Mr. J. User <sip:j@h>' } },
      "400 Malformed To",
    ],
    [
      "RFC 4475 §3.1.2.14: blanks within the brackets of To",
      { fields: { To: '"Watson" < sip:w@h >' } },
      "400 Malformed To",
    ],
    [
      "§7.3.1: two tags in From",
      { fields: { From: "<sip:a@h>;tag=1;tag=2" } },
      "400 More Than One Tag In From",
    ],
    ["§7.3.1: two tags in To", { fields: { To: "<sip:a@h>;tag=1;x;TAG=1" } }, "400 More Than One Tag In To"],
    ["RFC 4475 §3.3.1: no Call-ID", { fields: { "Call-ID": null } }, "400 Missing Call-ID"],
    ["an empty Call-ID", { fields: { "Call-ID": "" } }, "400 Missing Call-ID"],
    ["a blank in the Call-ID", { fields: { "Call-ID": "a b" } }, "400 Malformed Call-ID"],
    ["a fold in the Call-ID", { fields: { "Call-ID": "a\r\n b" } }, "400 Malformed Call-ID"],
    ["no CSeq", { fields: { CSeq: null } }, "400 Missing CSeq"],
    ["§20.16: a CSeq one past 2^32-1", { fields: { CSeq: "4294967296 REGISTER" } }, "400 Malformed CSeq"],
    [
      "RFC 4475 §3.1.2.4: a CSeq far past 2^32-1",
      { fields: { CSeq: "36893488147419103232 REGISTER" } },
      "400 Malformed CSeq",
    ],
    [
      "RFC 4475 §3.1.2.17: CSeq of another method",
      { fields: { CSeq: "1 INVITE" } },
      "400 CSeq Method Mismatch",
    ],
    ["§7.1: methods differ by case", { fields: { CSeq: "1 register" } }, "400 CSeq Method Mismatch"],
    [
      "RFC 4475 §3.1.2.18: the same for a method that nobody knows",
      { line: "NEWMETHOD sip:a@h SIP/2.0" },
      "501 Not Implemented",
    ],
    [
      "RFC 4475 §3.1.2.11: headers in the Request-URI",
      { line: "REGISTER sip:h?Route=%3Csip:e%3E SIP/2.0" },
      "400 Malformed Request-URI",
    ],
    [
      "RFC 5118 §4.2: IPv6 without brackets in the Request-URI",
      { line: "REGISTER sip:2001:db8::10 SIP/2.0" },
      "400 Malformed Request-URI",
    ],
    ["a Request-URI without a scheme", { line: "REGISTER example.com SIP/2.0" }, "400 Malformed Request-URI"],
    ["§20.32: a required list that cannot be read", { fields: { Require: "a b" } }, "400 Malformed Require"],
    [
      "a required list with an empty element",
      { fields: { Require: "path,,outbound" } },
      "400 Malformed Require",
    ],
    ["§20.29", { fields: { "Proxy-Require": '"x' } }, "400 Malformed Proxy-Require"],
    ["RFC 4475 §3.3.8: To twice", { fields: { To: ["<sip:a@h>", "<sip:b@h>"] } }, "400 More Than One To"],
    ["From twice, once compact", { fields: { f: "<sip:b@h>;tag=2" } }, "400 More Than One From"],
    ["Call-ID twice", { fields: { i: "c2" } }, "400 More Than One Call-ID"],
    ["CSeq twice", { fields: { CSEQ: "1 REGISTER" } }, "400 More Than One CSeq"],
    ["Max-Forwards twice", { fields: { "Max-Forwards": ["70", "5"] } }, "400 More Than One Max-Forwards"],
    ["Expires twice", { fields: { Expires: ["1", "2"] } }, "400 More Than One Expires"],
  ])("%s: %s", (_, traits, expected) => {
    expect(verdict(traits)).toBe(expected);
  });
});

describe("§20.22 Max-Forwards", () => {
  it.each([
    ["0", 0],
    ["0068", 68],
    ["255", 255],
    ["256", undefined],
    ["-1", undefined],
    ["x", undefined],
    [null, undefined],
  ])("%s", (value, expected) => {
    expect(maxForwards(request({ fields: { "Max-Forwards": value } }))).toBe(expected);
  });
});
