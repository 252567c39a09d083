import { describe, expect, it } from "vitest";
import { bareHost, branchOf, isVersion2, parseVia, salvageVia, stampVia } from "../../src/message/via.js";

describe("RFC 3261 §20.42, §25.1 via-parm", () => {
  it.each([
    ["SIP/2.0/UDP h;branch=z9hG4bK1", { transport: "UDP", host: "h", port: null }],
    ["SIP/2.0/tcp Example.COM:5070;branch=z9hG4bK1", { transport: "TCP", host: "example.com", port: 5070 }],
    [
      "SIP / 2.0 / UDP\t192.0.2.1 : 5060 ; branch = z9hG4bK1",
      { transport: "UDP", host: "192.0.2.1", port: 5060 },
    ],
    ["sip/2.0/TLS-SCTP [2001:DB8::1]:5061", { transport: "TLS-SCTP", host: "[2001:db8::1]", port: 5061 }],
    ["SIP/2.0/UNKNOWN t5.example.com", { transport: "UNKNOWN", host: "t5.example.com", port: null }],
    [
      "SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56",
      { transport: "WSS", host: "df7jal23ls0d.invalid", port: null },
    ],
    ["SIP/7.0/UDP h", { transport: "UDP", host: "h", port: null }],
    ["SIP/2.0/UDP h;rport", { host: "h" }],
    ["SIP/2.0/UDP h;rport=5061;ttl=16;maddr=224.2.0.1", { host: "h" }],
    // RFC 5118 §4.5: with and without brackets
    ["SIP/2.0/UDP [::1];received=[2001:db8::9:255]", { host: "[::1]" }],
    ["SIP/2.0/UDP [::1];received=2001:db8::9:255", { host: "[::1]" }],
    ["SIP/2.0/UDP h;received=192.0.2.9", { host: "h" }],
  ])("%s", (text, expected) => {
    expect(parseVia(text)).toMatchObject(expected);
  });

  it.each([
    ["", "nothing"],
    ["SIP/2.0/UDP", "no sent-by"],
    ["SIP/2.0/UDP ", "a blank for a sent-by"],
    ["SIP/2.0/UDP ;branch=1", "no host"],
    ["SIP/2.0 h", "no transport"],
    ["SIP/2.0/ h", "an empty transport"],
    ["SIP//UDP h", "an empty version"],
    ["HTTP/1.1/TCP h", "another protocol"],
    ["SIP/2.0/UDPh", "no blank before the host"],
    ["SIP/2.0/UDP h:port", "a port that is no number"],
    ["SIP/2.0/UDP h h2", "two hosts"],
    ["SIP/2.0/UDP 2001:db8::1", "IPv6 without brackets"],
    ["SIP/2.0/UDP h;;,;,,", "empty parameters (RFC 4475 §3.1.2.1)"],
    ["SIP/2.0/UDP h;ttl=256", "a ttl above 255"],
    ["SIP/2.0/UDP h;ttl=x", "a ttl that is no number"],
    ["SIP/2.0/UDP h;rport=65536", "an rport that is no port"],
    ["SIP/2.0/UDP h;received=a_b@c", "a received that is no host"],
    ["SIP/2.0/UDP h;received", "a received without a value"],
    ["SIP/2.0/UDP h;branch=z9hG4bK1;branch=z9hG4bK2", "two branches (§7.3.1)"],
    ["SIP/2.0/UDP h;branch=z9hG4bK1;BRANCH=z9hG4bK1", "two branches in another case, which says the same"],
    ["SIP/2.0/UDP h;rport;branch=z9hG4bK1;rport=5060", "two rports"],
    ["SIP/2.0/UDP h;branch=z9hG4bK1;x=1;y;x=2", "a parameter that nobody knows, twice"],
  ])("%j is refused: %s", (text) => {
    expect(parseVia(text)).toBeUndefined();
  });

  it.each([
    ["SIP/2.0/UDP h", true],
    ["sip/2.0/udp h", true],
    ["SIP / 2.0\t/ UDP h", true],
    ["SIP/3.0/UDP h", false],
    ["SIP/7.0/UDP h", false],
    ["SIP/2.00/UDP h", false],
    ["SIP/12.0/UDP h", false],
  ])("%j says SIP/2.0: %s", (text, expected) => {
    expect(isVersion2(parseVia(text)!)).toBe(expected);
  });

  it("has the branch as it came", () => {
    const branches = ["SIP/2.0/UDP h;branch=z9hG4bKaB", "SIP/2.0/UDP h"].map((text) =>
      branchOf(parseVia(text)!),
    );
    expect(branches).toEqual(["z9hG4bKaB", undefined]);
  });
});

describe("RFC 3261 §18.2.1, RFC 3581 §4: what the receiver adds", () => {
  it.each([
    ["SIP/2.0/UDP 192.0.2.1:5060;branch=b", "SIP/2.0/UDP 192.0.2.1:5060;branch=b"],
    ["SIP/2.0/UDP h:5060;branch=b", "SIP/2.0/UDP h:5060;branch=b;received=192.0.2.1"],
    ["SIP/2.0/UDP 10.0.0.1;branch=b;rport", "SIP/2.0/UDP 10.0.0.1;branch=b;received=192.0.2.1;rport=7000"],
    ["SIP/2.0/UDP 192.0.2.1;rport;branch=b", "SIP/2.0/UDP 192.0.2.1;branch=b;received=192.0.2.1;rport=7000"],
    // what a peer says of itself is not believed
    [
      "SIP/2.0/UDP 192.0.2.1;rport=1;received=10.1.1.1",
      "SIP/2.0/UDP 192.0.2.1;received=192.0.2.1;rport=7000",
    ],
    ["SIP/2.0/UDP 192.0.2.1;received=10.1.1.1;lr", "SIP/2.0/UDP 192.0.2.1;lr"],
    ['SIP / 2.0 / UDP h ;x="a;b"', 'SIP / 2.0 / UDP h;x="a;b";received=192.0.2.1'],
  ])("%s", (text, expected) => {
    expect(stampVia(parseVia(text)!, "192.0.2.1", 7000)).toBe(expected);
  });

  it("writes IPv6 without brackets (RFC 5118 §4.5), and knows an address by any spelling", () => {
    expect(stampVia(parseVia("SIP/2.0/UDP h;rport")!, "2001:db8::9", 7000)).toBe(
      "SIP/2.0/UDP h;received=2001:db8::9;rport=7000",
    );
    expect(stampVia(parseVia("SIP/2.0/UDP [2001:DB8:0::9]")!, "2001:db8::9", 7000)).toBe(
      "SIP/2.0/UDP [2001:DB8:0::9]",
    );
    expect(bareHost("[::1]")).toBe("::1");
    expect(bareHost("h")).toBe("h");
  });
});

describe("RFC 4475 §3.1.2.1: a Via with broken parameters", () => {
  it("still says where to answer", () => {
    expect(salvageVia("SIP/2.0/UDP 192.0.2.15;;,;,,")).toMatchObject({
      transport: "UDP",
      host: "192.0.2.15",
      params: [],
    });
    expect(salvageVia("SIP/2.0/UDP ;branch=1")).toBeUndefined();
  });
});
