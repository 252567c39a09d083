import { describe, expect, it } from "vitest";
import { outbound } from "../../src/extension/outbound.js";
import { path } from "../../src/extension/path.js";
import { contactsOf, rig, testFlow } from "../registrar/rig.js";

const DEVICE = '+sip.instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"';
const OTHER_DEVICE = '+sip.instance="<urn:uuid:11111111-0000-1000-8000-000A95A0E128>"';
const SUPPORTED = "Supported: path, outbound";
const DIRECT = ["SIP/2.0/TCP 10.0.0.1;branch=z9hG4bKa"];
const PROXIED = ["SIP/2.0/TCP ep1.example.com;branch=z9hG4bKp", ...DIRECT];

const contact = (regId: number | string, host = 1, device = DEVICE) =>
  `<sip:alice@192.0.2.${host};transport=tcp>;${device};reg-id=${regId}`;

const on = (options: Parameters<typeof outbound>[0] = {}) => rig({ extensions: [path(), outbound(options)] });

const connection = (token: string) => testFlow({ transport: "tcp", token });

const keys = async (r: ReturnType<typeof rig>) =>
  (await r.bindings()).map(({ regId, uri }) => [regId, uri.split(/[.;]/).at(-2)]);

describe("C6: Outbound, registrar procedures (RFC 5626 §6)", () => {
  it("a flow is bound under instance and reg-id, with its connection; Require: outbound and Flow-Timer in the 200", async () => {
    const r = on();
    const answer = await r.register(
      { contacts: [contact(1)], vias: DIRECT, lines: [SUPPORTED] },
      connection("tcp:1"),
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get("require")).toBe("outbound");
    expect(answer.headers.get("flow-timer")).toBe("120");
    expect(contactsOf(answer)[0]).toContain(`;${DEVICE};reg-id=1`);
    expect(await r.bindings()).toMatchObject([
      { regId: 1, instance: "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>", flow: "tcp:1" },
    ]);
  });

  it("the same instance and reg-id replaces the flow, whatever the Contact URI and Call-ID are", async () => {
    const r = on();
    await r.register(
      { contacts: [contact(1, 1)], callId: "first boot", vias: DIRECT, lines: [SUPPORTED] },
      connection("tcp:1"),
    );
    await r.register(
      { contacts: [contact(1, 2)], callId: "second boot", vias: DIRECT, lines: [SUPPORTED] },
      connection("tcp:2"),
    );
    expect(await r.bindings()).toMatchObject([{ uri: "sip:alice@192.0.2.2;transport=tcp", flow: "tcp:2" }]);
    r.dispatcher.kill(connection("tcp:1"));
    expect(await r.bindings()).toHaveLength(1);
  });

  it("several flows of one instance, with one Contact URI, live side by side and end one by one", async () => {
    const r = on();
    const second = connection("tcp:2");
    await r.register(
      { contacts: [contact(1)], callId: "a", vias: DIRECT, lines: [SUPPORTED] },
      connection("tcp:1"),
    );
    await r.register({ contacts: [contact(2)], callId: "b", vias: DIRECT, lines: [SUPPORTED] }, second);
    await r.register(
      { contacts: [contact(1, 1, OTHER_DEVICE)], callId: "c", vias: DIRECT, lines: [SUPPORTED] },
      connection("tcp:3"),
    );
    expect(await r.bindings()).toHaveLength(3);
    r.dispatcher.kill(second);
    expect((await r.bindings()).map(({ flow }) => flow)).toEqual(["tcp:1", "tcp:3"]);
  });

  it("a flow is removed by its instance and reg-id, and by its URI alone", async () => {
    const r = on();
    const parts = { vias: DIRECT, lines: [SUPPORTED] };
    await r.register({ ...parts, contacts: [contact(1)], callId: "a" });
    await r.register({ ...parts, contacts: [contact(2)], callId: "b" });
    await r.register({ ...parts, contacts: [`${contact(1, 9)};expires=0`], callId: "a", cseq: 2 });
    expect(await keys(r)).toEqual([[2, "1"]]);
    await r.register({
      ...parts,
      contacts: ["<sip:alice@192.0.2.1;transport=tcp>"],
      expires: 0,
      callId: "c",
    });
    expect(await keys(r)).toEqual([]);
  });

  it("a lower CSeq under the same Call-ID is refused for flows, too", async () => {
    const r = on();
    const parts = { contacts: [contact(1)], vias: DIRECT, lines: [SUPPORTED] };
    await r.register({ ...parts, cseq: 5 });
    expect((await r.register({ ...parts, contacts: [contact(1, 2)], cseq: 4 })).status).toBe(500);
  });

  it("registrations with and without reg-id are borne side by side", async () => {
    const r = on();
    await r.register({ contacts: ["<sip:alice@192.0.2.1;transport=tcp>"], callId: "old phone" });
    await r.register({ contacts: [contact(1)], callId: "a", vias: DIRECT, lines: [SUPPORTED] });
    expect(await keys(r)).toEqual([
      [null, "1"],
      [1, "1"],
    ]);
  });

  it("a contact without reg-id takes no flow's place, even with its URI", async () => {
    const r = on();
    await r.register({ contacts: [contact(1)], callId: "a", vias: DIRECT, lines: [SUPPORTED] });
    await r.register({ contacts: [`<sip:alice@192.0.2.1;transport=tcp>;${DEVICE}`], callId: "b" });
    expect(await keys(r)).toEqual([
      [1, "1"],
      [null, "1"],
    ]);
  });

  it("removing a flow leaves a binding without reg-id of the same device and URI alone", async () => {
    const r = on();
    await r.register({ contacts: [`<sip:alice@192.0.2.1;transport=tcp>;${DEVICE}`], callId: "b" });
    const parts = { contacts: [`${contact(1)};expires=0`], callId: "a", vias: DIRECT, lines: [SUPPORTED] };
    expect((await r.register(parts)).status).toBe(200);
    expect(await keys(r)).toEqual([[null, "1"]]);
  });

  it("a phone that begins to use flows leaves no ghost of the binding it had", async () => {
    const r = on();
    const plain = `<sip:alice@192.0.2.1;transport=tcp>;${DEVICE}`;
    await r.register({ contacts: [plain], callId: "a", cseq: 1 });
    await r.register({ contacts: [contact(1)], callId: "a", cseq: 2, vias: DIRECT, lines: [SUPPORTED] });
    expect(await keys(r)).toEqual([[1, "1"]]);
  });
});

