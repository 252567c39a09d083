import type { NetworkInterfaceInfo } from "node:os";
import { expect, test } from "vitest";
import { ownHosts } from "../../src/server/own-hosts.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { Network } from "../support/network.js";

function info(address: string, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask: "", mac: "", cidr: null, internal };
  return address.includes(":") ? { ...common, family: "IPv6", scopeid: 0 } : { ...common, family: "IPv4" };
}

const INTERFACES = {
  lo: [info("127.0.0.1", true), info("::1", true)],
  eth0: [info("169.254.7.7"), info("192.0.2.1"), info("FE80::1"), info("2001:DB8::1")],
};
const network = new Network({ clock: manualClock(), entropy: seededEntropy(1) });

test.each(["0.0.0.0", "::"])(
  "a leg on %s has every address of the machine, those of use to others first",
  (address) => {
    const legs = [network.leg("udp", "192.0.2.1", 5060), network.leg("tcp", address, 5060)];
    expect(ownHosts(legs, INTERFACES)).toEqual([
      "192.0.2.1",
      "2001:db8::1",
      "169.254.7.7",
      "fe80::1",
      "127.0.0.1",
      "::1",
    ]);
  },
);

test("legs with addresses of their own need none", () => {
  expect(ownHosts([network.leg("udp", "127.0.0.1", 5060)], INTERFACES)).toEqual([]);
});
