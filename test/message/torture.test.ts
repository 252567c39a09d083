import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { checkRequest } from "../../src/message/check.js";
import { type Contacts, parseContacts } from "../../src/message/contact.js";
import type { SipRequest } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import { answerVia } from "../../src/message/respond.js";

/** The messages of RFC 4475 and RFC 5118, byte for byte, where they are at hand. */
const FOLDER = new URL("../../../shared/torture/", import.meta.url);

const METHODS: ReadonlySet<string> = new Set([
  "REGISTER",
  "OPTIONS",
  "INVITE",
  "ACK",
  "CANCEL",
  "BYE",
  "MESSAGE",
]);

/**
 * What becomes of a message: `accept`, an error status, `discard` for a response that is not sound, `drop` for what cannot
 * be answered. `contact` is what a REGISTER's contacts say where that is the point of the test.
 */
function outcome(text: string): string {
  const parsed = parseMessage(text);
  if (!parsed.ok) {
    if (parsed.request === undefined) return text.startsWith("SIP/") ? "discard" : "drop";
    return answerVia(parsed.request) === undefined ? "drop" : String(parsed.status);
  }
  if (parsed.message.kind === "response") return "accept";
  const checked = checkRequest(parsed.message, (method) => METHODS.has(method));
  if (!checked.ok) return answerVia(parsed.message) === undefined ? "drop" : String(checked.status);
  if (parsed.message.method !== "REGISTER") return "accept";
  const contacts = parseContacts(parsed.message.headers);
  return contacts.ok ? "accept" : String(contacts.status);
}

/** Name, RFC 4475 section, and the one outcome that is ours among those the section allows. */
const RFC_4475: readonly (readonly [name: string, section: string, outcome: string])[] = [
  ["wsinv", "3.1.1.1", "accept"],
  ["intmeth", "3.1.1.2", "accept"],
  ["esc01", "3.1.1.3", "accept"],
  ["escnull", "3.1.1.4", "accept"],
  ["esc02", "3.1.1.5", "accept"],
  ["lwsdisp", "3.1.1.6", "accept"],
  ["longreq", "3.1.1.7", "accept"],
  ["dblreq", "3.1.1.8", "accept"],
  ["semiuri", "3.1.1.9", "accept"],
  ["transports", "3.1.1.10", "accept"],
  ["mpart01", "3.1.1.11", "accept"],
  ["unreason", "3.1.1.12", "accept"],
  ["noreason", "3.1.1.13", "accept"],
  ["badinv01", "3.1.2.1", "400"],
  ["clerr", "3.1.2.2", "400"],
  ["ncl", "3.1.2.3", "400"],
  ["scalar02", "3.1.2.4", "400"],
  // well formed but for its numbers: whoever takes responses discards it for want of a CSeq, see below
  ["scalarlg", "3.1.2.5", "accept"],
  ["quotbal", "3.1.2.6", "400"],
  ["ltgtruri", "3.1.2.7", "400"],
  ["lwsruri", "3.1.2.8", "400"],
  ["lwsstart", "3.1.2.9", "400"],
  ["trws", "3.1.2.10", "400"],
  ["escruri", "3.1.2.11", "400"],
  ["baddate", "3.1.2.12", "accept"],
  ["regbadct", "3.1.2.13", "400"],
  ["badaspec", "3.1.2.14", "400"],
  ["baddn", "3.1.2.15", "400"],
  ["badvers", "3.1.2.16", "505"],
  ["mismatch01", "3.1.2.17", "400"],
  ["mismatch02", "3.1.2.18", "501"],
  ["bigcode", "3.1.2.19", "discard"],
  ["badbranch", "3.2.1", "400"],
  ["insuf", "3.3.1", "400"],
  ["unkscm", "3.3.2", "accept"],
  ["novelsc", "3.3.3", "accept"],
  ["unksm2", "3.3.4", "accept"],
  ["bext01", "3.3.5", "accept"],
  ["invut", "3.3.6", "accept"],
  ["regaut01", "3.3.7", "accept"],
  ["multi01", "3.3.8", "400"],
  ["mcl01", "3.3.9", "400"],
  ["bcast", "3.3.10", "accept"],
  ["zeromf", "3.3.11", "accept"],
  ["cparam01", "3.3.12", "accept"],
  ["cparam02", "3.3.13", "accept"],
  ["regescrt", "3.3.14", "accept"],
  ["sdp01", "3.3.15", "accept"],
  ["inv2543", "3.4.1", "accept"],
  // in the archive, in no section: no Via, so there is nowhere to send an answer
  ["test", "none", "drop"],
];

