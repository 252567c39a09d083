import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseMessage } from "../../src/message/parse.js";
import type { RegistrarExtension } from "../../src/registrar/extension.js";
import { contactsOf, parseRequest, parseResponse, registerText, rig, testFlow } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

const tagged = (optionTag: string, announced?: boolean): RegistrarExtension => ({
  name: optionTag,
  optionTag,
  ...(announced === undefined ? {} : { announced }),
});

describe("A9: Require (RFC 3261 §8.2.2.3, §10.3 step 2)", () => {
  it.each([
    ["one unknown", ["Require: nothingSupportsThis"], "nothingsupportsthis"],
    ["several", ["Require: a, path, b", "Require: c"], "a, b, c"],
    ["what is not switched on", ["Require: gruu"], "gruu"],
  ])("%s: 420 that names it, and nothing is bound", async (_what, lines, unsupported) => {
    const r = rig({ extensions: [tagged("path")] });
    const answer = await r.register({ contacts: [PHONE], lines });
    expect(answer.status).toBe(420);
    expect(answer.headers.get("unsupported")).toBe(unsupported);
    expect(await r.bindings()).toEqual([]);
  });

  it("what is switched on is accepted, in any case of letters", async () => {
    const r = rig({ extensions: [tagged("path"), tagged("gruu", false)] });
    expect((await r.register({ contacts: [PHONE], lines: ["Require: Path, GRUU"] })).status).toBe(200);
  });

  it("Proxy-Require is for proxies (§20.29)", async () => {
    expect((await rig().register({ contacts: [PHONE], lines: ["Proxy-Require: foo"] })).status).toBe(200);
  });

  it("Supported of every answer lists what is on and announced (§20.37)", async () => {
    const r = rig({ extensions: [tagged("path"), tagged("gruu", false), tagged("outbound")] });
    expect((await r.register({ contacts: [PHONE] })).headers.get("supported")).toBe("path, outbound");
    expect((await r.register({ contacts: [PHONE], expires: 1 })).headers.get("supported")).toBe(
      "path, outbound",
    );
    expect((await rig().register({ contacts: [PHONE] })).headers.has("supported")).toBe(false);
  });
});

describe("A9: RFC 5630 §5.2, sips contacts", () => {
  it.each([
    ["all the way", "sips:example.com", ["<sips:alice@192.0.2.7>"], 200],
    ["in a sip request", "sip:example.com", ["<sips:alice@192.0.2.7>"], 400],
    ["beside a sip contact", "sips:example.com", ["<sips:alice@192.0.2.7>", "<sip:alice@192.0.2.8>"], 400],
    ["a sip contact in a sips request", "sips:example.com", ["<sip:alice@192.0.2.7>"], 200],
    ["a removal", "sip:example.com", ["<sips:alice@192.0.2.7>;expires=0"], 200],
    [
      "beside a sip contact that goes",
      "sips:example.com",
      ["<sips:a@192.0.2.7>", "<sip:a@192.0.2.8>;expires=0"],
      200,
    ],
  ])("%s", async (_what, uri, contacts, status) => {
    const r = rig();
    expect((await r.register({ uri, contacts })).status).toBe(status);
  });

  it("a sips AoR is the same as the sip one, whichever a phone registers", async () => {
    const r = rig();
    await r.register({ to: "<sips:alice@example.com>", contacts: [PHONE], callId: "1" });
    const answer = await r.register({ to: "<sip:alice@example.com>", callId: "2" });
    expect(contactsOf(answer)).toHaveLength(1);
  });
});

describe("A9: Contacts that are none", () => {
  it.each([
    ["empty", ""],
    ["no URI", "<>"],
    ["a question mark outside brackets (§20.10)", "sip:alice@192.0.2.7?Route=x"],
    ["a comma outside brackets", "sip:alice,bob@192.0.2.7, x"],
    ["no scheme", "<alice@192.0.2.7>"],
    ["a quote that never closes", '"Alice <sip:alice@192.0.2.7>'],
    ["a parameter without value", "<sip:alice@192.0.2.7>;q="],
    ["a bad port", "<sip:alice@192.0.2.7:99999>"],
  ])("%s: 400", async (_what, contact) => {
    const r = rig();
    expect((await r.register({ contacts: [contact] })).status).toBe(400);
    expect(await r.bindings()).toEqual([]);
  });

  it("a header part in brackets is kept as it is (RFC 4475 §3.1.1.13, regescrt)", async () => {
    const r = rig();
    const uri = "sip:user@example.com?Route=%3Csip:sip.example.com%3E";
    await r.register({ contacts: [`<${uri}>`] });
    expect(await r.bindings()).toMatchObject([{ uri }]);
  });
});

const TORTURE = fileURLToPath(new URL("../../../shared/torture/rfc4475/", import.meta.url));
const files = (() => {
  try {
    return readdirSync(TORTURE).filter((name) => name.endsWith(".dat"));
  } catch {
    return [];
  }
})();

/** What RFC 4475 expects a registrar to make of its REGISTER messages; `bound` counts the contacts of its answer. */
const VERDICTS = {
  escnull: { status: 200, bound: 2 },
  dblreq: { status: 200, bound: 1 },
  cparam01: { status: 200, bound: 1 },
  cparam02: { status: 200, bound: 1 },
  regescrt: { status: 200, bound: 1 },
  regbadct: { status: 400, bound: 0 },
  unksm2: { status: 400, bound: 0 },
} as const;

describe.skipIf(files.length === 0)("A9: REGISTER messages of RFC 4475", () => {
  it.each(Object.entries(VERDICTS))("%s", async (name, { status, bound }) => {
    const text = readFileSync(`${TORTURE}${name}.dat`, "latin1");
    const parsed = parseMessage(text);
    if (!parsed.ok || parsed.message.kind !== "request") throw new Error("not parsed");
    const r = rig();
    expect(await r.registrar.receive(parsed.message, r.leg, testFlow())).toBe(status);
    expect(contactsOf(parseResponse(r.leg.sent[0]!))).toHaveLength(bound);
  });
});

describe("A9: what an answer cannot be made for", () => {
  it.each(["To", "CSeq", "Call-ID"])("without %s: 400", async (name) => {
    const r = rig();
    const text = registerText({ contacts: [PHONE] }).replace(new RegExp(`^${name}: .*\r\n`, "m"), "");
    expect(r.registrar.receive(parseRequest(text), r.leg, testFlow())).toBe(400);
    expect(r.leg.sent).toHaveLength(1);
  });

  it("without Via nobody is answered, and the chain goes on", () => {
    const r = rig();
    expect(r.registrar.receive(parseRequest(registerText({ vias: [] })), r.leg, testFlow())).toBeUndefined();
    expect(r.leg.sent).toEqual([]);
  });
});
