import { describe, expect, it } from "vitest";
import { bindingsOf, gruu } from "../../src/extension/gruu.js";
import { outbound } from "../../src/extension/outbound.js";
import { path } from "../../src/extension/path.js";
import { parseNameAddr } from "../../src/message/name-addr.js";
import { param } from "../../src/message/params.js";
import { equalSipUris, parseSipUri } from "../../src/message/uri.js";
import { nodeHasher } from "../../src/server/hasher.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { contactsOf, type RegisterParts, rig } from "../registrar/rig.js";

const UUID = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6";
const DEVICE = `+sip.instance="<${UUID}>"`;
const SUPPORTED = "Supported: gruu";
const contact = (host = 1, device = DEVICE) => `<sip:callee@192.0.2.${host}>;${device}`;

function on(key = "a secret of the domain") {
  const extension = gruu({ hasher: nodeHasher(), entropy: seededEntropy(11), key });
  const r = rig({ extensions: [path(), outbound(), extension] });
  /** Registers, and gives back the GRUUs of each contact in the 200. */
  const gruus = async (parts: RegisterParts) => {
    const answer = await r.register({ lines: [SUPPORTED], ...parts });
    expect(answer.status).toBe(200);
    return contactsOf(answer).map((value) => {
      const { params } = parseNameAddr(value)!;
      return { pub: param(params, "pub-gruu"), temp: param(params, "temp-gruu") };
    });
  };
  /** What a call to a URI leads to: the contacts in the order to try them, or the status. */
  const call = async (uri: string | undefined) => {
    const target = extension.resolve(parseSipUri(uri!)!);
    if (target === undefined || !target.ok) return target?.status;
    const found = bindingsOf(target, await r.registrar.lookup(target.aor));
    return found.ok ? found.value.map((binding) => binding.uri) : found.status;
  };
  return { ...r, gruus, call };
}