const RFC_5118: readonly (readonly [name: string, section: string, outcome: string])[] = [
  ["ipv6-good", "4.1", "accept"],
  ["ipv6-bad", "4.2", "400"],
  ["port-ambiguous", "4.3", "accept"],
  ["port-unambiguous", "4.4", "accept"],
  ["via-received-param-with-delim", "4.5", "accept"],
  ["via-received-param-no-delim", "4.5", "accept"],
  ["ipv6-in-sdp", "4.6", "accept"],
  ["mult-ip-in-header", "4.7", "accept"],
  ["mult-ip-in-sdp", "4.8", "accept"],
  ["ipv4-mapped-ipv6", "4.9", "accept"],
  ["ipv6-bug-abnf-3-colons", "4.10", "accept"],
  ["ipv6-correct-abnf-2-colons", "4.10", "accept"],
];

const present = existsSync(FOLDER);
const when = present ? "" : " (skipped: ../shared/torture is not here)";

function file(folder: string, name: string): string {
  return readFileSync(new URL(`${folder}/${name}.dat`, FOLDER), "latin1");
}

function names(folder: string): string[] {
  return readdirSync(new URL(folder, FOLDER))
    .map((name) => name.replace(/\.dat$/, ""))
    .sort();
}

function request(folder: string, name: string): SipRequest {
  const parsed = parseMessage(file(folder, name));
  if (!parsed.ok || parsed.message.kind !== "request") throw new Error(`${name} is no request`);
  return parsed.message;
}

function contactUris(contacts: Contacts): string[] {
  return contacts === "*" ? ["*"] : contacts.map(({ address }) => address.uri);
}

function contactsOf(name: string): Contacts {
  const result = parseContacts(request("rfc4475", name).headers);
  if (!result.ok) throw new Error(result.reason);
  return result.value;
}

