import { describe, expect, it } from "vitest";
import { loadNativeUdp } from "../../src/transport/native.js";
import { type UdpOptions, udp } from "../../src/transport/udp.js";
import { type UdpClient, udpClient } from "./client.js";
import { ANSWERING, closeAfter, started } from "./legs.js";
import { options } from "./sip.js";

async function phone(address?: string): Promise<UdpClient> {
  const client = await udpClient(address);
  closeAfter(() => client.close());
  return client;
}

/** Both engines behave alike; the second is there where the addon is built. */
const ENGINES: readonly Pick<UdpOptions, "batched">[] =
  loadNativeUdp().addon === undefined ? [{ batched: false }] : [{ batched: false }, { batched: true }];

describe.each(
  ENGINES.flatMap((engine) => [
    { ...engine, host: "127.0.0.1" },
    { ...engine, host: "::1" },
  ]),
)("a UDP leg on $host, batched: $batched", ({ host, batched }) => {
  const bracketed = host.includes(":") ? `[${host}]` : host;

  it("answers to the source port when the Via has rport (RFC 3581 §4)", async () => {
    const { leg } = await started(udp({ host, port: 0, batched: batched ?? false }));
    const client = await phone(host);
    client.send(options(`UDP ${bracketed}:9;rport`), leg.local);
    const response = (await client.next()).toString("latin1");
    expect(response).toMatch(/^SIP\/2\.0 200 /);
    expect(response).toContain(`;received=${host};rport=${client.local.port}\r\n`);
  });

  it("answers to the port of the sent-by when it has none (RFC 3261 §18.2.2)", async () => {
    const { leg } = await started(udp({ host, port: 0, batched: batched ?? false }));
    const client = await phone(host);
    const other = await phone(host);
    client.send(options(`UDP ${bracketed}:${other.local.port}`), leg.local);
    expect((await other.next()).toString("latin1")).toMatch(/^SIP\/2\.0 200 /);
  });

  it("sends to a peer it was told of, and keeps every octet", async () => {
    const { leg, owner } = await started(udp({ host, port: 0, batched: batched ?? false }));
    const client = await phone(host);
    const flow = await leg.connect({ address: bracketed, port: client.local.port });
    expect(flow.token).toBe(`udp:${host}:${client.local.port}`);
    expect(leg.send("\xe9\xff\0", flow)).toBe("sent");
    expect([...(await client.next())]).toEqual([0xe9, 0xff, 0]);
    client.send("\xe9\xff\0", leg.local);
    expect((await owner.next("message")).text).toBe("\xe9\xff\0");
  });

  it("answers STUN Binding requests on the same port (RFC 5626 §8)", async () => {
    const { leg, owner } = await started(udp({ host, port: 0, batched: batched ?? false }));
    const client = await phone(host);
    client.send(Buffer.from("000100002112a442b7e7a701bc34d686fa87dfae", "hex"), leg.local);
    const response = await client.next();
    expect(response.subarray(0, 2).toString("hex")).toBe("0101");
    expect(response.readUInt16BE(26) ^ 0x2112).toBe(client.local.port);
    expect(owner.told).toEqual([]);
  });
});

