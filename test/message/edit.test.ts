import { describe, expect, it } from "vitest";
import { edit } from "../../src/message/edit.js";
import { request, response } from "./texts.js";

const TEXT = [
  "INVITE sip:b@h SIP/2.0",
  "v: SIP/2.0/UDP a;branch=1",
  "Max-Forwards: 70",
  "Subject: one,",
  "  two",
  "l:   3",
  "ROUTE: <sip:p;lr>",
  "",
  "\xff\r\n",
].join("\r\n");

describe("a copy with a difference", () => {
  it("is the same but for a Content-Length that is true, when there is none", () => {
    expect(edit(request(TEXT), {})).toBe(
      TEXT.replace("l:   3\r\n", "").replace("\r\n\r\n", "\r\nContent-Length: 3\r\n\r\n"),
    );
  });

  it("has another Request-URI, fields in front and behind, and others gone in every form", () => {
    const text = edit(request(TEXT), {
      uri: "sip:b@192.0.2.1",
      remove: ["max-forwards", "route"],
      prepend: [{ name: "Via", value: "SIP/2.0/UDP p;branch=z9hG4bK2" }],
      append: [{ name: "Max-Forwards", value: "69" }],
    });
    expect(text).toBe(
      [
        "INVITE sip:b@192.0.2.1 SIP/2.0",
        "Via: SIP/2.0/UDP p;branch=z9hG4bK2",
        "v: SIP/2.0/UDP a;branch=1",
        "Subject: one,",
        "  two",
        "Max-Forwards: 69",
        "Content-Length: 3",
        "",
        "\xff\r\n",
      ].join("\r\n"),
    );
  });

  it("of a response keeps its status and phrase", () => {
    const text = "SIP/2.0 180 \xe2\x82\xac\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b\r\n\r\n";
    const copy = edit(response(text), {
      uri: "sip:ignored",
      remove: ["via"],
      append: [{ name: "Via", value: "SIP/2.0/UDP b" }],
    });
    expect(copy).toBe("SIP/2.0 180 \xe2\x82\xac\r\nVia: SIP/2.0/UDP b\r\nContent-Length: 0\r\n\r\n");
  });

  it("leaves off what stood behind the body (RFC 4475 §3.1.1.8)", () => {
    const message = request("OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\nINVITE sip:b SIP/2.0\r\n\r\n");
    expect(edit(message, {})).toBe("OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n");
  });

  it("takes no line break from a URI or a field that a caller hands in", () => {
    const text = edit(request(TEXT), {
      uri: "sip:b@h SIP/2.0\r\nVia: evil",
      prepend: [{ name: "X", value: "a\r\n\r\nevil" }],
      append: [{ name: "Y\nVia", value: "evil\r" }],
    });
    expect(text.split("\r\n").filter((line) => /^v(ia)?:/i.test(line))).toEqual([
      "v: SIP/2.0/UDP a;branch=1",
    ]);
    expect(text.indexOf("\r\n\r\n")).toBe(text.length - "\r\n\r\n\xff\r\n".length);
  });
});