describe("C7: GRUUs in the 200 (RFC 5627 §5.2)", () => {
  it("a public one: the AoR with the instance in gr (§5.1, §A.1), and a temporary one with gr alone", async () => {
    const [first] = await on().gruus({ contacts: [contact()] });
    expect(first?.pub).toBe(`sip:alice@example.com;gr=${UUID}`);
    expect(first?.temp).toMatch(/^sip:tgruu\.[A-Za-z0-9_-]+@example\.com;gr$/);
    expect(equalSipUris(parseSipUri(first!.pub!)!, parseSipUri("sip:alice@example.com")!)).toBe(true);
  });

  it("a port in To stays in them: they must lead to the server (§5.4)", async () => {
    const r = on();
    const [first] = await r.gruus({
      to: "<sip:alice@192.0.2.1:5070>",
      uri: "sip:192.0.2.1:5070",
      contacts: [contact()],
    });
    expect(first?.pub).toBe(`sip:alice@192.0.2.1:5070;gr=${UUID}`);
    expect(first?.temp).toMatch(/@192\.0\.2\.1:5070;gr$/);
    expect(await r.call(first?.temp)).toEqual(["sip:callee@192.0.2.1"]);
  });

  it.each([
    ["gruu is not supported", { lines: [] }, contact()],
    ["there is no instance", {}, "<sip:callee@192.0.2.1>"],
  ])("none when %s", async (_what, parts, value) => {
    const gruus = await on().gruus({ contacts: [value], ...parts });
    expect(gruus).toEqual([{ pub: undefined, temp: undefined }]);
  });

  it("the gruu tag stands neither in Supported nor in Require of the answer; Require: gruu is understood", async () => {
    const answer = await on().register({ contacts: [contact()], lines: [SUPPORTED, "Require: gruu"] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("supported")).toBe("path, outbound");
    expect(answer.headers.has("require")).toBe(false);
  });

  it("a phone cannot suggest its own (§5.1): what it says in these parameters is neither used nor kept", async () => {
    const r = on();
    const [first] = await r.gruus({
      contacts: [`${contact()};pub-gruu="sip:eve@example.com;gr=x";temp-gruu="sip:tgruu.eve@example.com;gr"`],
    });
    expect(first?.pub).toBe(`sip:alice@example.com;gr=${UUID}`);
    expect(first?.temp).not.toContain("eve");
    expect(await r.bindings()).toMatchObject([{ params: `;${DEVICE}` }]);
  });

  it("sip GRUUs for a sip contact, sips GRUUs for a sips one (RFC 5630 §5.2.1)", async () => {
    const [first] = await on().gruus({
      uri: "sips:example.com",
      contacts: [`<sips:callee@192.0.2.1>;${DEVICE}`],
    });
    expect(first?.pub).toBe(`sips:alice@example.com;gr=${UUID}`);
    expect(first?.temp).toMatch(/^sips:tgruu\./);
  });

  it("of every binding that has an instance, on a fetch, too", async () => {
    const r = on();
    await r.gruus({ contacts: [contact()] });
    await r.gruus({ contacts: ["<sip:callee@192.0.2.9>"], callId: "other" });
    const gruus = await r.gruus({ callId: "fetch" });
    expect(gruus.map(({ pub, temp }) => [pub !== undefined, temp !== undefined])).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it("users and instances that need escapes make valid URIs that lead back", async () => {
    const r = on();
    const [first] = await r.gruus({
      to: "<sip:a%22l%3Ai%40ce%3c@example.com>",
      contacts: ['<sip:callee@192.0.2.1>;+sip.instance="<urn:x:\\"1;2=3\\">"'],
    });
    expect(await r.call(first?.pub)).toEqual(["sip:callee@192.0.2.1"]);
    expect(await r.call(first?.temp)).toEqual(["sip:callee@192.0.2.1"]);
  });
});

describe("C7: contacts that would lead in a circle, or nowhere (§5.1)", () => {
  it.each([
    ["the AoR", "<sip:alice@example.com>", 403],
    ["the AoR in other words", "<sip:%61lice@EXAMPLE.com;x=1>", 403],
    ["its public GRUU", `<sip:alice@example.com;gr=${UUID}>`, 403],
    ["another instance's public GRUU of the AoR", "<sip:alice@example.com;gr=urn:x:2>", 403],
    ["a URI that is not SIP", "<tel:+15551234>", 403],
    ["another user's GRUU", `<sip:bob@example.com;gr=${UUID}>`, 200],
    ["the AoR's user elsewhere", "<sip:alice@192.0.2.1>", 200],
  ])("%s: %s is %i", async (_what, value, status) => {
    const r = on();
    expect((await r.register({ contacts: [`${value};${DEVICE}`], lines: [SUPPORTED] })).status).toBe(status);
  });

  it("its temporary GRUU", async () => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()] });
    const again = await r.register({ contacts: [`<${first?.temp}>;${DEVICE}`], cseq: 2, lines: [SUPPORTED] });
    expect(again.status).toBe(403);
  });

  it("without an instance, and for a removal, the rules of RFC 3261 alone hold", async () => {
    const r = on();
    expect((await r.register({ contacts: ["<sip:alice@example.com>"] })).status).toBe(200);
    const removal = await r.register({
      contacts: [`<sip:alice@example.com>;${DEVICE};expires=0`],
      callId: "x",
    });
    expect(removal.status).toBe(200);
  });
});

