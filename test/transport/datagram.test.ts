import { describe, expect, it } from "vitest";
import { addressOctets } from "../../src/transport/address.js";
import { datagramKind, messageText } from "../../src/transport/datagram.js";
import { UdpFlow } from "../../src/transport/udp-flow.js";

describe("a datagram on the SIP port", () => {
  it.each([
    ["", "keep-alive"],
    ["\r\n", "keep-alive"],
    ["\r\n\r\n", "keep-alive"],
    ["    ", "keep-alive"],
    // RFC 5626 §8: the first octet of a STUN Binding message is 0 or 1
    ["\0\x01\0\0", "stun"],
    ["\x01\x01\0\0", "stun"],
    ["REGISTER sip:example.com SIP/2.0\r\n", "message"],
    // RFC 3261 §7.5
    ["\r\n\r\nREGISTER sip:example.com SIP/2.0\r\n", "message"],
    ["\xff\xfe", "message"],
  ])("%j is %s", (text, kind) => {
    const octets = Buffer.from(`padding${text}padding`, "latin1");
    expect(datagramKind(octets, 7, 7 + text.length)).toBe(kind);
  });

  it("is read from its own place, without blank lines before the start line, every octet kept", () => {
    const octets = Buffer.from("xx\r\n\r\nOPTIONS \xe9\xffyy", "latin1");
    expect(messageText(octets, 2, octets.length - 2)).toBe("OPTIONS \xe9\xff");
  });
});

describe("a UDP flow", () => {
  it("is named by the peer's address alone, so that the name holds after a restart", () => {
    const local = { address: "127.0.0.1", port: 5060 };
    const flow = new UdpFlow("192.0.2.7", 5070, local);
    expect(flow.token).toBe("udp:192.0.2.7:5070");
    expect(flow).toMatchObject({
      transport: "udp",
      isConnection: false,
      alive: true,
      peerIdentity: null,
      local,
    });
  });
});

describe("octets of an address", () => {
  it.each([
    ["192.0.2.1", "c0000201"],
    ["::", "00".repeat(16)],
    ["::1", `${"00".repeat(15)}01`],
    ["2001:db8::", `20010db8${"00".repeat(12)}`],
    ["2001:db8::8:800:200c:417a", "20010db80000000000080800200c417a"],
    ["fe80::1%eth0", `fe80${"00".repeat(13)}01`],
    ["::ffff:192.0.2.1", `${"00".repeat(10)}ffffc0000201`],
    ["example.com", undefined],
    ["192.0.2.256", undefined],
  ])("%s", (text, hex) => {
    const octets = addressOctets(text);
    expect(octets === undefined ? undefined : Buffer.from(octets).toString("hex")).toBe(hex);
  });
});
