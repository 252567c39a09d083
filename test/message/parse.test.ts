import { describe, expect, it } from "vitest";
import { DEFAULT_LIMITS, type MessageLimits } from "../../src/message/limits.js";
import { parseMessage } from "../../src/message/parse.js";
import { request, requestText, response } from "./texts.js";

const HEAD = "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\nCSeq: 1 OPTIONS\r\n";

describe("RFC 3261 §7.1 Request-Line", () => {
  it("has method and Request-URI as they came", () => {
    const message = request("RE%47IST%45R sip:A@H;Transport=UDP SIP/2.0\r\n\r\n");
    expect([message.method, message.uri, message.sipUri?.host]).toEqual([
      "RE%47IST%45R",
      "sip:A@H;Transport=UDP",
      "h",
    ]);
  });

  it("takes a URI of any scheme, and does not parse it as ours", () => {
    expect(request(`OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0\r\n${HEAD}\r\n`).sipUri).toBeUndefined();
  });

  it("takes the version in any case", () => {
    expect(request("OPTIONS sip:a sip/2.0\r\n\r\n").uri).toBe("sip:a");
  });

  it.each([
    ["RFC 4475 §3.1.2.7: brackets", "INVITE <sip:a@h> SIP/2.0", 400],
    ["RFC 4475 §3.1.2.8: a blank in the Request-URI", "INVITE sip:a@h; lr SIP/2.0", 400],
    ["RFC 4475 §3.1.2.9: several blanks", "INVITE  sip:a@h  SIP/2.0", 400],
    ["RFC 4475 §3.1.2.10: blanks behind the version", "OPTIONS sip:a@h SIP/2.0  ", 400],
    ["RFC 4475 §3.1.2.16: another version", "OPTIONS sip:a@h SIP/7.0", 505],
    ["another version, of many digits", `OPTIONS sip:a@h SIP/${"9".repeat(50)}.0`, 505],
    ["no Request-URI", "OPTIONS SIP/2.0", 400],
    ["an empty Request-URI", "OPTIONS  SIP/2.0", 400],
    ["a control in the Request-URI", "OPTIONS sip:a\x00b SIP/2.0", 400],
    ["a version that is no number", "OPTIONS sip:a SIP/two", 400],
    ["a Request-URI past the limit of a field", `OPTIONS sip:${"a".repeat(8_192)} SIP/2.0`, 414],
  ])("%s: answered", (_, line, status) => {
    expect(parseMessage(`${line}\r\n${HEAD}\r\n`)).toMatchObject({
      ok: false,
      status,
      request: { via: { host: "h" } },
    });
  });

  it.each([
    ["nothing", ""],
    ["a line without CRLF", "OPTIONS sip:a SIP/2.0"],
    ["bare LF for line ends", `OPTIONS sip:a SIP/2.0\n${HEAD.replaceAll("\r", "")}\n`],
    ["HTTP", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["no version", `INVITE sip:a\r\n${HEAD}\r\n`],
    ["a method that is no token", `"INVITE" sip:a SIP/2.0\r\n${HEAD}\r\n`],
    ["a blank first", ` INVITE sip:a SIP/2.0\r\n${HEAD}\r\n`],
    ["a CRLF first: on a datagram there is no such thing", `\r\nINVITE sip:a SIP/2.0\r\n${HEAD}\r\n`],
    ["a STUN request", "\x00\x01\x00\x00\x21\x12\xa4\x42abcdefghijkl"],
    ["a keep-alive", "\r\n\r\n"],
  ])("%s: not even answered", (_, text) => {
    expect(parseMessage(text)).toMatchObject({ ok: false, request: undefined });
  });
});

describe("§7.2 Status-Line", () => {
  it.each([
    ["SIP/2.0 200 OK", 200, "OK"],
    ["SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe", 200, "= 2**3 * 5**2 \xd0\xbd\xd0\xbe"],
    ["SIP/2.0 100 ", 100, ""],
    ["SIP/2.0 100", 100, ""],
    ["SIP/2.0 699 x", 699, "x"],
  ])("%s", (line, status, reason) => {
    expect(response(`${line}\r\n${HEAD}\r\n`)).toMatchObject({ kind: "response", status, reason });
  });

  it.each([
    "SIP/2.0 099 x",
    "SIP/2.0 700 x",
    "SIP/2.0 4294967301 x",
    "SIP/2.0 2x0 x",
    "SIP/2.0 20 x",
    "SIP/2.0  200 x",
    "SIP/3.0 200 x",
    "SIP/2.0",
  ])("%s: discarded", (line) => {
    expect(parseMessage(`${line}\r\n${HEAD}\r\n`)).toMatchObject({ ok: false, request: undefined });
  });

  it("a response that is malformed further on is discarded (§18.3)", () => {
    expect(parseMessage("SIP/2.0 200 OK\r\nContent-Length: 5\r\n\r\nabc").ok).toBe(false);
    expect(parseMessage("SIP/2.0 200 OK\r\nno colon\r\n\r\n").ok).toBe(false);
    expect(parseMessage("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h\r\n").ok).toBe(false);
  });
});

describe("§7.3 header fields", () => {
  it.each([
    ["no colon", "Subject\r\n", "Malformed Header Field"],
    ["a name that is no token", "Sub ject: x\r\n", "Malformed Header Field"],
    ["no name", ": x\r\n", "Malformed Header Field"],
    [
      "a lone LF, at which others would end the line",
      "Subject: x\nVia: SIP/2.0/UDP evil\r\n",
      "CR Or LF Alone In Header Field",
    ],
    ["a lone CR", "Subject: x\rVia: SIP/2.0/UDP evil\r\n", "CR Or LF Alone In Header Field"],
    ["a lone LF behind folds", "Subject: x\r\n a\r\n b\nc\r\n", "CR Or LF Alone In Header Field"],
    ["LF CR", "Subject: x\n\r\r\n", "CR Or LF Alone In Header Field"],
  ])("%s: 400", (_, lines, reason) => {
    for (const text of [`${HEAD}${lines}`, `${lines}${HEAD}`].map(
      (fields) => `OPTIONS sip:a SIP/2.0\r\n${fields}\r\n`,
    )) {
      // what stands before and behind the broken line is read all the same, so that the answer finds its way
      expect(parseMessage(text)).toMatchObject({
        ok: false,
        status: 400,
        reason,
        request: { via: { host: "h" } },
      });
    }
  });

  it("a fold with nothing before it: 400", () => {
    const parsed = parseMessage(`OPTIONS sip:a SIP/2.0\r\n x\r\n${HEAD}\r\n`);
    expect(parsed).toMatchObject({ ok: false, status: 400, request: { via: { host: "h" } } });
  });

  it.each([
    ["no empty line", `OPTIONS sip:a SIP/2.0\r\n${HEAD}`],
    ["the last line without CRLF", `OPTIONS sip:a SIP/2.0\r\n${HEAD}Subject: x`],
    ["a CR at the end", `OPTIONS sip:a SIP/2.0\r\n${HEAD}\r`],
  ])("%s: 400", (_, text) => {
    expect(parseMessage(text)).toMatchObject({ ok: false, status: 400, request: { via: { host: "h" } } });
  });

  it("takes octets above 0x7f and controls in values as they come", () => {
    const { headers } = request("OPTIONS sip:a SIP/2.0\r\nSubject: \xe2\x82\xac\x00\x07\r\n\r\n");
    expect(headers.get("subject")).toBe("\xe2\x82\xac\x00\x07");
  });
});

describe("§18.3, §20.14: the body of a datagram", () => {
  it.each([
    ["as long as stated", "Content-Length: 3", "abc", "abc"],
    ["octets behind it are no part of it", "Content-Length: 3", "abcINVITE", "abc"],
    ["to the end without a length", "Subject: x", "abc\r\n\x00\xff", "abc\r\n\x00\xff"],
    ["none", "l: 0", "abc", ""],
    ["the same length twice", "l: 2\r\nContent-Length: 02", "abc", "ab"],
  ])("%s", (_, line, octets, expected) => {
    expect(request(`OPTIONS sip:a SIP/2.0\r\n${line}\r\n\r\n${octets}`).body).toBe(expected);
  });

  it.each([
    ["RFC 4475 §3.1.2.2: longer than what came", "Content-Length: 9999"],
    ["RFC 4475 §3.1.2.3: negative", "Content-Length: -999"],
    ["no number", "Content-Length: x"],
    ["empty", "Content-Length:"],
    ["past 2^53", `Content-Length: ${"9".repeat(60)}`],
    ["RFC 4475 §3.3.9: two that differ", "Content-Length: 3\r\nContent-Length: 2"],
    ["one that is no number beside one that is", "Content-Length: 3\r\nl: x"],
  ])("%s: 400", (_, line) => {
    expect(parseMessage(`OPTIONS sip:a SIP/2.0\r\n${HEAD}${line}\r\n\r\nabc`)).toMatchObject({
      ok: false,
      status: 400,
      reason: "Bad Content-Length",
    });
  });
});

describe("limits: refused, never truncated", () => {
  const limits: MessageLimits = {
    messageOctets: 600,
    headerOctets: 400,
    fieldOctets: 100,
    fields: 8,
    elements: 3,
  };

  it.each([
    [
      "a field",
      requestText({ fields: { Subject: "x".repeat(91) } }),
      requestText({ fields: { Subject: "x".repeat(92) } }),
    ],
    [
      "a field with its folds",
      requestText({ fields: { Subject: "x\r\n ".repeat(22) } }),
      requestText({ fields: { Subject: "x\r\n ".repeat(23) } }),
    ],
    [
      "the number of fields",
      requestText({ fields: { Subject: "x" } }),
      requestText({ fields: { Subject: ["x", "y"] } }),
    ],
  ])("%s: 513", (_, fits, tooMuch) => {
    expect(parseMessage(fits, limits)).toMatchObject({ ok: true });
    expect(parseMessage(tooMuch, limits)).toMatchObject({
      ok: false,
      status: 513,
      request: { via: { host: "192.0.2.1" } },
    });
  });

  describe.each(["Via", "Contact", "Route", "Record-Route", "Path"])("elements of %s", (name) => {
    const element = name === "Via" ? "SIP/2.0/UDP 192.0.2.1" : "<sip:a,b@h>";
    const few: MessageLimits = { ...DEFAULT_LIMITS, elements: 3 };
    const parsed = (...values: readonly string[]) =>
      parseMessage(requestText({ fields: { [name]: values } }), few);

    it.each([
      ["on lines of their own", [element, element, element], element],
      ["on one line", [`${element}, ${element},${element}`], element],
      ["on lines and within them", [`${element},${element}`, element], element],
      ["and commas in quotes and brackets", [`${element};x="a,b", ${element}`, `${element};x=",,"`], element],
    ])("%s: 513 beyond the limit", (_, most, oneMore) => {
      expect(parsed(...most)).toMatchObject({ ok: true });
      expect(parsed(...most, oneMore)).toMatchObject({
        ok: false,
        status: 513,
        request: { method: "REGISTER" },
      });
      expect(parsed(...most.slice(0, -1), `${most.at(-1)}, ${oneMore}`)).toMatchObject({
        ok: false,
        status: 513,
      });
    });
  });

  it("elements: each list for itself, by the limit that is set, and no field that is no list", () => {
    const fields = {
      Via: Array.from({ length: 80 }, (_, i) => `SIP/2.0/UDP s${i}`),
      Contact: Array.from({ length: 80 }, (_, i) => `<sip:${i}@h>`).join(","),
      Subject: ",".repeat(200),
    };
    expect(parseMessage(requestText({ fields }))).toMatchObject({ ok: true });
    const more = requestText({ fields: { Contact: Array.from({ length: 150 }, (_, i) => `<sip:${i}@h>`) } });
    expect(parseMessage(more)).toMatchObject({ ok: false, status: 513 });
    const parsed = parseMessage(more, { ...DEFAULT_LIMITS, elements: 150 });
    expect(parsed.ok && parsed.message.headers.list("contact")).toHaveLength(150);
  });

  it("a response with too many Vias is none to act on", () => {
    const text = (vias: number) =>
      `SIP/2.0 200 OK\r\n${"Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n".repeat(vias)}\r\n`;
    expect(parseMessage(text(100))).toMatchObject({ ok: true });
    expect(parseMessage(text(101))).toMatchObject({ ok: false, request: undefined });
  });

  it("the header part: 513, to the octet", () => {
    const text = requestText({ fields: { a: "x".repeat(90), b: "x" } });
    const octets = text.length;
    expect(parseMessage(text, { ...DEFAULT_LIMITS, headerOctets: octets })).toMatchObject({ ok: true });
    expect(parseMessage(text, { ...DEFAULT_LIMITS, headerOctets: octets - 1 })).toMatchObject({
      ok: false,
      status: 513,
    });
  });

  it("the message: not even looked at", () => {
    const body = "x".repeat(600 - requestText().length - 2);
    expect(requestText({ body })).toHaveLength(600);
    expect(parseMessage(requestText({ body }), limits)).toMatchObject({ ok: true });
    expect(parseMessage(requestText({ body: `${body}x` }), limits)).toEqual({
      ok: false,
      status: 513,
      reason: "Message Too Large",
      request: undefined,
    });
  });

  it("by default fit what RFC 4475 §3.1.1.7 sends", () => {
    const fields = {
      "Unknown-LongLongLong": "x".repeat(4_000),
      Via: Array.from({ length: 34 }, (_, i) => `SIP/2.0/TCP s${i};branch=z9hG4bK${i}`),
    };
    expect(parseMessage(requestText({ fields }))).toMatchObject({ ok: true });
    expect(DEFAULT_LIMITS.messageOctets).toBe(65_535);
  });
});

describe("fields that every element reads", () => {
  it("are parsed from whatever form they came in", () => {
    const message = request(
      "OPTIONS sip:a SIP/2.0\r\nv: SIP/2.0/UDP a , SIP/2.0/UDP b\r\nf: <sip:f@h>;tag=F\r\nt: sip:t@h;TAG=T\r\ni: c\r\nCSEQ: 0009\tOPTIONS\r\n\r\n",
    );
    expect(message.via?.host).toBe("a");
    expect([message.fromTag, message.toTag, message.callId]).toEqual(["F", "T", "c"]);
    expect(message.cseq).toEqual({ sequence: 9, method: "OPTIONS" });
  });

  it("are undefined, or an empty Call-ID, when they are not there", () => {
    const message = request("OPTIONS sip:a SIP/2.0\r\n\r\n");
    expect([message.via, message.from, message.to, message.cseq, message.toTag, message.callId]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      "",
    ]);
  });

  it.each([
    ["4294967295 INVITE", { sequence: 4_294_967_295, method: "INVITE" }],
    ["0 INVITE", { sequence: 0, method: "INVITE" }],
    ["1 IN%56ITE", { sequence: 1, method: "IN%56ITE" }],
    ["4294967296 INVITE", undefined],
    ["36893488147419103232 INVITE", undefined],
    ["-1 INVITE", undefined],
    ["1INVITE", undefined],
    ["1", undefined],
    ["1 ", undefined],
    ["INVITE 1", undefined],
    ["1 INVITE x", undefined],
    ["", undefined],
  ])("§20.16 CSeq %j", (value, expected) => {
    expect(request({ fields: { CSeq: value } }).cseq).toEqual(expected);
  });
});
