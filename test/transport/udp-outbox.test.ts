import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EntryWord, type NativeUdpSocket } from "../../src/transport/native.js";
import { UdpOutbox } from "../../src/transport/udp-outbox.js";
import { WireAddresses } from "../../src/transport/wire-address.js";

interface Sent {
  readonly text: string;
  readonly to: string;
}

/** A system that takes so many datagrams per call as `takes` says, then all; what it took is in `sent`. */
function system(outbox: UdpOutbox, takes: number[]): NativeUdpSocket & { readonly sent: Sent[] } {
  const addresses = new WireAddresses(4);
  const sent: Sent[] = [];
  return {
    sent,
    send(first, count) {
      const taken = Math.min(takes.shift() ?? count, count);
      for (let i = first; i < first + taken; i++) {
        const entry = outbox.entries.subarray(i * 8, i * 8 + 8);
        const start = entry[EntryWord.offset]!;
        sent.push({
          text: outbox.octets.toString("latin1", start, start + entry[EntryWord.length]!),
          to: `${addresses.read(entry, 0)}:${entry[EntryWord.port]}`,
        });
      }
      return taken;
    },
    setMulticastTtl() {},
    close() {},
  };
}

function outboxOn(octets: number, takes: number[] = []) {
  const outbox = new UdpOutbox(octets);
  const socket = system(outbox, takes);
  outbox.attach(socket, new WireAddresses(4));
  return { outbox, socket };
}

const PEER = { address: "192.0.2.7", port: 5062 };

describe("outbox of the batched leg", () => {
  it("keeps what the system does not take, and sends it in order when it does", () => {
    const { outbox, socket } = outboxOn(1000, [2, 0, 1]);
    for (const text of ["a", "b", "c", "d"]) outbox.addText(text, PEER);
    outbox.flush();
    expect([outbox.isBlocked, socket.sent.map(({ text }) => text).join("")]).toEqual([true, "ab"]);
    outbox.addText("e", PEER);
    outbox.flush();
    outbox.flush();
    expect([outbox.isBlocked, socket.sent.map(({ text }) => text).join("")]).toEqual([true, "abc"]);
    outbox.flush();
    expect([outbox.isBlocked, outbox.isEmpty]).toEqual([false, true]);
    expect(socket.sent.map(({ text }) => text).join("")).toBe("abcde");
    expect(new Set(socket.sent.map(({ to }) => to))).toEqual(new Set(["192.0.2.7:5062"]));
  });

  it("has room again only when all has gone", () => {
    const { outbox } = outboxOn(10, [1]);
    outbox.addText("12345", PEER);
    outbox.addText("12345", PEER);
    expect(outbox.hasRoom(1)).toBe(false);
    outbox.flush();
    expect(outbox.hasRoom(1)).toBe(false);
    outbox.flush();
    expect(outbox.hasRoom(10)).toBe(true);
    expect(outbox.hasRoom(11)).toBe(false);
  });

  it("bounds how many wait, whatever their size", () => {
    const { outbox } = outboxOn(1 << 20, [0]);
    let count = 0;
    for (; outbox.hasRoom(0); count++) outbox.addText("", PEER);
    expect(count).toBe(4096);
    outbox.flush();
    expect(outbox.hasRoom(0)).toBe(false);
  });

  it("refuses an address of the other family", () => {
    const { outbox, socket } = outboxOn(1000);
    expect(outbox.addText("x", { address: "::1", port: 5060 })).toBe(false);
    expect(outbox.addOctets(Buffer.from("y"), PEER)).toBe(true);
    outbox.flush();
    expect(socket.sent).toEqual([{ text: "y", to: "192.0.2.7:5062" }]);
  });

  it("loses, doubles and reorders nothing, however the system takes it", () => {
    const step = fc.oneof(
      fc.record({
        add: fc.string({ unit: "binary-ascii", maxLength: 60 }),
        port: fc.integer({ min: 1, max: 65_535 }),
      }),
      fc.constant("flush" as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.array(fc.nat(5)), (steps, takes) => {
        const { outbox, socket } = outboxOn(400, takes);
        const expected: Sent[] = [];
        for (const each of steps) {
          if (each === "flush") outbox.flush();
          else if (outbox.hasRoom(each.add.length)) {
            outbox.addText(each.add, { address: "192.0.2.7", port: each.port });
            expected.push({ text: each.add, to: `192.0.2.7:${each.port}` });
          }
        }
        for (let rounds = takes.length + 1; rounds > 0 || !outbox.isEmpty; rounds--) outbox.flush();
        expect(socket.sent).toEqual(expected);
      }),
    );
  });
});
