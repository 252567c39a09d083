import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import type { Delivery, Draft } from "../../src/proxy/deliver.js";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

const DRAFT: Draft = {
  method: "MESSAGE",
  headers: [
    { name: "From", value: "<sip:example.com>;tag=f" },
    { name: "To", value: "<sip:bob@example.com>" },
    { name: "Call-ID", value: "d1" },
    { name: "CSeq", value: "7 MESSAGE" },
  ],
  body: "hello",
};

async function bindingOf(on: Stage, phone: Phone, difference: Partial<Binding> = {}): Promise<Binding> {
  on.bind("bob", phone, difference);
  return (await on.store.read("sip:bob@example.com")).at(-1) as Binding;
}

/** Starts a delivery and gives back where its outcome will be. */
function deliver(on: Stage, binding: Binding): { outcome: Delivery | undefined } {
  const result: { outcome: Delivery | undefined } = { outcome: undefined };
  void on.proxy.deliver(DRAFT, binding).then((outcome) => {
    result.outcome = outcome;
  });
  return result;
}

describe("a request of our own reaches a contact", () => {
  test("at its address, whole and with its final response", async () => {
    const on = await stage();
    const bob = on.phone("bob");
    const result = deliver(on, await bindingOf(on, bob));
    await on.pass(10);
    const request = bob.lastRequest("MESSAGE");
    expect(request.text.replace(/branch=[^;]+/, "branch=B")).toBe(
      [
        `MESSAGE ${bob.contact} SIP/2.0`,
        "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=B;rport",
        "Max-Forwards: 70",
        "From: <sip:example.com>;tag=f",
        "To: <sip:bob@example.com>",
        "Call-ID: d1",
        "CSeq: 7 MESSAGE",
        "Content-Length: 5",
        "",
        "hello",
      ].join("\r\n"),
    );
    bob.reply(request, 404);
    await on.pass(10);
    expect(result.outcome).toMatchObject({ kind: "delivered", response: { status: 404 } });
  });

  test("over its connection", async () => {
    const on = await stage();
    const bob = on.phone("bob", "ws");
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    const binding = await bindingOf(on, bob, { uri: "sip:x@y.invalid", flow: bob.serverFlow });
    const result = deliver(on, binding);
    await on.pass(10);
    expect(bob.lastRequest("MESSAGE").uri).toBe("sip:x@y.invalid");
    bob.reply(bob.lastRequest("MESSAGE"), 200);
    await on.pass(10);
    expect(result.outcome?.kind).toBe("delivered");
    bob.hangUp();
    expect(await on.proxy.deliver(DRAFT, binding)).toEqual({ kind: "flow-dead" });
  });

  test("through its Path", async () => {
    const on = await stage();
    const edge = on.phone("edge");
    const path = [`<sip:t@${edge.address};lr>`];
    deliver(on, await bindingOf(on, edge, { uri: "sip:bob@10.0.0.1", path }));
    await on.pass(10);
    expect(edge.lastRequest("MESSAGE").headers.all("route")).toEqual(path);
  });
});

describe("the outcome is a value", () => {
  test("a connection that closes while we wait: flow-dead", async () => {
    const on = await stage();
    const bob = on.phone("bob", "tcp");
    await bob.connect();
    bob.request({ method: "OPTIONS", uri: "sip:192.0.2.1" });
    await on.pass(10);
    const result = deliver(on, await bindingOf(on, bob, { flow: bob.serverFlow }));
    await on.pass(10);
    bob.hangUp();
    await on.pass(10);
    expect(result.outcome).toEqual({ kind: "flow-dead" });
  });

  test("nobody answers: unreachable with 408, 32 s later", async () => {
    const on = await stage();
    const bob = on.phone("bob");
    const result = deliver(on, await bindingOf(on, bob));
    await on.pass(31_900);
    expect(result.outcome).toBeUndefined();
    await on.pass(200);
    expect(result.outcome).toMatchObject({ kind: "unreachable", rejection: { status: 408 } });
  });

  test.each<[string, Partial<Binding>]>([
    ["a contact that is no SIP URI", { uri: "tel:1" }],
    ["nobody listens", { uri: "sip:bob@192.0.2.99;transport=tcp", received: "udp:192.0.2.99:5060" }],
    [".invalid without a connection", { uri: "sip:x@y.invalid", received: "ws:192.0.2.9:9" }],
  ])("%s: unreachable at once", async (_what, difference) => {
    const on = await stage();
    const result = deliver(on, await bindingOf(on, on.phone("bob"), difference));
    await on.pass(10);
    expect(result.outcome?.kind).toBe("unreachable");
  });
});