describe.skipIf(!present)(`RFC 4475 torture messages${when}`, () => {
  it("has a verdict for each file", () => {
    expect(RFC_4475.map(([name]) => name).sort()).toEqual(names("rfc4475"));
  });

  it.each(RFC_4475)("%s (§%s): %s", (name, _, expected) => {
    expect(outcome(file("rfc4475", name))).toBe(expected);
  });

  it("§3.1.1.1 wsinv: folds, blanks and compact forms are read", () => {
    const { headers, to, from, cseq, callId, via } = request("rfc4475", "wsinv");
    expect(to?.uri).toBe("sip:vivekg@chair-dnrc.example.com");
    expect(from?.displayName).toBe('J Rosenberg \\"');
    expect(cseq).toEqual({ sequence: 9, method: "INVITE" });
    expect(callId).toBe("wsinv.ndaksdj@192.0.2.1");
    expect(via).toMatchObject({ transport: "UDP", host: "192.0.2.2" });
    expect(headers.list("via")).toHaveLength(3);
    expect(headers.get("unknownheaderwithunusualvalue")).toBe(";;,,;;,;");
  });

  it("§3.1.1.3 esc01: an escape is undone once", () => {
    const { sipUri, from } = request("rfc4475", "esc01");
    expect(sipUri?.user).toBe("sips%3Auser%40example.com");
    expect(from?.sipUri?.user).toBe("I%20have%20spaces");
  });

  it("§3.1.1.4 escnull: two contacts that differ in a NUL", () => {
    expect(contactUris(contactsOf("escnull"))).toEqual([
      "sip:%00@host5.example.com",
      "sip:%00%00@host5.example.com",
    ]);
  });

  it("§3.1.1.5 esc02: % is no escape in methods, header names and display names", () => {
    const message = request("rfc4475", "esc02");
    expect(message.method).toBe("RE%47IST%45R");
    expect(message.to?.displayName).toBe("%Z%45");
    expect(message.headers.list("contact")).toHaveLength(2);
    expect(message.headers.has("c%6fntact")).toBe(true);
  });

  it("§3.1.1.7 longreq: 34 Vias in all spellings", () => {
    expect(request("rfc4475", "longreq").headers.list("via")).toHaveLength(34);
  });

  it("§3.1.1.8 dblreq: octets behind the body are no part of the message", () => {
    expect(request("rfc4475", "dblreq").body).toBe("");
  });

  it("§3.1.1.9 semiuri: semicolon and escaped @ in a user part", () => {
    expect(request("rfc4475", "semiuri").sipUri).toMatchObject({
      user: "user;par=u%40example.net",
      host: "example.com",
      params: [],
    });
  });

  it("§3.1.1.11 mpart01: the binary part comes through whole", () => {
    const { body, headers } = request("rfc4475", "mpart01");
    expect(body).toHaveLength(Number(headers.get("content-length")));
    expect(body).toContain("\x00");
  });

  it("§3.1.1.12 unreason, §3.1.1.13 noreason: the phrase as it came", () => {
    const unreason = parseMessage(file("rfc4475", "unreason"));
    const noreason = parseMessage(file("rfc4475", "noreason"));
    expect(unreason).toMatchObject({
      ok: true,
      message: { status: 200, reason: expect.stringMatching(/^= 2\*\*3 \* 5\*\*2 /) },
    });
    expect(noreason).toMatchObject({ ok: true, message: { status: 100, reason: "" } });
  });

  it("§3.1.2.5 scalarlg: without a CSeq that can be read no response is taken", () => {
    const parsed = parseMessage(file("rfc4475", "scalarlg"));
    expect(parsed.ok && parsed.message.cseq).toBeUndefined();
  });

  it("§3.3.10 bcast: two Vias, by which a user agent discards it", () => {
    const parsed = parseMessage(file("rfc4475", "bcast"));
    expect(parsed.ok && parsed.message.headers.list("via")).toHaveLength(2);
  });

  it("§3.3.12 to 14 cparam01, cparam02, regescrt: where a contact's parameters belong", () => {
    const [inHeader] = contactsOf("cparam01");
    const [inUri] = contactsOf("cparam02");
    const [escaped] = contactsOf("regescrt");
    expect(inHeader).toMatchObject({
      address: { uri: "sip:+19725552222@gw1.example.net", params: [{ name: "unknownparam" }] },
    });
    expect(inUri).toMatchObject({
      address: { uri: "sip:+19725552222@gw1.example.net;unknownparam", params: [] },
    });
    expect(escaped).toMatchObject({ address: { sipUri: { headers: "Route=%3Csip:sip.example.com%3E" } } });
  });
});

describe.skipIf(!present)(`RFC 5118 torture messages${when}`, () => {
  it("has a verdict for each file", () => {
    expect(RFC_5118.map(([name]) => name).sort()).toEqual(names("rfc5118-wire"));
  });

  it.each(RFC_5118)("%s (§%s): %s", (name, _, expected) => {
    expect(outcome(file("rfc5118-wire", name))).toBe(expected);
  });

  it.each(RFC_5118)("%s as archived, with bare LF for line ends: dropped", (name) => {
    expect(outcome(file("rfc5118", name))).toBe("drop");
  });

  it("§4.3, §4.4: only what is outside the brackets is a port", () => {
    expect(request("rfc5118-wire", "port-ambiguous").sipUri).toMatchObject({
      host: "[2001:db8::10:5070]",
      port: null,
    });
    expect(request("rfc5118-wire", "port-unambiguous").sipUri).toMatchObject({
      host: "[2001:db8::10]",
      port: 5070,
    });
  });

  it("§4.10: the third colon is borne, and not written on", () => {
    const three = request("rfc5118-wire", "ipv6-bug-abnf-3-colons").sipUri;
    expect(three?.host).toBe("[2001:db8::c000:201]");
    expect(three).toEqual(request("rfc5118-wire", "ipv6-correct-abnf-2-colons").sipUri);
  });
});
