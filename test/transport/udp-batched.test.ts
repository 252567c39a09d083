import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Leg } from "../../src/port/leg.js";
import { loadNativeUdp } from "../../src/transport/native.js";
import { type UdpOptions, udp } from "../../src/transport/udp.js";
import { type RecordedEvents, recordEvents, type UdpPeer, udpPeer } from "./udp-peer.js";

const { addon, reason } = loadNativeUdp();
const owned: { close(): Promise<void> }[] = [];

afterEach(async () => {
  await Promise.all(owned.splice(0).map((each) => each.close()));
});

async function started(events: RecordedEvents, options: Partial<UdpOptions> = {}): Promise<Leg> {
  const leg = udp({ host: "127.0.0.1", port: 0, batched: true, ...options });
  await leg.start(events);
  owned.push(leg);
  return leg;
}

async function peer(address?: string): Promise<UdpPeer> {
  const made = await udpPeer(address);
  owned.push(made);
  return made;
}

const request = (n: number) => `OPTIONS sip:127.0.0.1 SIP/2.0\r\nCall-ID: ${n}\r\n\r\n`;

describe.runIf(addon !== undefined)(`batched UDP leg ${reason ?? ""}`, () => {
  it("says which engine serves", () => {
    expect(udp({ host: "127.0.0.1", port: 0 }).engine).toBe("recvmmsg");
    expect(udp({ host: "127.0.0.1", port: 0, batched: false }).engine).toBe("dgram");
  });

  it("hands over what waits together, in order, and ends each batch", async () => {
    const events = recordEvents();
    const leg = await started(events);
    const sender = await started(recordEvents());
    const flow = await sender.connect(leg.local);
    for (let n = 0; n < 200; n++) sender.send(request(n), flow);
    const got = await events.messages.take(200);
    await nextTurn();
    expect(got.map(({ text }) => text)).toEqual(Array.from({ length: 200 }, (_, n) => request(n)));
    expect(got[0]?.from).toMatchObject({ address: "127.0.0.1", port: sender.local.port, transport: "udp" });
    expect(events.batches.reduce((sum, count) => sum + count)).toBe(200);
    // one system call brings 64 at most; what was sent in one flush comes in few
    expect(events.batches.length).toBeLessThan(20);
  });

  it("sends what a batch answers, and what a promise or a timer sends later", async () => {
    const events = recordEvents((text, from, leg) => {
      leg.send(`now ${text}`, from);
      void Promise.resolve().then(() => leg.send(`soon ${text}`, from));
      setImmediate(() => leg.send(`later ${text}`, from));
    });
    const leg = await started(events);
    const phone = await peer();
    await phone.send("a", leg.local.port);
    const got = await phone.receive(3);
    expect(got.map(String)).toEqual(["now a", "soon a", "later a"]);
  });

  for (const host of ["127.0.0.1", "::1"]) {
    it(`carries whole datagrams of every size over ${host}`, async () => {
      const leg = await started(
        recordEvents((text, from, leg) => leg.send(text, from)),
        { host },
      );
      const phone = await peer(host);
      for (const size of [3, 1200, 1500, 9000, 65_507]) {
        const octets = Buffer.alloc(
          size,
          Uint8Array.from({ length: 251 }, (_, i) => i + 4),
        );
        await phone.send(octets, leg.local.port);
        const [echo] = await phone.receive(1);
        expect(echo?.equals(octets), `${size} octets`).toBe(true);
      }
      expect(leg.local.address).toBe(host);
    });
  }

  it("§18.4 tells of a peer that is not there, and hears the others all the same", async () => {
    const events = recordEvents((text, from, leg) => leg.send(text, from));
    const leg = await started(events);
    const gone = await udpPeer();
    await gone.close();
    const phone = await peer();
    leg.send("anybody?", await leg.connect({ address: "127.0.0.1", port: gone.port }));
    const [unreached] = await events.unreached.take(1);
    expect(unreached).toMatchObject({ address: "127.0.0.1", port: gone.port });
    leg.send("still nobody?", await leg.connect({ address: "127.0.0.1", port: gone.port }));
    for (let n = 0; n < 5; n++) {
      await phone.send(request(n), leg.local.port);
      expect(String(await phone.receive(1))).toBe(request(n));
    }
    expect(leg.counters?.dropped["send-failed"]).toBe(0);
    expect(leg.counters?.dropped.unreachable).toBe(2);
  });

  it("gives up one datagram that the system refuses, and sends those around it", async () => {
    const events = recordEvents();
    const leg = await started(events);
    const phone = await peer();
    const to = await leg.connect({ address: "127.0.0.1", port: phone.port });
    leg.send("first", to);
    // nobody may broadcast unasked: EACCES
    leg.send("refused", await leg.connect({ address: "255.255.255.255", port: 9 }));
    leg.send("last", to);
    expect((await phone.receive(2)).map(String)).toEqual(["first", "last"]);
    const [fault] = await events.faults.take(1);
    expect(fault).toMatchObject({ code: expect.stringMatching(/^E[A-Z]+$/) });
    expect(leg.counters?.dropped["send-failed"]).toBe(1);
  });

  it("counts what the system dropped when nobody read", async () => {
    const events = recordEvents();
    const leg = await started(events, { recvBufferBytes: 16_384 });
    const sender = await started(recordEvents());
    const flow = await sender.connect(leg.local);
    const text = "x".repeat(2000);
    // flushed when the outbox is full and at the end of this turn: the leg cannot read in between
    for (let n = 0; n < 1000; n++) sender.send(text, flow);
    await events.messages.take(1);
    await nextTurn();
    // the count comes with the next datagram
    sender.send("the last", flow);
    while ((await events.messages.take(1))[0]?.text !== "the last");
    const { received, dropped } = leg.counters!;
    expect(dropped["socket-buffer"]).toBeGreaterThan(0);
    expect(received + dropped["socket-buffer"]).toBe(1001);
  });

  it("shares a port when told to, and never otherwise", async () => {
    const first = await started(recordEvents(), { reusePort: true });
    const { port } = first.local;
    const second = await started(recordEvents(), { reusePort: true, port });
    expect(second.local.port).toBe(port);
    await expect(started(recordEvents(), { port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });

  it("starts once, again after a failure, and sends nothing when closed", async () => {
    const taken = await started(recordEvents());
    const leg = udp({ host: "127.0.0.1", port: taken.local.port, batched: true });
    await expect(leg.start(recordEvents())).rejects.toMatchObject({ code: "EADDRINUSE" });
    await taken.close();
    await leg.start(recordEvents());
    await expect(leg.start(recordEvents())).rejects.toThrow("started already");
    const flow = await leg.connect({ address: "127.0.0.1", port: 9 });
    await leg.close();
    await leg.close();
    expect(leg.send("x", flow)).toBe("flow-dead");
  });

  it("may be closed by a handler in the midst of a batch", async () => {
    const heard: string[] = [];
    const events = recordEvents((text, from, leg) => {
      heard.push(text);
      leg.send("bye", from);
      void leg.close();
    });
    const leg = await started(events);
    const sender = await started(recordEvents());
    const flow = await sender.connect(leg.local);
    for (let n = 0; n < 100; n++) sender.send(request(n), flow);
    await events.messages.take(1);
    await nextTurn();
    await nextTurn();
    expect(heard).toEqual([request(0)]);
  });
});
