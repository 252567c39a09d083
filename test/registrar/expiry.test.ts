import { describe, expect, it } from "vitest";
import type { LocationEvent } from "../../src/location/store.js";
import { contactsOf, rig } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

/** Lets what waits for promises go on. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("A12: expiry", () => {
  it("an expired binding is in no answer, query or lookup, also before it was removed", async () => {
    const r = rig({ expireEvery: 0 });
    await r.register({ contacts: [`${PHONE};expires=60`, "<sip:alice@192.0.2.8>;expires=90"] });
    r.clock.advance(59_999);
    expect(await r.registrar.query("sip:alice@example.com")).toHaveLength(2);
    r.clock.advance(1);
    expect(await r.registrar.query("sip:alice@example.com")).toEqual(["sip:alice@192.0.2.8"]);
    expect(await r.registrar.lookup("sip:alice@example.com")).toHaveLength(1);
    expect(contactsOf(await r.register({ callId: "fetch" }))).toHaveLength(1);
    expect(await r.bindings()).toHaveLength(2);
  });

  it("expire removes what has expired and says how many that were", async () => {
    const r = rig({ expireEvery: 0 });
    await r.register({ contacts: [`${PHONE};expires=60`, "<sip:alice@192.0.2.8>;expires=90"] });
    await r.register({ to: "<sip:bob@example.com>", contacts: ["<sip:bob@192.0.2.9>;expires=60"] });
    expect(await r.registrar.expire()).toBe(0);
    r.clock.advance(61_000);
    expect(await r.registrar.expire()).toBe(2);
    expect(await r.registrar.expire()).toBe(0);
    expect(await r.store.count()).toEqual({ aors: 1, bindings: 1 });
  });

  it("the event comes within a second, by the registrar's own clock, and once", async () => {
    const r = rig();
    const events: LocationEvent[] = [];
    r.store.watch((event) => events.push(event));
    await r.register({ contacts: [PHONE], expires: 60 });
    r.clock.advance(200);
    await r.register({ to: "<sip:bob@example.com>", contacts: [PHONE], expires: 90 });
    for (let half = 0; half < 119; half++) {
      r.clock.advance(500);
      await turn();
    }
    expect(events.map(({ kind }) => kind)).toEqual(["registered", "registered"]);
    r.clock.advance(500);
    await turn();
    expect(events).toHaveLength(3);
    r.clock.advance(500);
    await turn();
    expect(events.map(({ kind }) => kind)).toEqual(["registered", "registered", "expired"]);
    expect(events[2]).toMatchObject({
      aor: "sip:alice@example.com",
      binding: { uri: "sip:alice@192.0.2.7:5060" },
    });
    expect(await r.store.count()).toEqual({ aors: 1, bindings: 1 });
  });

  it("a refresh puts the end off", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 60, cseq: 1 });
    r.clock.advance(50_000);
    await r.register({ contacts: [PHONE], expires: 60, cseq: 2 });
    r.clock.advance(50_000);
    await turn();
    expect(await r.bindings()).toHaveLength(1);
  });

  it("trouble with the store does not end the looks for expired bindings", async () => {
    const r = rig();
    const { expire } = r.store;
    let calls = 0;
    r.store.expire = async (nowMs) => {
      calls++;
      if (calls === 1) throw new Error("disk");
      return expire.call(r.store, nowMs);
    };
    r.clock.advance(500);
    await turn();
    r.clock.advance(500);
    await turn();
    expect(calls).toBe(2);
  });

  it("close ends them, and a new look never starts before the last one is done", async () => {
    const r = rig();
    expect(r.clock.pending()).toBe(1);
    r.clock.advance(5000);
    expect(r.clock.pending()).toBe(0);
    await turn();
    expect(r.clock.pending()).toBe(1);
    await r.registrar.close();
    expect(r.clock.pending()).toBe(0);
    r.clock.advance(5000);
    await turn();
    expect(r.clock.pending()).toBe(0);
  });
});
