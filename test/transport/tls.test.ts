import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { describe, expect, it } from "vitest";
import type { Endpoint } from "../../src/port/leg.js";
import { manualClock } from "../../src/testing/clock.js";
import { tls } from "../../src/transport/tls.js";
import { authority, hasOpenssl } from "./certificates.js";
import { type Client, clientOf, tcpClient } from "./client.js";
import { ANSWERING, closeAfter, started } from "./legs.js";
import { options } from "./sip.js";

const LOOPBACK = { host: "127.0.0.1", port: 0 };

async function secureClient(to: Endpoint, how: ConnectionOptions): Promise<Client & { socket: TLSSocket }> {
  const socket = connect({ host: to.address, port: to.port, ...how });
  closeAfter(() => socket.destroy());
  await once(socket, "secureConnect");
  return { ...clientOf(socket), socket };
}

/** Common name of the certificate that the other side shows. */
function shown(client: { readonly socket: TLSSocket }): unknown {
  return client.socket.getPeerCertificate().subject.CN;
}

describe.runIf(hasOpenssl)("a TLS leg", () => {
  const certs = hasOpenssl
    ? authority((ca) => ({
        ca: ca.cert,
        general: ca.issue("general", "DNS:example.com,IP:127.0.0.1"),
        renewed: ca.issue("renewed", "DNS:example.com,IP:127.0.0.1"),
        other: ca.issue("other", "DNS:other.example.net"),
        wild: ca.issue("wild", "DNS:*.example.org"),
        proxy: ca.issue("proxy", "URI:sip:alice@example.net,URI:sip:Example.net,DNS:host.example.net"),
        stranger: authority((strange) => strange.issue("stranger", "DNS:example.com,IP:127.0.0.1")),
      }))
    : undefined!;
  const ours = () => ({ ...LOOPBACK, ...certs.general, ca: certs.ca });

  it.each(["127.0.0.1", "::1"])("answers on %s on the connection of the request", async (host) => {
    const { leg, owner } = await started(tls({ ...ours(), host }));
    const client = await secureClient(leg.local, { ca: certs.ca, servername: "example.com" });
    client.write(options("TLS h"));
    expect(await client.until(/\r\n\r\n$/)).toMatch(/^SIP\/2\.0 200 /);
    const { flow } = await owner.next("message");
    expect(flow).toMatchObject({ transport: "tls", isConnection: true, peerIdentity: null, ...client.local });
    client.write("\r\n\r\n");
    await client.until(/\r\n\r\n\r\n$/);
    client.socket.end();
    await client.closed();
    expect(await owner.next("closed")).toMatchObject({ flow, wasAlive: false });
    expect(leg.counters).toMatchObject({ received: 1, sent: 1, keepAlives: 1, connections: 0 });
  });

  it("shows each server name its certificate (RFC 6066 §3)", async () => {
    const { leg } = await started(
      tls({ ...ours(), serverNames: { "Other.example.net": certs.other, "*.example.org": certs.wild } }),
    );
    const seen: Record<string, unknown> = {};
    for (const servername of ["OTHER.example.net", "a.example.org", "a.b.example.org", "example.com"]) {
      seen[servername] = shown(await secureClient(leg.local, { servername, rejectUnauthorized: false }));
    }
    expect(seen).toEqual({
      "OTHER.example.net": "other",
      "a.example.org": "wild",
      "a.b.example.org": "general",
      "example.com": "general",
    });
    expect(shown(await secureClient(leg.local, { ca: certs.ca }))).toBe("general");
  });

  it("takes new certificates while the connections that stand go on", async () => {
    const { leg, owner } = await started(
      tls({ ...ours(), serverNames: { "other.example.net": certs.other } }),
    );
    const before = await secureClient(leg.local, { ca: certs.ca });
    before.write(options("TLS h", "one"));
    await before.until(/one/);
    leg.reload(certs.renewed);
    before.write(options("TLS h", "two"));
    await before.until(/two/);
    expect(shown(before)).toBe("general");
    expect(shown(await secureClient(leg.local, { ca: certs.ca }))).toBe("renewed");
    expect(shown(await secureClient(leg.local, { ca: certs.ca, servername: "example.com" }))).toBe("renewed");
    const named = await secureClient(leg.local, { ca: certs.ca, servername: "other.example.net" });
    expect(shown(named)).toBe("other");
    leg.reload({ ...certs.renewed, serverNames: { "other.example.net": certs.wild } });
    const renamed = { servername: "other.example.net", rejectUnauthorized: false };
    expect(shown(await secureClient(leg.local, renamed))).toBe("wild");
    expect(owner.told.some(({ kind }) => kind === "closed")).toBe(false);
  });

  it("keeps its certificates when the new ones are of no use", async () => {
    const { leg } = await started(tls(ours()));
    expect(() => leg.reload({ cert: certs.renewed.cert, key: certs.general.key })).toThrow();
    expect(() => leg.reload({ cert: "nonsense", key: "nonsense" })).toThrow();
    expect(() => leg.reload({ ...certs.renewed, serverNames: { a: { cert: "", key: "x" } } })).toThrow();
    expect(shown(await secureClient(leg.local, { ca: certs.ca }))).toBe("general");
  });

  it("refuses material that is of no use, and options it does not know", () => {
    expect(() => tls({ ...LOOPBACK, cert: "nonsense", key: "nonsense" })).toThrow();
    const wrong = { ...ours(), crt: "" };
    expect(() => tls(wrong)).toThrow(/crt/);
  });

  it("knows a peer by the domains of its certificate (RFC 5922 §7.1, §7.4)", async () => {
    const { leg, owner } = await started(tls({ ...ours(), clientCertificates: "required" }));
    const client = await secureClient(leg.local, { ca: certs.ca, ...certs.proxy });
    client.write(options("TLS h"));
    await client.until(/200/);
    expect((await owner.next("message")).flow.peerIdentity).toBe("example.net");
  });

  it.each([
    ["none", {}],
    ["one of an authority it does not know", () => certs.stranger],
  ])("refuses a peer that must show a certificate and shows %s", async (_name, credentials) => {
    const { leg, owner } = await started(tls({ ...ours(), clientCertificates: "required" }));
    const shows = typeof credentials === "function" ? credentials() : credentials;
    const client = await secureClient(leg.local, { ca: certs.ca, ...shows });
    client.write(options("TLS h"));
    expect(await client.closed()).toBe("");
    await owner.next("fault");
    expect(owner.told.some(({ kind }) => kind === "message")).toBe(false);
  });

  it("lets a peer be nobody when a certificate is optional", async () => {
    const { leg, owner } = await started(tls({ ...ours(), clientCertificates: "optional" }));
    for (const credentials of [{}, certs.stranger, certs.proxy]) {
      const client = await secureClient(leg.local, { ca: certs.ca, ...credentials });
      client.write(options("TLS h"));
      await client.until(/200/);
    }
    const identities = [];
    for (let i = 0; i < 3; i++) identities.push((await owner.next("message")).flow.peerIdentity);
    expect(identities).toEqual([null, null, "example.net"]);
  });

  it("garbage in the place of a handshake ends this connection and no other", async () => {
    const { leg, owner } = await started(tls(ours()));
    const bystander = await secureClient(leg.local, { ca: certs.ca });
    bystander.write(options("TLS h", "before"));
    await bystander.until(/before/);
    for (const garbage of [options("TLS h"), "GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\0\x05aaaaa"]) {
      const client = await tcpClient(leg.local);
      client.write(garbage);
      await client.closed();
      await owner.next("fault");
    }
    bystander.write(options("TLS h", "after"));
    await bystander.until(/after/);
    expect(owner.told.some(({ kind }) => kind === "closed" || kind === "malformed")).toBe(false);
  });

  it("garbage inside TLS likewise", async () => {
    const { leg, owner } = await started(tls(ours()));
    const client = await secureClient(leg.local, { ca: certs.ca });
    client.write("\0\0\0\0");
    expect(await client.closed()).toBe("");
    expect(await owner.next("malformed")).toMatchObject({ status: 400 });
    expect(await owner.next("closed")).toMatchObject({ wasAlive: false });
  });

  it("a handshake that is not finished is not waited for", async () => {
    const clock = manualClock();
    const { leg } = await started(tls({ ...ours(), clock, handshakeMs: 10_000 }));
    const silent = await tcpClient(leg.local);
    const talking = await secureClient(leg.local, { ca: certs.ca });
    talking.write(options("TLS h"));
    await talking.until(/200/);
    clock.advance(15_000);
    expect(await silent.closed()).toBe("");
    expect(leg.counters?.dropped.handshake).toBe(1);
    talking.write(options("TLS h", "again"));
    await talking.until(/again/);
  });

  it("a handshake counts against the bounds", async () => {
    const { leg } = await started(tls({ ...ours(), maxConnections: 1 }));
    const silent = await tcpClient(leg.local);
    closeAfter(() => silent.socket.destroy());
    const second = connectTcp({ host: leg.local.address, port: leg.local.port });
    second.on("error", () => {});
    await new Promise((resolve) => second.once("close", resolve));
    expect(leg.counters?.dropped["too-many"]).toBe(1);
  });

  it("a slow reader is closed (the connection, not the leg)", async () => {
    const { leg, owner } = await started(tls({ ...ours(), maxQueueOctets: 100_000 }));
    const client = await secureClient(leg.local, { ca: certs.ca });
    client.write(options("TLS h"));
    const { flow } = await owner.next("message");
    client.socket.pause();
    let result = leg.send("x".repeat(50_000), flow);
    for (let i = 0; i < 10_000 && result === "sent"; i++) {
      await new Promise((resolve) => setImmediate(resolve));
      result = leg.send("x".repeat(50_000), flow);
    }
    expect(result).toBe("overloaded");
    expect(await owner.next("closed")).toMatchObject({ flow });
  });

  it("dials a peer whose certificate names it, and shows its own (RFC 5922 §7.3)", async () => {
    const { leg: peer, owner } = await started(tls({ ...ours(), clientCertificates: "required" }));
    const { leg } = await started(tls({ ...LOOPBACK, ...certs.proxy, ca: certs.ca }), ANSWERING);
    const named = await leg.connect(peer.local, { serverName: "Example.com" });
    expect(named.peerIdentity).toBe("example.com");
    expect(leg.connect(peer.local, { serverName: "example.com" })).toBe(named);
    leg.send(options("TLS h"), named);
    expect((await owner.next("message")).flow.peerIdentity).toBe("example.net");
    // by address: the certificate holds that too
    const byAddress = await leg.connect(peer.local);
    expect(byAddress).not.toBe(named);
    await expect(leg.connect(peer.local, { serverName: "www.example.com" })).rejects.toThrow(/speak for/);
  });

  it("does not match wildcards (RFC 5922 §7.2)", async () => {
    const { leg: peer } = await started(tls({ ...LOOPBACK, ...certs.wild, ca: certs.ca }));
    const { leg } = await started(tls(ours()));
    await expect(leg.connect(peer.local, { serverName: "a.example.org" })).rejects.toThrow(/speak for/);
  });

  it("dials nobody whose certificate is of an unknown authority", async () => {
    const { leg: peer } = await started(tls({ ...LOOPBACK, ...certs.stranger }));
    const { leg } = await started(tls(ours()));
    await expect(leg.connect(peer.local, { serverName: "example.com" })).rejects.toThrow(/certificate/);
  });

  it("uses a connection of the peer's own only for a name that it proved (RFC 5923 §8.2)", async () => {
    const { leg, owner } = await started(
      tls({ ...ours(), clientCertificates: "optional", connectMs: 2_000 }),
    );
    const client = await secureClient(leg.local, { ca: certs.ca, ...certs.proxy });
    client.write(options("TLS h"));
    const { flow } = await owner.next("message");
    expect(leg.connect(client.local, { serverName: "example.net" })).toBe(flow);
    await expect(leg.connect(client.local, { serverName: "example.com" })).rejects.toThrow(/ECONNREFUSED/);
  });

  it("gives a peer up that takes the connection and never shakes hands", async () => {
    const clock = manualClock();
    const { leg } = await started(tls({ ...ours(), clock, connectMs: 5_000 }));
    const silent = createServer();
    silent.listen(0, "127.0.0.1");
    await once(silent, "listening");
    closeAfter(() => silent.close());
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const accepted = once(silent, "connection");
    const dialed = leg.connect({ address: "127.0.0.1", port });
    await accepted;
    clock.advance(5_000);
    await expect(dialed).rejects.toMatchObject({ code: "ETIMEDOUT" });
  });
});