describe("C6: what a reg-id needs to count (§6)", () => {
  it.each<[string, readonly string[], readonly string[], string, number, number | null]>([
    ["direct", DIRECT, [], SUPPORTED, 200, 1],
    ["direct, outbound not supported", DIRECT, [], "Supported: path", 200, 1],
    ["a proxy without Path", PROXIED, [], SUPPORTED, 439, null],
    ["a proxy without Path, two Vias on one line", [PROXIED.join(", ")], [], SUPPORTED, 439, null],
    ["a proxy whose Path has no ob", PROXIED, ["Path: <sip:ep1.example.com;lr>"], SUPPORTED, 439, null],
    ["an edge proxy with ob", PROXIED, ["Path: <sip:tok@ep1.example.com;lr;ob>"], SUPPORTED, 200, 1],
    [
      "an edge with ob behind another proxy",
      PROXIED,
      ["Path: <sip:p2.example.com;lr>, <sip:tok@ep1.example.com;lr;ob>"],
      SUPPORTED,
      200,
      1,
    ],
    [
      "ob in the first one written",
      PROXIED,
      ["Path: <sip:tok@ep1.example.com;lr;ob>, <sip:p2.example.com;lr>"],
      SUPPORTED,
      200,
      1,
    ],
    [
      "ob as a header parameter is none",
      PROXIED,
      ["Path: <sip:ep1.example.com;lr>;ob"],
      SUPPORTED,
      439,
      null,
    ],
    ["a proxy without ob, outbound not supported: ignored", PROXIED, [], "Supported: path", 200, null],
  ])("%s", async (_what, vias, lines, supported, status, regId) => {
    const r = on();
    const answer = await r.register({ contacts: [contact(1)], vias, lines: [supported, ...lines] });
    expect(answer.status).toBe(status);
    expect((await r.bindings()).map((binding) => binding.regId)).toEqual(status === 200 ? [regId] : []);
    const required = status === 200 && regId !== null && supported === SUPPORTED;
    expect(answer.headers.get("require")).toBe(required ? "outbound" : undefined);
  });

  it.each([
    ["no reg-id", `<sip:alice@192.0.2.1>;${DEVICE}`],
    ["no instance", "<sip:alice@192.0.2.1>;reg-id=1"],
    ["reg-id 0", contact(0)],
    ["a reg-id past 2^31-1", contact("2147483648")],
    ["a reg-id that is no number", contact("one")],
  ])("%s: an ordinary binding, without Require", async (_what, value) => {
    const r = on();
    const answer = await r.register({ contacts: [value], vias: DIRECT, lines: [SUPPORTED] });
    expect(answer.status).toBe(200);
    expect(answer.headers.has("require")).toBe(false);
    expect(await r.bindings()).toMatchObject([{ regId: null }]);
  });

  it.each([
    ["two flows", [contact(1), contact(2)], 400],
    ["a flow and another contact", [contact(1), "<sip:alice@192.0.2.9>"], 400],
    ["a flow and a removal", [contact(1), "<sip:alice@192.0.2.9>;expires=0"], 200],
    ["a removed flow and another contact", [`${contact(1)};expires=0`, "<sip:alice@192.0.2.9>"], 200],
    ["two removed flows", [`${contact(1)};expires=0`, `${contact(2)};expires=0`], 200],
    [
      "the flow's own plain binding removed beside it",
      [`<sip:alice@192.0.2.1;transport=tcp>;expires=0`, contact(1)],
      200,
    ],
  ])("%s in one request", async (_what, contacts, status) => {
    const r = on();
    const parts = { contacts, vias: DIRECT, lines: [SUPPORTED] };
    expect((await r.register(parts)).status).toBe(status);
    const before = await r.bindings();
    expect((await r.register(parts)).status).toBe(status);
    expect(await r.bindings()).toEqual(before);
  });

  it("a reg-id without instance is ignored beside a flow's removal, too", async () => {
    const r = on();
    const contacts = [`${contact(1)};expires=0`, "<sip:alice@192.0.2.9>;reg-id=2"];
    expect((await r.register({ contacts, vias: DIRECT, lines: [SUPPORTED] })).status).toBe(200);
    expect(await r.bindings()).toMatchObject([{ regId: null, instance: null }]);
  });

  it("through an edge proxy no connection of ours is the phone's, and no Flow-Timer is ours to set", async () => {
    const r = on();
    const lines = [SUPPORTED, "Path: <sip:tok@ep1.example.com;lr;ob>"];
    const answer = await r.register({ contacts: [contact(1)], vias: PROXIED, lines }, connection("tcp:edge"));
    expect(answer.headers.get("require")).toBe("outbound");
    expect(answer.headers.has("flow-timer")).toBe(false);
    expect(await r.bindings()).toMatchObject([{ flow: null, path: ["<sip:tok@ep1.example.com;lr;ob>"] }]);
  });

  it("Flow-Timer: shorter over UDP, by options, or none", async () => {
    const timer = async (r: ReturnType<typeof rig>, from = testFlow()) =>
      (await r.register({ contacts: [contact(1)], vias: DIRECT, lines: [SUPPORTED] }, from)).headers.get(
        "flow-timer",
      );
    expect(await timer(on())).toBe("25");
    expect(await timer(on({ flowTimerSec: 60 }), connection("tcp:1"))).toBe("60");
    expect(await timer(on({ udpFlowTimerSec: 20 }))).toBe("20");
    expect(await timer(on({ flowTimerSec: 0, udpFlowTimerSec: 0 }))).toBeUndefined();
  });

  it("switched off, reg-id is a parameter like others", async () => {
    const r = rig({ extensions: [path()] });
    const answer = await r.register({ contacts: [contact(1)], vias: DIRECT, lines: [SUPPORTED] });
    expect(answer.headers.has("require")).toBe(false);
    expect(answer.headers.get("supported")).toBe("path");
    expect(await r.bindings()).toMatchObject([{ regId: null, params: `;${DEVICE};reg-id=1` }]);
  });
});
