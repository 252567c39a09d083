import { describe, expect, test } from "vitest";
import { parseSipUri } from "../../src/message/uri.js";
import { Outgoing, type OutgoingOptions } from "../../src/proxy/outgoing.js";
import { StatefulProxy } from "../../src/proxy/stateful-proxy.js";
import { StatelessProxy } from "../../src/proxy/stateless-proxy.js";
import { callerRoutes } from "../support/phone.js";
import { stage } from "../support/proxy-stage.js";

const EDGE = "192.0.2.2:5060";

/** A stage with an edge proxy at 192.0.2.2, alice who may call out, and bob of our own domain. */
async function cast(proxy: OutgoingOptions) {
  const on = await stage({
    identified: ["alice"],
    proxy: {
      resolve: () => ({ ok: false, status: 404, reason: "must not be asked", headers: [] }),
      ...proxy,
    },
  });
  const [edge, alice, bob] = [on.phone("edge"), on.phone("alice"), on.phone("bob")];
  on.bind("bob", bob);
  return { on, edge, alice, bob };
}

describe("RFC 3261 §16.6 step 6: a policy sends what leaves by way of a proxy", () => {
  test("outgoingProxy: its Route goes on top, the Request-URI stays", async () => {
    const { on, edge, alice } = await cast({ outgoingProxy: `sip:${EDGE}` });
    const far = "<sip:far.example.net;lr>";
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    alice.request({ method: "MESSAGE", uri: "sip:y@example.net", routes: [far] });
    await on.pass(10);
    expect(edge.lastRequest("INVITE").uri).toBe("sip:x@example.net");
    expect(edge.lastRequest("INVITE").headers.all("route")).toEqual([`<sip:${EDGE};lr>`]);
    expect(edge.lastRequest("MESSAGE").headers.all("route")).toEqual([`<sip:${EDGE};lr>`, far]);
  });

  test("a proxy that stands in Route already is not put in twice", async () => {
    const { on, edge, alice } = await cast({ outgoingProxy: `sip:${EDGE};lr` });
    const own = `<sip:${EDGE};lr;token=7>`;
    alice.request({ method: "MESSAGE", uri: "sip:x@example.net", routes: [own] });
    await on.pass(10);
    expect(edge.lastRequest("MESSAGE").headers.all("route")).toEqual([own]);
  });

  test("our own users are called without it", async () => {
    const { on, edge, alice, bob } = await cast({ outgoingProxy: `sip:${EDGE}` });
    alice.request({ method: "INVITE", uri: "sip:bob@example.com" });
    await on.pass(10);
    expect(bob.lastRequest("INVITE").headers.has("route")).toBe(false);
    expect(edge.requests).toEqual([]);
  });

  test("it makes nobody trusted: a stranger gets 403", async () => {
    const { on, edge } = await cast({ outgoingProxy: `sip:${EDGE}` });
    const stranger = on.phone("stranger");
    stranger.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(10);
    expect(stranger.statuses).toEqual([403]);
    expect(edge.requests).toEqual([]);
  });

  test("what follows in the dialog goes the same way", async () => {
    const { on, edge, alice } = await cast({ outgoingProxy: `sip:${EDGE};transport=udp` });
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(10);
    edge.reply(edge.lastRequest("INVITE"), 200, { contact: "sip:x@198.51.100.9" });
    await on.pass(10);
    const answer = alice.lastResponse();
    const dialog = { to: answer.headers.get("to") ?? "", routes: callerRoutes(answer) };
    alice.request({ method: "ACK", uri: "sip:x@198.51.100.9", ...dialog });
    alice.request({ method: "BYE", uri: "sip:x@198.51.100.9", cseq: 2, ...dialog });
    await on.pass(10);
    expect(edge.requests.map(({ method }) => method)).toEqual(["INVITE", "ACK", "BYE"]);
    expect(edge.lastRequest("BYE").headers.all("route")).toEqual([`<sip:${EDGE};transport=udp;lr>`]);
  });

  test("who speaks for every domain sends what it does not find there", async () => {
    const { on, edge, alice } = await cast({ domains: [], outgoingProxy: `sip:${EDGE}` } as OutgoingOptions);
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(10);
    expect(edge.lastRequest("INVITE").uri).toBe("sip:x@example.net");
  });

  test("without state as well", async () => {
    const { on, edge, alice } = await cast({});
    const proxy = new StatelessProxy({
      dispatcher: on.dispatcher,
      store: on.store,
      domains: ["example.com"],
      outgoingProxy: `sip:${EDGE}`,
    });
    on.dispatcher.setReceiver({
      receive: (packet, leg, from) =>
        proxy.receive(packet, leg, from, { identity: { user: "alice", realm: "example.com" } }),
    });
    alice.request({ method: "INVITE", uri: "sip:x@example.net" });
    await on.pass(10);
    expect(edge.lastRequest("INVITE").headers.all("route")).toEqual([`<sip:${EDGE};lr>`]);
  });

  test.each(["", "edge.example.net", "tel:+1", "sip:"])("%j is no proxy: TypeError", async (proxy) => {
    const { on } = await cast({});
    const options = { dispatcher: on.dispatcher, store: on.store };
    expect(() => new StatefulProxy({ ...options, outgoingProxy: proxy })).toThrow(TypeError);
    expect(() => new StatefulProxy({ ...options, domainProxies: { "example.net": proxy } })).toThrow(
      TypeError,
    );
  });
});

describe("domainProxies: which proxy leads to a domain", () => {
  const outgoing = new Outgoing({
    outgoingProxy: "sip:any.example",
    domainProxies: {
      "example.net": "sip:exact.example",
      "*.example.net": "sip:below.example:5070",
      "*.deep.example.net": "sip:deep.example;transport=tcp",
      "Example.ORG": "sips:org.example",
    },
  });

  test.each([
    ["sip:x@example.net", "<sip:exact.example;lr>"],
    ["sip:x@a.example.net", "<sip:below.example:5070;lr>"],
    ["sip:x@a.b.example.net", "<sip:below.example:5070;lr>"],
    ["sip:x@a.deep.example.net", "<sip:deep.example;transport=tcp;lr>"],
    ["sip:x@example.org", "<sips:org.example;lr>"],
    ["sip:x@evilexample.net", "<sip:any.example;lr>"],
    ["sip:x@[2001:db8::1]", "<sip:any.example;lr>"],
    // the last of two policies would be the proxy itself
    ["sip:any.example", undefined],
    ["sip:x@any.example:5061", "<sip:any.example;lr>"],
    // §16.6 step 6: a sips Request-URI has a sips Route
    ["sips:x@example.net", "<sips:exact.example;lr>"],
  ])("%s by way of %s", (uri, route) => {
    const { path, hop, local } = outgoing.destination(uri, parseSipUri(uri)!);
    expect(path).toEqual(route === undefined ? [] : [route]);
    const next = route === undefined ? uri : route.slice(1, -1);
    expect(hop).toEqual({ kind: "uri", uri: parseSipUri(next) });
    expect(local).toBe(false);
  });

  test("without any, straight there", () => {
    const uri = parseSipUri("sip:x@example.net")!;
    expect(new Outgoing({}).destination("sip:x@example.net", uri)).toMatchObject({
      path: [],
      hop: { kind: "uri", uri },
    });
  });
});
