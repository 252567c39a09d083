import { describe, expect, it } from "vitest";
import { Registrar, type RegistrarOptions } from "../../src/server/registrar.js";
import { manualClock } from "../../src/testing/clock.js";
import { parseRequest, recordingLeg, registerText, rig, testDispatcher, testFlow } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

const mounted = (options: Omit<RegistrarOptions, "dispatcher"> = {}) => {
  const leg = recordingLeg();
  const clock = manualClock();
  const dispatcher = testDispatcher(leg, clock);
  return { leg, clock, registrar: new Registrar({ dispatcher, ...options }) };
};

describe("Registrar: options, as Net::SIP::Registrar's users know them", () => {
  it("a missing dispatcher is a TypeError", () => {
    expect(() => new Registrar({} as RegistrarOptions)).toThrow(TypeError);
    expect(() => new Registrar({} as RegistrarOptions)).toThrow(/dispatcher/);
  });

  it.each([
    ["an unknown option", { maxExpire: 60 }, /maxExpire/],
    ["Perl's spelling", { max_expires: 60 }, /max_expires/],
    ["a negative interval", { minExpires: -1 }, /minExpires/],
    ["a fraction", { maxExpires: 1.5 }, /maxExpires/],
    ["a text for a number", { maxExpires: "60" }, /maxExpires/],
    ["a minimum above the maximum", { minExpires: 100, maxExpires: 60 }, /minExpires/],
    ["another header", { domainHeader: "contact" }, /domainHeader/],
    ["another policy", { overLimit: { action: "reject", status: 404 } }, /overLimit/],
    ["a pace of less than nothing", { expireEvery: -0.5 }, /expireEvery/],
    ["no contacts at all", { maxContacts: 0 }, /maxContacts/],
    ["a store that is none", { store: {} }, /store/],
    ["null for a store", { store: null }, /store/],
    ["a clock that is none", { clock: 3 }, /clock/],
    ["a clock that only tells the time", { clock: { nowMs: () => 0 } }, /clock/],
    ["a log that is none", { log: { info() {} } }, /log/],
    ["a domain that is no name", { domain: 3 }, /domain\b/],
    ["an empty domain", { domain: "" }, /domain\b/],
    ["a domain that is no name among some", { domains: ["example.com", null] }, /domains/],
    ["aliases that are no names", { aliases: [{}] }, /aliases/],
    ["extensions that are no list", { extensions: {} }, /extensions/],
    ["an isReachable that cannot be called", { isReachable: true }, /isReachable/],
  ])("%s is a TypeError that names it", (_what, options, name) => {
    expect(() => mounted(options as object)).toThrow(TypeError);
    expect(() => mounted(options as object)).toThrow(name);
  });

  it("a dispatcher that is none is a TypeError that names it", () => {
    expect(() => new Registrar({ dispatcher: {} } as RegistrarOptions)).toThrow(TypeError);
    expect(() => new Registrar({ dispatcher: {} } as RegistrarOptions)).toThrow(/dispatcher/);
  });

  it("domain and domains count together", () => {
    const { registrar, leg } = mounted({ domain: "a.example", domains: ["b.example"] });
    const to = (domain: string) =>
      registrar.receive(
        parseRequest(registerText({ uri: `sip:${domain}`, to: `<sip:alice@${domain}>`, contacts: [PHONE] })),
        leg,
        testFlow(),
      );
    expect([to("a.example"), to("b.example"), to("c.example")]).toEqual([200, 200, undefined]);
  });

  it("minExpires 30 and maxExpires 300 unless given; a memory store of its own; an answer at once", async () => {
    const { registrar, leg } = mounted();
    const send = (expires: number, cseq: number) =>
      registrar.receive(parseRequest(registerText({ contacts: [PHONE], expires, cseq })), leg, testFlow());
    expect(send(29, 1)).toBe(423);
    expect(send(301, 2)).toBe(200);
    expect(leg.sent.at(-1)).toContain(`Contact: ${PHONE};expires=300\r\n`);
    expect(await registrar.query("sip:alice@example.com")).toEqual(["sip:alice@192.0.2.7:5060"]);
    expect(await registrar.lookup("sip:alice@example.com")).toHaveLength(1);
    expect(await registrar.store.count()).toEqual({ aors: 1, bindings: 1 });
  });

  it("expire resolves to how many bindings went", async () => {
    const { registrar, leg, clock } = mounted({ expireEvery: 0 });
    await registrar.receive(parseRequest(registerText({ contacts: [PHONE], expires: 60 })), leg, testFlow());
    clock.advance(60_000);
    expect(await registrar.expire()).toBe(1);
  });

  it("a clock of its own", async () => {
    const clock = manualClock(Date.UTC(2030, 0, 1));
    const { registrar, leg } = mounted({ clock });
    await registrar.receive(parseRequest(registerText({ contacts: [PHONE] })), leg, testFlow());
    expect(leg.sent[0]).toContain("Date: Tue, 01 Jan 2030 00:00:00 GMT\r\n");
  });

  it("close closes its own store, but not one it was given", async () => {
    const own = mounted();
    await own.registrar.close();
    await expect(own.registrar.query("sip:alice@example.com")).rejects.toThrow();
    const { store } = rig();
    const given = mounted({ store });
    await given.registrar.close();
    expect(await store.read("sip:alice@example.com")).toEqual([]);
  });
});

describe("query: all live sip and sips contacts of an address, in the order to try them", () => {
  it("by preference, then the latest refreshed first; no other schemes", async () => {
    const r = rig();
    const add = async (contact: string, callId: string) => {
      await r.register({ uri: "sips:example.com", contacts: [contact], callId });
      r.clock.advance(1000);
    };
    await add("<sip:alice@192.0.2.1>;q=0.2", "1");
    await add("<sip:alice@192.0.2.2>", "2");
    await add("<tel:+15551234>", "3");
    await add("<sips:alice@192.0.2.4>", "4");
    await add("<sip:alice@192.0.2.5>;q=0.7", "5");
    expect(await r.registrar.query("sip:alice@example.com")).toEqual([
      "sips:alice@192.0.2.4",
      "sip:alice@192.0.2.2",
      "sip:alice@192.0.2.5",
      "sip:alice@192.0.2.1",
    ]);
  });

  it.each([
    ["sip:alice@example.com", 1],
    ["sips:alice@example.com", 1],
    ["alice@example.com", 1],
    ["<sip:alice@EXAMPLE.com;user=phone>", 1],
    ["sip:%61lice@example.com", 1],
    ["sip:Alice@example.com", 0],
    ["sip:alice@example.org", 0],
    ["tel:+15551234", 0],
    ["", 0],
    ["nonsense <", 0],
  ])("%j finds %i", async (address, count) => {
    const r = rig();
    await r.register({ contacts: [PHONE] });
    expect(await r.registrar.query(address)).toHaveLength(count);
  });
});
