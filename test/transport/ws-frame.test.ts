import { describe, expect, it } from "vitest";
import { frameFault, isKeepAlive, withoutLeadingLines } from "../../src/transport/ws-frame.js";
import { options } from "./sip.js";

const WHOLE = options("WS h", "c", "body");
const HEADER = WHOLE.slice(0, WHOLE.indexOf("\r\n\r\n") + 4);

describe("one SIP message in each WebSocket message (RFC 7118 §5)", () => {
  it.each([
    ["a whole message", WHOLE],
    ["one without Content-Length: the body ends with the frame", WHOLE.replace("Content-Length: 4\r\n", "")],
    ["one with the compact form", WHOLE.replace("Content-Length: 4", "L : 4")],
    ["blank lines behind it", `${WHOLE}\r\n\r\n`],
    ["a Content-Length that is no number, for the parser to refuse", WHOLE.replace(": 4", ": four")],
    ["names that only begin alike", WHOLE.replace("Content-Length: 4", "Content-Type: 9\r\nLocale: 9")],
    ["a line without a colon", WHOLE.replace("Content-Length: 4", "c\r\nl")],
  ])("fits: %s", (_name, text) => {
    expect(frameFault(text)).toBeUndefined();
  });

  it.each([
    ["two messages", WHOLE + WHOLE, "More Than One Message In A Frame"],
    ["a message and a little more", `${WHOLE}x`, "More Than One Message In A Frame"],
    ["half a body", WHOLE.slice(0, -1), "Half A Message In A Frame"],
    ["a body of no end", WHOLE.replace(": 4", ": 99999999999999999999"), "Half A Message In A Frame"],
    ["half a header", WHOLE.slice(0, 100), "Half A Message In A Frame"],
    ["no SIP", WHOLE.replace(" SIP/2.0\r\n", " HTTP/1.1\r\n"), "Malformed Start Line"],
    ["an empty line of LF alone before it", `\n${WHOLE.replace("SIP/2.0", "")}`, "Malformed Start Line"],
    ["no message at all", "hello", "Half A Message In A Frame"],
  ])("does not: %s", (_name, text, reason) => {
    const fault = frameFault(text);
    expect(fault).toMatchObject({ status: 400, reason });
    expect(text.startsWith(fault!.text)).toBe(true);
  });

  it.each([
    ["none", WHOLE, WHOLE],
    ["one", `\r\n${WHOLE}`, WHOLE],
    ["many", `${"\r\n".repeat(1000)}${WHOLE}`, WHOLE],
    ["no whole one", `\r\r\n${WHOLE}`, `\r\r\n${WHOLE}`],
    ["nothing behind", "\r\n\r\n\r\n", ""],
  ])("empty lines in front are taken off (RFC 3261 §7.5): %s", (_name, text, rest) => {
    expect(withoutLeadingLines(text)).toBe(rest);
  });

  it("hands back the header part for addressing the answer", () => {
    expect(frameFault(WHOLE + WHOLE)?.text).toBe(HEADER);
  });

  it.each([
    ["\r\n\r\n", "ping"],
    ["\r\n", "pong"],
    ["", "pong"],
    ["\r\n\r\n\r\n", undefined],
    [WHOLE, undefined],
  ])("keep-alive %j is %s (RFC 7118 §6)", (text, kind) => {
    expect(isKeepAlive(text)).toBe(kind);
  });
});
