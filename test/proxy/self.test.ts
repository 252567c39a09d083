import { describe, expect, test } from "vitest";
import { parseSipUri, type SipUri } from "../../src/message/uri.js";
import type { Transport } from "../../src/port/leg.js";
import { Self } from "../../src/proxy/self.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { Network, udpFlow } from "../support/network.js";

function uri(text: string): SipUri {
  const parsed = parseSipUri(text);
  if (parsed === undefined) throw new Error(`no URI: ${text}`);
  return parsed;
}

const network = new Network({ clock: manualClock(), entropy: seededEntropy(1) });

function legs(...all: [Transport, string, number][]) {
  return all.map(([transport, address, port]) => network.leg(transport, address, port));
}

const usual = legs(["udp", "192.0.2.1", 5060], ["tls", "192.0.2.1", 5061], ["ws", "2001:db8::1", 8080]);

describe("RFC 3261 §16.5: whose domain it is", () => {
  const self = new Self({
    legs: usual,
    domains: ["Example.COM", "[2001:db8::7]"],
    hosts: ["proxy.example.org"],
  });
  test.each<[string, boolean]>([
    ["sip:a@example.com", true],
    ["sip:a@EXAMPLE.com", true],
    ["sip:a@example.com:5060", true],
    ["sip:a@example.com:5061", true],
    ["sip:a@example.com:8080", true],
    ["sip:a@example.com:9999", false],
    ["sip:a@sub.example.com", false],
    ["sip:a@evilexample.com", false],
    ["sip:a@example.com.evil.net", false],
    ["sip:a@192.0.2.1", true],
    ["sip:a@192.0.2.1:5060", true],
    ["sip:a@192.0.2.1:5062", false],
    ["sip:a@192.0.2.2", false],
    ["sip:a@[::ffff:192.0.2.1]", true],
    ["sip:a@[::ffff:192.0.2.2]", false],
    ["sip:a@[2001:db8::1]:8080", true],
    ["sip:a@[2001:DB8:0:0::1]:8080", true],
    ["sip:a@[2001:db8::7]", true],
    ["sip:a@proxy.example.org", true],
    ["sip:a@proxy.example.org:5060", true],
    ["sip:a@proxy.example.org:5999", false],
  ])("%s: %s", (text, ours) => {
    expect(self.speaksFor(uri(text))).toBe(ours);
  });

  test("without domains every one", () => {
    const all = new Self({ legs: usual });
    expect(all.everyDomain).toBe(true);
    expect(all.speaksFor(uri("sip:a@anything.example"))).toBe(true);
    expect(all.isServer("anything.example", null)).toBe(false);
  });
});

describe("how it names itself", () => {
  test("by the address its leg is bound to", () => {
    const self = new Self({ legs: usual });
    const [udp, tls, ws] = usual as [(typeof usual)[0], (typeof usual)[0], (typeof usual)[0]];
    const flow = udpFlow({ address: "192.0.2.9", port: 1 }, udp.local);
    expect(self.via(udp, flow)).toBe("SIP/2.0/UDP 192.0.2.1:5060");
    expect(self.via(ws, flow)).toBe("SIP/2.0/WS [2001:db8::1]:8080");
    expect(self.routeUri(udp, flow, "u", "sip")).toBe("sip:u@192.0.2.1:5060;lr");
    expect(self.routeUri(tls, flow, "u", "sip")).toBe("sip:u@192.0.2.1:5061;transport=tls;lr");
    expect(self.routeUri(ws, flow, "u", "sips")).toBe("sips:u@[2001:db8::1]:8080;transport=ws;lr");
  });

  test("where a leg listens on every address: by a host of the same family, else by the flow's own address", () => {
    const [any4, any6] = legs(["udp", "0.0.0.0", 5060], ["udp", "::", 5060]) as [
      (typeof usual)[0],
      (typeof usual)[0],
    ];
    const flow = udpFlow({ address: "192.0.2.9", port: 1 }, { address: "203.0.113.5", port: 5060 });
    const named = new Self({ legs: [any4, any6], hosts: ["2001:db8::5", "203.0.113.1"] });
    expect(named.via(any4, flow)).toBe("SIP/2.0/UDP 203.0.113.1:5060");
    expect(named.via(any6, flow)).toBe("SIP/2.0/UDP [2001:db8::5]:5060");
    const connection = { ...flow, isConnection: true };
    const [tcp] = legs(["tcp", "0.0.0.0", 5060]) as [(typeof usual)[0]];
    expect(new Self({ legs: [tcp], hosts: ["203.0.113.1"] }).via(tcp, connection)).toBe(
      "SIP/2.0/TCP 203.0.113.5:5060",
    );
    expect(new Self({ legs: [any4] }).via(any4, flow)).toBe("SIP/2.0/UDP 203.0.113.5:5060");
    expect(new Self({ legs: [any4], hosts: ["sip.example.com"] }).via(any4, flow)).toBe(
      "SIP/2.0/UDP sip.example.com:5060",
    );
  });
});

test("behind a port forwarding: by the advertised host, but for the loopback", () => {
  const [any, local, bound] = legs(
    ["tcp", "0.0.0.0", 5060],
    ["udp", "127.0.0.1", 5060],
    ["udp", "10.0.0.5", 5060],
  ) as [(typeof usual)[0], (typeof usual)[0], (typeof usual)[0]];
  const self = new Self({ legs: [any, local, bound], advertised: "SIP.example.com" });
  const flow = udpFlow({ address: "192.0.2.9", port: 1 }, bound.local);
  expect(self.via(any, flow)).toBe("SIP/2.0/TCP sip.example.com:5060");
  expect(self.via(bound, flow)).toBe("SIP/2.0/UDP sip.example.com:5060");
  expect(self.via(local, flow)).toBe("SIP/2.0/UDP 127.0.0.1:5060");
  expect(self.isServer("sip.example.com", 5060)).toBe(true);
});

describe("which leg reaches an address", () => {
  const all = legs(
    ["udp", "127.0.0.1", 5060],
    ["udp", "192.0.2.1", 5060],
    ["udp", "::1", 5060],
    ["udp", "2001:db8::1", 5060],
    ["tcp", "0.0.0.0", 5060],
  );
  const self = new Self({ legs: all });
  test.each<[Transport, string, string | undefined]>([
    ["udp", "127.0.0.5", "127.0.0.1"],
    ["udp", "198.51.100.1", "192.0.2.1"],
    ["udp", "::1", "::1"],
    ["udp", "2001:db8::9", "2001:db8::1"],
    ["tcp", "127.0.0.1", "0.0.0.0"],
    ["tcp", "198.51.100.1", "0.0.0.0"],
    ["tcp", "2001:db8::9", undefined],
    ["tls", "198.51.100.1", undefined],
  ])("%s to %s: %s", (transport, address, expected) => {
    expect(self.legFor(transport, address, undefined)?.local.address).toBe(expected);
  });

  test("the one it came in on, where that fits", () => {
    const [first, second] = legs(["udp", "192.0.2.1", 5060], ["udp", "192.0.2.1", 5070]) as [
      (typeof usual)[0],
      (typeof usual)[0],
    ];
    const both = new Self({ legs: [first, second] });
    expect(both.legFor("udp", "198.51.100.1", second)).toBe(second);
    expect(both.legFor("udp", "198.51.100.1", undefined)).toBe(first);
  });

  test("a loopback leg alone serves where there is no better one", () => {
    const only = new Self({ legs: legs(["udp", "127.0.0.1", 5060]) });
    expect(only.legFor("udp", "198.51.100.1", undefined)?.local.address).toBe("127.0.0.1");
  });
});
