import { describe, expect, it } from "vitest";
import { path } from "../../src/extension/path.js";
import { rig, testFlow } from "../registrar/rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";
const P1 = "<sip:p1.example.com;lr>";
const P2 = "<sip:token@p2.example.com;lr;ob>";
const SUPPORTED = "Supported: path";

const on = (options: Parameters<typeof path>[0] = {}) => rig({ extensions: [path(options)] });

describe("C5: Path (RFC 3327 §5.3)", () => {
  it.each([
    ["one value", [`Path: ${P1}`], [P1], P1],
    ["several on one line, in their order", [`Path: ${P2}, ${P1}`], [P2, P1], `${P2}, ${P1}`],
    ["several lines", [`Path: ${P2}`, `Path: ${P1}`], [P2, P1], `${P2}, ${P1}`],
    [
      "a display name and parameters",
      ['Path: "P, 1" <sip:p1.example.com;lr>;x=1'],
      ['"P, 1" <sip:p1.example.com;lr>;x=1'],
      undefined,
    ],
  ])("%s: kept with the contact, and copied into the 200", async (_what, lines, kept, echoed) => {
    const r = on();
    const answer = await r.register({ contacts: [PHONE], lines: [SUPPORTED, ...lines] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("path")).toBe(echoed ?? kept[0]);
    expect(await r.bindings()).toMatchObject([{ path: kept }]);
  });

  it("per contact: another phone's binding keeps its own, and a refresh over another way takes the new one", async () => {
    const r = on();
    await r.register({ contacts: [PHONE], callId: "1", lines: [SUPPORTED, `Path: ${P1}`] });
    await r.register({ contacts: ["<sip:alice@192.0.2.8>"], callId: "2" });
    expect((await r.bindings()).map((binding) => binding.path)).toEqual([[P1], []]);
    await r.register({ contacts: [PHONE], callId: "1", cseq: 2, lines: [SUPPORTED, `Path: ${P2}`] });
    expect((await r.bindings()).map((binding) => binding.path)).toEqual([[P2], []]);
    await r.register({ contacts: [PHONE], callId: "1", cseq: 3, lines: [SUPPORTED] });
    expect((await r.bindings()).map((binding) => binding.path)).toEqual([[], []]);
  });

  it("every contact of the request gets it", async () => {
    const r = on();
    await r.register({ contacts: [PHONE, "<sip:alice@192.0.2.8>"], lines: [SUPPORTED, `Path: ${P1}`] });
    expect((await r.bindings()).map((binding) => binding.path)).toEqual([[P1], [P1]]);
  });

  it("no Path: none in the answer; an error carries none", async () => {
    const r = on();
    expect((await r.register({ contacts: [PHONE], lines: [SUPPORTED] })).headers.has("path")).toBe(false);
    const refused = await r.register({
      contacts: [PHONE],
      expires: 1,
      cseq: 2,
      lines: [SUPPORTED, `Path: ${P1}`],
    });
    expect(refused.status).toBe(423);
    expect(refused.headers.has("path")).toBe(false);
  });

  it("Path without Supported: path: 420 that names it, as recommended; or accepted by policy", async () => {
    const strict = on();
    const refused = await strict.register({ contacts: [PHONE], lines: [`Path: ${P1}`] });
    expect(refused.status).toBe(420);
    expect(refused.headers.get("unsupported")).toBe("path");
    expect(refused.headers.has("supported")).toBe(false);
    expect(await strict.bindings()).toEqual([]);

    const lenient = on({ withoutSupport: "accept" });
    expect((await lenient.register({ contacts: [PHONE], lines: [`Path: ${P1}`] })).status).toBe(200);
    expect(await lenient.bindings()).toMatchObject([{ path: [P1] }]);
  });

  it.each(["k: path", "Supported: gruu, Path", "Require: path\r\nSupported: path"])(
    "support told by %j",
    async (line) => {
      expect((await on().register({ contacts: [PHONE], lines: [line, `Path: ${P1}`] })).status).toBe(200);
    },
  );

  it("Require: path shows no support of the phone: a proxy on the way may have put it in (§5.2)", async () => {
    const r = on();
    const refused = await r.register({ contacts: [PHONE], lines: ["Require: path", `Path: ${P1}`] });
    expect([refused.status, refused.headers.get("unsupported")]).toEqual([420, "path"]);
    expect(refused.headers.has("supported")).toBe(false);
  });

  it("who may add one: 403 for others", async () => {
    const r = on({ trusts: ({ address }) => address === "192.0.2.50" });
    const parts = { contacts: [PHONE], lines: [SUPPORTED, `Path: ${P1}`] };
    expect((await r.register(parts)).status).toBe(403);
    expect((await r.register(parts, testFlow({ address: "192.0.2.50" }))).status).toBe(200);
    expect((await r.register({ contacts: [PHONE], cseq: 2, lines: [SUPPORTED] })).status).toBe(200);
  });

  it.each([
    ["empty", "Path: "],
    ["no URI", "Path: p1.example.com"],
    ["another scheme", "Path: <tel:+15551234>"],
    ["a bracket that never closes", "Path: <sip:p1.example.com;lr"],
    ["no brackets (RFC 3327 §4)", "Path: sip:p1.example.com:5060;lr"],
    ["no brackets behind a good one", `Path: ${P1}, sip:p1.example.com`],
    ["header fields in the URI (RFC 3261 §19.1.1)", "Path: <sip:p1.example.com;lr?X=y>"],
    ["more than there may be", `Path: ${Array(17).fill(P1).join(", ")}`],
  ])("%s: 400, and nothing is bound", async (_what, line) => {
    const r = on();
    expect((await r.register({ contacts: [PHONE], lines: [SUPPORTED, line] })).status).toBe(400);
    expect(await r.bindings()).toEqual([]);
  });

  it("switched off, Path is ignored, and Require: path is 420", async () => {
    const r = rig();
    const answer = await r.register({ contacts: [PHONE], lines: [SUPPORTED, `Path: ${P1}`] });
    expect(answer.headers.has("path")).toBe(false);
    expect(await r.bindings()).toMatchObject([{ path: [] }]);
    expect((await r.register({ contacts: [PHONE], cseq: 2, lines: ["Require: path"] })).status).toBe(420);
  });

  it("a sips contact needs a sips Path (RFC 5630 §5.2)", async () => {
    const r = on();
    const parts = { uri: "sips:example.com", contacts: ["<sips:alice@192.0.2.7>"] };
    expect((await r.register({ ...parts, lines: [SUPPORTED, `Path: ${P1}`] })).status).toBe(400);
    const secure = "<sips:p1.example.com;lr>";
    expect((await r.register({ ...parts, lines: [SUPPORTED, `Path: ${secure}, ${P1}`] })).status).toBe(400);
    expect((await r.register({ ...parts, lines: [SUPPORTED, `Path: ${secure}`] })).status).toBe(200);
  });

  it("what came along a Path over a connection does not end with that connection", async () => {
    const r = on();
    const flow = testFlow({ transport: "tcp", token: "tcp:edge" });
    await r.register({ contacts: [PHONE], lines: [SUPPORTED, `Path: ${P1}`] }, flow);
    expect(await r.bindings()).toMatchObject([{ flow: null }]);
    r.dispatcher.kill(flow);
    expect(await r.bindings()).toHaveLength(1);
  });
});