describe("C7: how long GRUUs hold (§5.1, §5.3, §5.4)", () => {
  it("the public one is the same after refresh, reboot and re-registration", async () => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()], callId: "a" });
    const [rebooted] = await r.gruus({ contacts: [contact(2)], callId: "b" });
    await r.register({ contacts: ["*"], expires: 0, callId: "c" });
    const [back] = await r.gruus({ contacts: [contact(3)], callId: "d" });
    expect(rebooted?.pub).toBe(first?.pub);
    expect(back?.pub).toBe(first?.pub);
    expect(await r.call(first?.pub)).toEqual(["sip:callee@192.0.2.3"]);
  });

  it("each refresh brings a new temporary one, and the old ones hold as well", async () => {
    const r = on();
    const temps: (string | undefined)[] = [];
    for (let cseq = 1; cseq <= 3; cseq++) {
      const [one] = await r.gruus({ contacts: [contact()], cseq });
      temps.push(one?.temp);
      r.clock.advance(10_000);
    }
    expect(new Set(temps).size).toBe(3);
    for (const temp of temps) expect(await r.call(temp)).toEqual(["sip:callee@192.0.2.1"]);
  });

  it.each([
    ["the same contact", contact(1)],
    ["another contact of the device", contact(2)],
  ])("another Call-ID ends all temporary ones (404): %s", async (_what, value) => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()], callId: "a" });
    const [second] = await r.gruus({ contacts: [value], callId: "b" });
    expect(await r.call(first?.temp)).toBe(404);
    expect(await r.call(second?.temp)).toHaveLength(1);
    const [back] = await r.gruus({ contacts: [value], callId: "a", cseq: 9 });
    expect(await r.call(first?.temp)).toBe(404);
    expect(await r.call(second?.temp)).toBe(404);
    expect(await r.call(back?.temp)).toHaveLength(1);
  });

  it("another device's Call-ID ends none", async () => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()], callId: "a" });
    await r.gruus({ contacts: [contact(2, '+sip.instance="<urn:x:2>"')], callId: "b" });
    expect(await r.call(first?.temp)).toEqual(["sip:callee@192.0.2.1"]);
  });

  it.each([
    ["expired", async (r: ReturnType<typeof on>) => r.clock.advance(300_000)],
    [
      "was removed",
      async (r: ReturnType<typeof on>) => r.register({ contacts: [`${contact()};expires=0`], cseq: 2 }),
    ],
    [
      "was removed with *",
      async (r: ReturnType<typeof on>) => r.register({ contacts: ["*"], expires: 0, cseq: 2 }),
    ],
  ])(
    "when the last binding %s, the public one is 480 and the temporary ones are over for good",
    async (_what, end) => {
      const r = on();
      const [first] = await r.gruus({ contacts: [contact()], cseq: 1 });
      await end(r);
      expect(await r.call(first?.pub)).toBe(480);
      expect(await r.call(first?.temp)).toBe(404);
      await r.gruus({ contacts: [contact()], cseq: 3 });
      expect(await r.call(first?.pub)).toEqual(["sip:callee@192.0.2.1"]);
      expect(await r.call(first?.temp)).toBe(404);
    },
  );

  it("a phone that begins to support GRUUs while bound gets them", async () => {
    const r = on();
    await r.register({ contacts: [contact()], cseq: 1 });
    const [first] = await r.gruus({ contacts: [contact()], cseq: 2 });
    expect(await r.call(first?.temp)).toHaveLength(1);
  });

  it("a retransmission writes nothing", async () => {
    const r = on();
    await r.gruus({ contacts: [contact()] });
    const before = await r.bindings();
    r.clock.advance(1000);
    await r.gruus({ contacts: [contact()] });
    expect(await r.bindings()).toEqual(before);
  });
});

