import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Framer, type FrameSink } from "../../src/message/framing.js";
import { DEFAULT_LIMITS, type MessageLimits } from "../../src/message/limits.js";
import { parseMessage } from "../../src/message/parse.js";

/** What a framer told, one text an event: messages as they are, the others by name. */
function recorder(): { readonly events: string[]; readonly sink: FrameSink } {
  const events: string[] = [];
  return {
    events,
    sink: {
      message: (text) => events.push(text),
      ping: () => events.push("<ping>"),
      pong: () => events.push("<pong>"),
      malformed: (text, status, reason) => events.push(`<${status} ${reason}> ${text}`),
    },
  };
}

function frame(chunks: readonly string[], limits: MessageLimits = DEFAULT_LIMITS): string[] {
  const { events, sink } = recorder();
  const framer = new Framer(sink, limits);
  for (const chunk of chunks) framer.push(chunk);
  return events;
}

function octetByOctet(text: string): string[] {
  return text.split("");
}

const REGISTER = [
  "REGISTER sip:example.com SIP/2.0",
  "Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK1",
  "From: <sip:alice@example.com>;tag=1",
  "To: <sip:alice@example.com>",
  "Call-ID: 1@192.0.2.1",
  "CSeq: 1 REGISTER",
  "Content-Length: 0",
  "",
  "",
].join("\r\n");

function message(body: string, lengthLine = `Content-Length: ${body.length}`): string {
  return `MESSAGE sip:b@example.com SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK2\r\n${lengthLine}\r\n\r\n${body}`;
}

const small: MessageLimits = { ...DEFAULT_LIMITS, headerOctets: 200, messageOctets: 400 };

describe("RFC 3261 §18.3: messages in a stream", () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ["one message without a body", REGISTER, [REGISTER]],
    ["two in one segment", REGISTER + message("hello"), [REGISTER, message("hello")]],
    ["a body that looks like a message", message(REGISTER), [message(REGISTER)]],
    ["a body that looks like keep-alives", message("\r\n\r\n\r\n\r\n"), [message("\r\n\r\n\r\n\r\n")]],
    ["octets above 0x7f", message("\xff\x00\x80"), [message("\xff\x00\x80")]],
    ["the compact form", message("ab", "l: 2"), [message("ab", "l: 2")]],
    [
      "another case, blanks before the colon",
      message("ab", "CONTENT-length \t: 2"),
      [message("ab", "CONTENT-length \t: 2")],
    ],
    ["a folded value", message("ab", "Content-Length:\r\n  2"), [message("ab", "Content-Length:\r\n  2")]],
    ["leading zeros", message("ab", "Content-Length: 0002"), [message("ab", "Content-Length: 0002")]],
    [
      "twice the same length",
      message("ab", "Content-Length: 2\r\nl: 2"),
      [message("ab", "Content-Length: 2\r\nl: 2")],
    ],
    [
      "the words in another field's fold are no field",
      message("ab", "Subject: x\r\n Content-Length: 9\r\nl: 2"),
      [message("ab", "Subject: x\r\n Content-Length: 9\r\nl: 2")],
    ],
    [
      "a response",
      message("").replace(/^.*\r\n/, "SIP/2.0 200 OK\r\n"),
      [message("").replace(/^.*\r\n/, "SIP/2.0 200 OK\r\n")],
    ],
    [
      "a version that is not ours: the parser answers 505",
      message("").replace("SIP/2.0", "SIP/7.0"),
      [message("").replace("SIP/2.0", "SIP/7.0")],
    ],
    [
      "no header field but the length",
      "OPTIONS sip:a SIP/2.0\r\nl:0\r\n\r\n",
      ["OPTIONS sip:a SIP/2.0\r\nl:0\r\n\r\n"],
    ],
  ];
  it.each(rows)("%s", (_, wire, expected) => {
    expect(frame([wire])).toEqual(expected);
    expect(frame(octetByOctet(wire))).toEqual(expected);
  });
});

describe("RFC 5626 §3.5.1, §4.4.1 and RFC 3261 §7.5: CRLFs between messages", () => {
  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ["a ping", "\r\n\r\n", ["<pong>", "<ping>"]],
    ["a pong", "\r\n", ["<pong>"]],
    ["two pings in one segment", "\r\n\r\n\r\n\r\n", ["<pong>", "<ping>", "<pong>", "<ping>"]],
    ["a ping, then a message", `\r\n\r\n${REGISTER}`, ["<pong>", "<ping>", REGISTER]],
    ["a CRLF before the start line is ignored", `\r\n${REGISTER}`, ["<pong>", REGISTER]],
    ["a ping between messages", `${REGISTER}\r\n\r\n${REGISTER}`, [REGISTER, "<pong>", "<ping>", REGISTER]],
  ];
  it.each(rows)("%s", (_, wire, expected) => {
    expect(frame([wire])).toEqual(expected);
    expect(frame(octetByOctet(wire))).toEqual(expected);
  });
});

