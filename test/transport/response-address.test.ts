import { describe, expect, it } from "vitest";
import { parseVia } from "../../src/message/via.js";
import { responseAddress } from "../../src/transport/response-address.js";

const V4 = { address: "192.0.2.4", port: 61_002 };
const V6 = { address: "2001:db8::4", port: 61_002 };

describe("where a response over UDP goes", () => {
  it.each([
    // RFC 3581 §4
    ["rport without a value: the source", "bob.example.com:5060;rport", V4, "192.0.2.4:61002"],
    ["rport that came filled in is not believed", "bob.example.com;rport=9", V4, "192.0.2.4:61002"],
    ["rport over IPv6", "[2001:db8::9]:5070;rport", V6, "2001:db8::4:61002"],
    // RFC 3261 §18.2.2, third bullet
    ["no rport: source address, port of the sent-by", "192.0.2.4:5070", V4, "192.0.2.4:5070"],
    ["no rport, no port: 5060", "192.0.2.4", V4, "192.0.2.4:5060"],
    ["sent-by of another address: the source all the same", "10.0.0.1:5070", V4, "192.0.2.4:5070"],
    ["sent-by with a name: the source all the same", "bob.example.com", V4, "192.0.2.4:5060"],
    ["received that came filled in is not believed", "h;received=203.0.113.9", V4, "192.0.2.4:5060"],
    ["no rport over IPv6", "[2001:db8::4]:5070", V6, "2001:db8::4:5070"],
    // second bullet
    ["maddr and the port of the sent-by", "h:5070;maddr=192.0.2.99", V4, "192.0.2.99:5070"],
    ["maddr without a port: 5060", "h;maddr=192.0.2.99", V4, "192.0.2.99:5060"],
    ["maddr before rport", "h:5070;rport;maddr=192.0.2.99", V4, "192.0.2.99:5070"],
    ["maddr over IPv6", "h;maddr=[2001:db8::99]", V6, "2001:db8::99:5060"],
    ["maddr of the other family is out of reach", "h:5070;rport;maddr=[2001:db8::99]", V4, "192.0.2.4:61002"],
    ["maddr that is a name is no address", "h:5070;maddr=mc.example.com", V4, "192.0.2.4:5070"],
    ["multicast with TTL 1", "h;maddr=239.255.255.1", V4, "239.255.255.1:5060 ttl 1"],
    ["multicast with the TTL of the Via", "h;ttl=16;maddr=224.2.0.1", V4, "224.2.0.1:5060 ttl 16"],
    ["multicast over IPv6", "h;maddr=[ff02::1];ttl=3", V6, "ff02::1:5060 ttl 3"],
    ["ttl says nothing of a unicast address", "h;maddr=192.0.2.99;ttl=16", V4, "192.0.2.99:5060"],
  ])("%s", (_name, sentBy, source, expected) => {
    const via = parseVia(`SIP/2.0/UDP ${sentBy};branch=z9hG4bKx`);
    const { address, port, ttl } = responseAddress(via!, source);
    expect(`${address}:${port}${ttl === undefined ? "" : ` ttl ${ttl}`}`).toBe(expected);
  });
});
