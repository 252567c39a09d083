import { describe, expect, it } from "vitest";
import type { LocationEvent } from "../../src/location/store.js";
import { FlowIndex } from "../../src/registrar/flows.js";
import { RegistrarCore } from "../../src/registrar/registrar.js";
import { parseRequest, registerText, rig, testFlow } from "./rig.js";
import { slowStore } from "./slow-store.js";

const PHONE = "<sip:alice@a1b2c3.invalid;transport=ws>";

const connection = (token: string) => testFlow({ transport: "ws", token });

describe("C3: a connection's death takes the bindings that still name it (RFC 5626 §7)", () => {
  const opened = (r: ReturnType<typeof rig>, token: string) => {
    const flow = connection(token);
    r.dispatcher.open(flow, r.leg);
    return flow;
  };

  it("they go at once, with an event of their own", async () => {
    const r = rig();
    const events: LocationEvent[] = [];
    r.store.watch((event) => events.push(event));
    const flow = opened(r, "ws:1");
    await r.register({ contacts: [PHONE] }, flow);
    await r.register({ contacts: ["<sip:alice@192.0.2.9>"], callId: "udp" });
    expect((await r.bindings())[0]?.flow).toBe("ws:1");
    r.dispatcher.kill(flow);
    expect((await r.bindings()).map(({ uri }) => uri)).toEqual(["sip:alice@192.0.2.9"]);
    expect(events.map(({ kind }) => kind)).toEqual(["registered", "registered", "flow-closed"]);
  });

  it("of every AoR that was registered over it", async () => {
    const r = rig();
    const flow = opened(r, "ws:1");
    await r.register({ contacts: [PHONE] }, flow);
    await r.register({ to: "<sip:bob@example.com>", contacts: [PHONE] }, flow);
    r.dispatcher.kill(flow);
    expect((await r.store.count()).bindings).toBe(0);
  });

  it("a binding that moved to a newer connection stays when the older one dies", async () => {
    const r = rig();
    const older = opened(r, "ws:1");
    const newer = opened(r, "ws:2");
    await r.register({ contacts: [PHONE], cseq: 1 }, older);
    await r.register({ contacts: [PHONE], cseq: 2 }, newer);
    r.dispatcher.kill(older);
    expect(await r.bindings()).toMatchObject([{ flow: "ws:2" }]);
    r.dispatcher.kill(newer);
    expect(await r.bindings()).toEqual([]);
  });

  it("a connection that dies while its REGISTER is being stored leaves no binding", async () => {
    const store = slowStore();
    const r = rig({ store });
    const flow = opened(r, "ws:1");
    const status = r.registrar.receive(parseRequest(registerText({ contacts: [PHONE] })), r.leg, flow);
    r.dispatcher.kill(flow);
    while (store.waiting() > 0) await store.release();
    expect(await status).toBe(200);
    while (store.waiting() > 0) await store.release();
    expect(await r.bindings()).toEqual([]);
  });

  it("a REGISTER handed over after its connection died leaves no binding either", async () => {
    const flows = new FlowIndex();
    const r = rig({ flows });
    const flow = opened(r, "ws:1");
    r.dispatcher.kill(flow);
    await r.register({ contacts: [PHONE] }, flow);
    expect(await r.bindings()).toEqual([]);
    expect(flows.closed("ws:1")).toBeUndefined();
  });

  it("UDP flows end with their bindings' time alone", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE] });
    expect(await r.bindings()).toMatchObject([{ flow: null }]);
  });

  it("a proxy's connection is not the phone's", async () => {
    const r = rig();
    const flow = opened(r, "tcp:proxy");
    const vias = ["SIP/2.0/TCP p.example.com;branch=z9hG4bKp", "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKa"];
    await r.register({ contacts: [PHONE], vias }, flow);
    await r.register({ contacts: [PHONE], vias: [vias.join(", ")], cseq: 2 }, flow);
    expect(await r.bindings()).toMatchObject([{ flow: null }]);
    r.dispatcher.kill(flow);
    expect(await r.bindings()).toHaveLength(1);
  });

  it("a registrar that takes another's place (a reload) knows its connections", async () => {
    const flows = new FlowIndex();
    const r = rig({ flows });
    const flow = opened(r, "ws:1");
    await r.register({ contacts: [PHONE] }, flow);
    const next = new RegistrarCore({ dispatcher: r.dispatcher, store: r.store, flows });
    await r.registrar.close();
    r.dispatcher.kill(flow);
    expect(await r.bindings()).toEqual([]);
    await next.close();
  });

  it("nothing is done once the registrar is closed", async () => {
    const r = rig();
    const flow = opened(r, "ws:1");
    await r.register({ contacts: [PHONE] }, flow);
    await r.registrar.close();
    r.dispatcher.kill(flow);
    expect(await r.bindings()).toHaveLength(1);
  });
});

describe("C2: a connection with a binding is kept from idleness, and let go when it has none", () => {
  const kept = (r: ReturnType<typeof rig>) => r.leg.retained.get("ws:1");

  it("from the 200 on until the last binding is removed", async () => {
    const r = rig();
    const flow = connection("ws:1");
    await r.register({}, flow);
    expect(kept(r)).toBeUndefined();
    await r.register({ contacts: [PHONE] }, flow);
    expect(kept(r)).toBe(true);
    await r.register({ to: "<sip:bob@example.com>", contacts: [PHONE] }, flow);
    await r.register({ contacts: [PHONE], expires: 0, cseq: 2 }, flow);
    expect(kept(r)).toBe(true);
    await r.register({ to: "<sip:bob@example.com>", contacts: ["*"], expires: 0, cseq: 2 }, flow);
    expect(kept(r)).toBe(false);
  });

  it("not for a REGISTER that was refused", async () => {
    const r = rig();
    await r.register({ contacts: [PHONE], expires: 1 }, connection("ws:1"));
    await r.register({ contacts: ["<sip:x@192.0.2.1>"], cseq: 5 });
    await r.register({ contacts: ["<sip:x@192.0.2.1>"], cseq: 4 }, connection("ws:1"));
    expect(kept(r)).toBeUndefined();
  });

  it("a REGISTER refused later does not let go of an earlier binding", async () => {
    const r = rig();
    const flow = connection("ws:1");
    await r.register({ contacts: [PHONE], cseq: 5 }, flow);
    expect((await r.register({ contacts: [PHONE], cseq: 4 }, flow)).status).toBe(500);
    r.dispatcher.kill(flow);
    expect(await r.bindings()).toEqual([]);
  });

  it("until its bindings have expired, refreshes counted", async () => {
    const r = rig({ expireEvery: 0 });
    const flow = connection("ws:1");
    await r.register({ contacts: [PHONE], expires: 60, cseq: 1 }, flow);
    r.clock.advance(50_000);
    await r.register({ contacts: [PHONE], expires: 60, cseq: 2 }, flow);
    r.clock.advance(50_000);
    await r.registrar.expire();
    expect(kept(r)).toBe(true);
    r.clock.advance(10_000);
    await r.registrar.expire();
    expect(kept(r)).toBe(false);
  });
});