describe("C7: flows of one instance (RFC 5626 and RFC 5627 §5.1)", () => {
  const flow = (regId: number, callId: string, cseq = 1): RegisterParts => ({
    contacts: [`${contact(regId)};reg-id=${regId}`],
    callId,
    cseq,
    lines: ["Supported: gruu, outbound, path"],
  });

  it("a second flow, under its own Call-ID, ends no temporary GRUU; they lead to both flows, the latest first", async () => {
    const r = on();
    const [first] = await r.gruus(flow(1, "a"));
    r.clock.advance(1000);
    const [, second] = await r.gruus(flow(2, "b"));
    const both = ["sip:callee@192.0.2.2", "sip:callee@192.0.2.1"];
    expect(await r.call(first?.temp)).toEqual(both);
    expect(await r.call(second?.temp)).toEqual(both);
    expect(await r.call(first?.pub)).toEqual(both);
  });

  it("a flow registered anew with another Call-ID ends those of every flow of the instance", async () => {
    const r = on();
    const [first] = await r.gruus(flow(1, "a"));
    const [, second] = await r.gruus(flow(2, "b"));
    const after = await r.gruus(flow(1, "c"));
    expect(await r.call(first?.temp)).toBe(404);
    expect(await r.call(second?.temp)).toBe(404);
    for (const { temp } of after) expect(await r.call(temp)).toHaveLength(2);
    await r.gruus(flow(2, "b", 2));
    for (const { temp } of after) expect(await r.call(temp)).toHaveLength(2);
  });
});

describe("C7: what is no GRUU of ours (§6.1)", () => {
  it("every change to a temporary one is 404", async () => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()] });
    const user = parseSipUri(first!.temp!)!.user!;
    for (let i = "tgruu.".length; i < user.length; i++) {
      const forged = user.slice(0, i) + (user[i] === "A" ? "B" : "A") + user.slice(i + 1);
      expect(await r.call(`sip:${forged}@example.com;gr`)).toBe(404);
    }
  });

  it("a temporary one under another domain of ours is 404; its own may be written in capitals", async () => {
    const r = on();
    const [first] = await r.gruus({ contacts: [contact()] });
    expect(await r.call(first!.temp!.replace("@example.com", "@example.org"))).toBe(404);
    expect(await r.call(first!.temp!.replace("@example.com", "@example.com:5070"))).toHaveLength(1);
    expect(await r.call(first!.temp!.replace("@example.com", "@EXAMPLE.com"))).toHaveLength(1);
  });

  it("one made with another key is 404", async () => {
    const [theirs] = await on("another secret").gruus({ contacts: [contact()] });
    const r = on();
    await r.gruus({ contacts: [contact()] });
    expect(await r.call(theirs?.temp)).toBe(404);
  });

  it.each([
    ["gr without value", "sip:alice@example.com;gr", 404],
    ["a made-up temporary one", "sip:tgruu.AAAA@example.com;gr", 404],
    ["no user", "sip:example.com;gr=urn:x:1", 404],
    ["an instance that is not there", "sip:alice@example.com;gr=urn:x:1", 480],
    ["no gr: no GRUU", "sip:alice@example.com", undefined],
  ])("%s", async (_what, uri, status) => {
    const r = on();
    await r.gruus({ contacts: [contact()] });
    expect(await r.call(uri)).toBe(status);
  });

  it("gr is compared without case, as URI parameters are (RFC 3261 §19.1.4)", async () => {
    const r = on();
    await r.gruus({ contacts: [contact()] });
    expect(await r.call(`sip:alice@example.com;gr=${UUID.toUpperCase()}`)).toHaveLength(1);
  });

  it("two GRUUs tell nobody whether they are of the same AoR and instance (§5.1, property 2)", async () => {
    const r = on();
    const [one] = await r.gruus({ contacts: [contact()], cseq: 1 });
    const [same] = await r.gruus({ contacts: [contact()], cseq: 2 });
    const [other] = await r.gruus({
      to: "<sip:somebody-with-a-longer-name@example.com>",
      contacts: [contact(1, '+sip.instance="<urn:x:2>"')],
    });
    const users = [one, same, other].map((each) => parseSipUri(each!.temp!)!.user!);
    expect(new Set(users.map((user) => user.length)).size).toBe(1);
    const alike = (a: string, b: string) => [...a].filter((char, i) => char === b[i]).length;
    expect(alike(users[0]!, users[1]!)).toBeLessThan(20);
    expect(alike(users[0]!, users[2]!)).toBeLessThan(20);
  });
});