describe.each(ENGINES)("a UDP leg, batched: $batched", (engine) => {
  it("takes keep-alives and STUN that asks for nothing in silence", async () => {
    const { leg, owner } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    const client = await phone();
    client.send("\r\n\r\n", leg.local);
    client.send("", leg.local);
    client.send(Buffer.from("001100002112a442b7e7a701bc34d686fa87dfae", "hex"), leg.local);
    client.send(options("UDP 127.0.0.1;rport"), leg.local);
    expect((await client.next()).toString("latin1")).toMatch(/^SIP\/2\.0 200 /);
    expect(owner.told.filter(({ kind }) => kind === "message")).toHaveLength(1);
    expect(leg.counters).toMatchObject({ received: 1, sent: 1, keepAlives: 2, connections: 0 });
    expect(leg.counters?.dropped.malformed).toBe(1);
  });

  it("tells the end of a batch behind the messages of one turn", async () => {
    const { leg, owner } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    const client = await phone();
    for (const callId of ["a", "b", "c"]) client.send(options("UDP 127.0.0.1;rport", callId), leg.local);
    for (let i = 0; i < 3; i++) await owner.next("message");
    while (owner.told.at(-1)?.kind !== "batch-end") await owner.next("batch-end");
    const kinds = owner.told.map(({ kind }) => kind).join(" ");
    expect(kinds.match(/message/g)).toHaveLength(3);
    // the three may have come in more than one turn, but no batch is empty
    expect(kinds).not.toContain("batch-end batch-end");
    expect(kinds).toMatch(/^message/);
  });

  it("hears only whom it may", async () => {
    const heard = await phone();
    const { leg, owner } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }), {
      ...ANSWERING,
      admits: (remote, transport) => transport === "udp" && remote.port === heard.local.port,
    });
    const unheard = await phone();
    unheard.send(options("UDP 127.0.0.1;rport"), leg.local);
    heard.send(options("UDP 127.0.0.1;rport"), leg.local);
    await heard.next();
    expect(owner.told.filter(({ kind }) => kind === "message")).toHaveLength(1);
    expect(leg.counters?.dropped["not-admitted"]).toBe(1);
  });

  it("goes on after a peer was not there, and after a send the system refused", async () => {
    const { leg, owner } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    const gone = await udpClient();
    gone.close();
    // nobody listens there any more: the system answers with ICMP port unreachable
    expect(leg.send("x", await leg.connect(gone.local))).toBe("sent");
    // broadcast is not allowed to sockets that did not ask for it
    expect(leg.send("x", await leg.connect({ address: "255.255.255.255", port: 9 }))).toBe("sent");
    expect((await owner.next("fault")).error.message).toMatch(/EACCES/);
    const client = await phone();
    client.send(options("UDP 127.0.0.1;rport"), leg.local);
    expect((await client.next()).toString("latin1")).toMatch(/^SIP\/2\.0 200 /);
    expect(leg.counters?.dropped["send-failed"]).toBe(1);
  });

  it("bounds what it sends and takes in", async () => {
    const { leg, owner } = await started(
      udp({ ...engine, host: "127.0.0.1", port: 0, maxMessageOctets: 1000 }),
    );
    const client = await phone();
    const flow = await leg.connect(client.local);
    expect(leg.send("x".repeat(1001), flow)).toBe("too-large");
    expect(leg.send("x".repeat(1000), flow)).toBe("sent");
    expect((await client.next()).length).toBe(1000);
    client.send("x".repeat(1001), leg.local);
    client.send("y".repeat(1000), leg.local);
    expect((await owner.next("message")).text).toMatch(/^y+$/);
    expect(leg.counters?.dropped["too-large"]).toBe(2);
  });

  it("sends nothing longer than a datagram", async () => {
    const { leg } = await started(
      udp({ ...engine, host: "127.0.0.1", port: 0, maxMessageOctets: 1_000_000 }),
    );
    const client = await phone();
    const flow = await leg.connect(client.local);
    expect(leg.send("x".repeat(65_508), flow)).toBe("too-large");
    expect(leg.send("x".repeat(65_507), flow)).toBe("sent");
    expect((await client.next()).length).toBe(65_507);
  });

  it("rejects start with the system's error when the port is taken", async () => {
    const { leg } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    const second = udp({ ...engine, host: "127.0.0.1", port: leg.local.port });
    await expect(started(second)).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("rejects start when the host is none of this machine's", async () => {
    await expect(started(udp({ ...engine, host: "192.0.2.1", port: 0 }))).rejects.toMatchObject({
      code: "EADDRNOTAVAIL",
    });
  });

  it("binds a host name", async () => {
    const { leg } = await started(udp({ ...engine, host: "localhost", port: 0 }));
    expect(["127.0.0.1", "::1"]).toContain(leg.local.address);
  });

  it("takes a receive buffer of its own", async () => {
    const { leg } = await started(udp({ ...engine, host: "127.0.0.1", port: 0, recvBufferBytes: 65_536 }));
    const client = await phone();
    client.send(options("UDP 127.0.0.1;rport"), leg.local);
    expect((await client.next()).toString("latin1")).toMatch(/^SIP\/2\.0 200 /);
  });

  it("refuses a way to another family, and to a name", async () => {
    const { leg } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    expect(() => leg.connect({ address: "::1", port: 5060 })).toThrow(TypeError);
    expect(() => leg.connect({ address: "example.com", port: 5060 })).toThrow(TypeError);
  });

  it("sends nothing once it is closed", async () => {
    const { leg } = await started(udp({ ...engine, host: "127.0.0.1", port: 0 }));
    const flow = await leg.connect({ address: "127.0.0.1", port: 9 });
    await leg.close();
    await leg.close();
    expect(leg.send("x", flow)).toBe("flow-dead");
  });

  it("refuses an option it does not know", () => {
    const wrong = { host: "127.0.0.1", port: 0, hots: "" };
    expect(() => udp(wrong)).toThrow(/hots/);
  });
});