describe("what loses framing", () => {
  const rows: readonly (readonly [string, string, string])[] = [
    ["§18.3: no Content-Length", message("", "Subject: x"), "<400 Missing Content-Length>"],
    [
      "RFC 4475 §3.1.2.3: a negative one",
      message("", "Content-Length: -999"),
      "<400 Malformed Content-Length>",
    ],
    ["one that is no number", message("", "Content-Length: five"), "<400 Malformed Content-Length>"],
    ["one with nothing behind the colon", message("", "Content-Length:"), "<400 Malformed Content-Length>"],
    ["one in hexadecimal", message("", "Content-Length: 0x10"), "<400 Malformed Content-Length>"],
    ["a list of two", message("", "Content-Length: 2, 2"), "<400 Malformed Content-Length>"],
    [
      "RFC 4475 §3.3.9: two that differ",
      message("", "Content-Length: 13\r\nContent-Length: 5"),
      "<400 Conflicting Content-Length>",
    ],
    [
      "two that differ, one of them compact",
      message("", "l: 13\r\nContent-Length: 5"),
      "<400 Conflicting Content-Length>",
    ],
    ["a body past the limit", message("", "Content-Length: 65000000"), "<513 Message Too Large>"],
    ["a length past 2^53", message("", `Content-Length: 1${"0".repeat(100)}`), "<513 Message Too Large>"],
    ["a TLS ClientHello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "<400 Malformed Start Line>"],
    ["an HTTP request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "<400 Malformed Start Line>"],
    ["an HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "<400 Malformed Start Line>"],
    ["an SSH banner", "SSH-2.0-OpenSSH_9.2\r\n", "<400 Malformed Start Line>"],
    ["a lone LF behind the start line", message("").replaceAll("\r\n", "\n"), "<400 Malformed Start Line>"],
    ["a lone LF first", `\n${REGISTER}`, "<400 Malformed Start Line>"],
    ["a CR without its LF", `\r${REGISTER}`, "<400 CR Without LF>"],
  ];
  it.each(rows)("%s", (_, wire, expected) => {
    for (const chunks of [[wire + REGISTER], octetByOctet(wire + REGISTER)]) {
      const events = frame(chunks).filter((event) => event !== "<pong>");
      expect(events).toHaveLength(1);
      expect(events[0]).toMatch(new RegExp(`^${expected}`));
    }
  });

  it("is told with the header part, so that a request can still be answered", () => {
    const [event] = frame([message("abc", "Content-Length: -1")]);
    const parsed = parseMessage(event!.slice(event!.indexOf("> ") + 2));
    expect(parsed).toMatchObject({ ok: false, request: { method: "MESSAGE", via: { host: "h" } } });
  });

  it("is told at the first octet that cannot be SIP", () => {
    expect(frame(["\x16"])).toHaveLength(1);
    expect(frame(["REGI\x00"])).toHaveLength(1);
  });

  it("is told once the header part outgrows its limit, with no more text than that", () => {
    const endless = `OPTIONS sip:a SIP/2.0\r\nSubject: ${"x".repeat(5_000)}`;
    for (const chunks of [[endless], octetByOctet(endless), [`${endless}\r\n\r\n`]]) {
      const events = frame(chunks, small);
      expect(events).toEqual([`<513 Message Too Large> ${endless.slice(0, small.headerOctets)}`]);
    }
  });

  it("holds the limits to the octet", () => {
    const bare = message("", "l:0\r\ns:");
    const fits = message("", `l:0\r\ns:${"x".repeat(small.headerOctets - bare.length)}`);
    expect(frame([fits], small)).toEqual([fits]);
    expect(frame([fits.replace("s:", "s:x")], small)[0]).toMatch(/^<513/);
    const body = "b".repeat(small.messageOctets - message("", "l:300").length);
    const whole = message(body, `l:${body.length}`);
    expect(whole).toHaveLength(small.messageOctets);
    expect(frame([whole], small)).toEqual([whole]);
    expect(frame([message(`${body}b`, `l:${body.length + 1}`)], small)[0]).toMatch(/^<513/);
  });
});

describe("a framer's life", () => {
  it("says whether a message is under way (RFC 4475 §3.1.2.2)", () => {
    const { sink } = recorder();
    const framer = new Framer(sink);
    expect(framer.isPartial).toBe(false);
    // a lone CRLF is a keep-alive of some phones, and begins nothing
    for (let crlf = 0; crlf < 2; crlf++) {
      framer.push("\r\n");
      expect(framer.isPartial).toBe(false);
    }
    framer.push(REGISTER.slice(0, 1));
    expect(framer.isPartial).toBe(true);
    framer.push(REGISTER.slice(1));
    expect(framer.isPartial).toBe(false);
    framer.push(message("hello").slice(0, -1));
    expect(framer.isPartial).toBe(true);
  });

  it("takes nothing behind stop, not even the rest of a chunk", () => {
    const events: string[] = [];
    const framer: Framer = new Framer({
      message(text) {
        events.push(text);
        framer.stop();
      },
      ping: () => events.push("<ping>"),
      pong: () => events.push("<pong>"),
      malformed: () => events.push("<malformed>"),
    });
    framer.push(`${REGISTER}\r\n\r\n${REGISTER}`);
    framer.push(REGISTER);
    expect(events).toEqual([REGISTER]);
    expect(framer.isPartial).toBe(false);
  });
});

describe("properties", () => {
  const line = fc
    .array(fc.constantFrom("a", "c", "l", ":", " ", "\t", "\r\n ", "\r", "\n", "5", "\xe9", ",", "<"), {
      maxLength: 12,
    })
    .map((parts) => `X: ${parts.join("").replace(/\r\n(?! )/g, " ")}.`);
  const sip = fc
    .record({ lines: fc.array(line, { maxLength: 3 }), body: fc.string({ unit: "binary", maxLength: 40 }) })
    .map(({ lines, body }) => {
      const octets = body.replace(/[^\x00-\xff]/g, "?");
      return [`INFO sip:a SIP/2.0`, ...lines, `l: ${octets.length}`, "", octets].join("\r\n");
    });
  const stream = fc
    .array(fc.oneof(sip, fc.constantFrom("\r\n", "\r\n\r\n"), sip), { minLength: 1, maxLength: 6 })
    .map((parts) => parts.join(""));
  const cuts = fc.array(fc.nat({ max: 600 }), { maxLength: 20 });

  function cutAt(text: string, at: readonly number[]): string[] {
    const edges = [0, ...at.map((edge) => edge % (text.length + 1)).sort((a, b) => a - b), text.length];
    return edges.slice(1).map((edge, i) => text.slice(edges[i], edge));
  }

  it("any segmentation gives the same events", () => {
    fc.assert(
      fc.property(stream, cuts, (text, at) => {
        const whole = frame([text]);
        expect(frame(cutAt(text, at))).toEqual(whole);
        expect(frame(octetByOctet(text))).toEqual(whole);
      }),
    );
  });

  it("any segmentation of any octets gives the same events", () => {
    const octets = fc
      .array(
        fc.constantFrom(
          "\r",
          "\n",
          "\r\n",
          "a",
          "INFO sip:a SIP/2.0\r\n",
          "l:1",
          "l: 3\r\n\r\n",
          ":",
          " ",
          "\x00",
        ),
        {
          maxLength: 30,
        },
      )
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(octets, cuts, (text, at) => {
        expect(frame(cutAt(text, at), small)).toEqual(frame([text], small));
      }),
      { numRuns: 500 },
    );
  });

  it("no octet of a stream of messages is lost or invented", () => {
    fc.assert(
      fc.property(fc.array(sip, { minLength: 1, maxLength: 5 }), cuts, (messages, at) => {
        expect(frame(cutAt(messages.join(""), at))).toEqual(messages);
      }),
    );
  });

  it("framer and parser agree where the body ends, so that none can be smuggled", () => {
    const lengthLine = fc.constantFrom(
      "l: 0",
      "L:3",
      "Content-Length : 3",
      "c: 3",
      "content-length:\r\n\t3",
      "X: 1\r\n l: 9",
      "l 3",
      "lx: 3",
    );
    fc.assert(
      fc.property(fc.array(lengthLine, { minLength: 1, maxLength: 4 }), (lines) => {
        const text = `INFO sip:a SIP/2.0\r\n${lines.join("\r\n")}\r\n\r\nabcdefgh`;
        const framed = frame([text]).find((event) => !event.startsWith("<"));
        if (framed === undefined) return;
        const parsed = parseMessage(framed);
        if (parsed.ok) expect(framed.endsWith(`\r\n\r\n${parsed.message.body}`)).toBe(true);
      }),
    );
  });
});
