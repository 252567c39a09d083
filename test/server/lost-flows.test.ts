import { describe, expect, test } from "vitest";
import type { Endpoint } from "../../src/port/leg.js";
import { type ChainStage, chainStage } from "../support/chain-stage.js";
import { NetworkLeg } from "../support/network.js";
import type { Phone } from "../support/phone.js";

const AOR = "sip:bob@example.com";

/** The network answers what the server sent to this peer with ICMP. */
function icmp(on: ChainStage, peer: Endpoint): void {
  const [udp] = on.chain.dispatcher.legs;
  if (!(udp instanceof NetworkLeg)) throw new Error("no leg of the network in memory");
  udp.icmp(peer);
}

async function stage(regId: 1 | null) {
  const on = await chainStage("");
  const [alice, bob] = [on.phone("alice"), on.phone("bob")];
  register(bob, regId);
  await on.pass(100);
  expect(bob.statuses).toEqual([200]);
  let calls = 0;
  return {
    on,
    alice,
    bob,
    async message(then: () => void = () => {}): Promise<number | undefined> {
      alice.request({ method: "MESSAGE", uri: AOR, callId: `m${++calls}` });
      await on.pass(10);
      then();
      await on.pass(100);
      return alice.statuses.at(-1);
    },
  };
}

const OUTBOUND = '$1;reg-id=1;+sip.instance="<urn:uuid:00000000-0000-1000-8000-00000000000a>"';

function register(phone: Phone, regId: 1 | null, cseq = 1): void {
  const text = phone.write({
    method: "REGISTER",
    uri: "sip:example.com",
    from: AOR,
    to: AOR,
    cseq,
    headers: [{ name: "Supported", value: "path, outbound" }],
  });
  phone.send(regId === null ? text : text.replace(/(Contact: <[^>]*>)/, OUTBOUND));
}

describe("RFC 5626 §7: ICMP says that a UDP flow leads nowhere", () => {
  test("its bindings are not called until something comes over it", async () => {
    const { on, bob, message } = await stage(1);
    // before anything is sent, an ICMP says nothing
    icmp(on, bob.leg.local);
    expect(await message(() => icmp(on, bob.leg.local))).not.toBe(200);
    const asked = bob.requests.length;
    expect(asked).toBe(1);
    expect(await message()).toBe(480);
    expect(bob.requests).toHaveLength(asked);

    bob.onRequest = (request) => bob.reply(request, 200);
    register(bob, 1, 2);
    await on.pass(100);
    expect(await message()).toBe(200);
    await on.chain.close();
  });

  test.each<[string, 1 | null, (bob: Endpoint) => Endpoint]>([
    ["a binding without reg-id", null, (bob) => bob],
    ["another port than the request went to", 1, ({ address, port }) => ({ address, port: port + 1 })],
  ])("%s goes on as before", async (_what, regId, from) => {
    const { on, bob, message } = await stage(regId);
    await message(() => icmp(on, from(bob.leg.local)));
    bob.onRequest = (request) => bob.reply(request, 200);
    expect(await message()).toBe(200);
    await on.chain.close();
  });

  test("nor does one count that comes when a response has", async () => {
    const { on, bob, message } = await stage(1);
    bob.onRequest = (request) => bob.reply(request, 200);
    expect(await message(() => icmp(on, bob.leg.local))).toBe(200);
    expect(await message()).toBe(200);
    await on.chain.close();
  });
});
