import { describe, expect, it } from "vitest";
import { type ServiceRouteRule, serviceRoute } from "../../src/extension/service-route.js";
import { rig } from "../registrar/rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";
const HSP = "<sip:hsp.example.com;lr>";
const P2 = "<sip:p2.example.com;lr>";

const on = (rules: readonly ServiceRouteRule[]) => rig({ extensions: [serviceRoute(rules)] });

describe("C8: Service-Route (RFC 3608 §6.3)", () => {
  it("in every 200, a fetch, a refresh and a removal included, and the same each time", async () => {
    const r = on([{ routes: [P2, HSP] }]);
    for (const parts of [
      { contacts: [PHONE] },
      {},
      { contacts: [PHONE], cseq: 2 },
      { contacts: ["*"], expires: 0, cseq: 3 },
    ]) {
      const answer = await r.register(parts);
      expect(answer.status).toBe(200);
      expect(answer.headers.all("service-route")).toEqual([`${P2}, ${HSP}`]);
    }
  });

  it("in no error", async () => {
    const answer = await on([{ routes: [HSP] }]).register({ contacts: [PHONE], expires: 1 });
    expect(answer.headers.has("service-route")).toBe(false);
  });

  const rules: readonly ServiceRouteRule[] = [
    { domain: "example.com", user: "alice", routes: ["<sip:alice.example.com;lr>"] },
    { user: "%62oss", routes: ["<sip:boss.example.com;lr>"] },
    { domain: "Example.com", routes: ["<sip:domain.example.com;lr>"] },
    { domain: "quiet.example", routes: [] },
    { domain: "example.com", user: "late", routes: ["<sip:late.example.com;lr>"] },
    { routes: ["<sip:others.example.com;lr>"] },
  ];

  it.each([
    ["the user in the domain", "alice@example.com", "<sip:alice.example.com;lr>"],
    ["the user elsewhere", "alice@example.org", "<sip:others.example.com;lr>"],
    ["a user of any domain", "boss@example.org", "<sip:boss.example.com;lr>"],
    ["a user's rule before the domain's", "boss@example.com", "<sip:boss.example.com;lr>"],
    ["the domain", "bob@example.com", "<sip:domain.example.com;lr>"],
    ["the first rule that fits, not the nearest", "late@example.com", "<sip:domain.example.com;lr>"],
    ["a rule with no routes", "bob@quiet.example", undefined],
    ["everybody else", "bob@example.net", "<sip:others.example.com;lr>"],
  ])("by domain and user: %s", async (_what, address, route) => {
    const [, domain] = address.split("@");
    const answer = await on(rules).register({
      uri: `sip:${domain}`,
      to: `<sip:${address}>`,
      contacts: [PHONE],
    });
    expect(answer.headers.get("service-route")).toBe(route);
  });

  it("no rule that fits: no header field", async () => {
    const answer = await on([{ domain: "example.org", routes: [HSP] }]).register({ contacts: [PHONE] });
    expect(answer.status).toBe(200);
    expect(answer.headers.has("service-route")).toBe(false);
  });

  it.each([
    ["no brackets", "sip:hsp.example.com;lr"],
    ["no lr", "<sip:hsp.example.com>"],
    ["lr as a header parameter", "<sip:hsp.example.com>;lr"],
    ["another scheme", "<tel:+15551234>"],
    ["nonsense", "<"],
  ])("a route that is none is refused when it is given: %s", (_what, route) => {
    expect(() => serviceRoute([{ routes: [route] }])).toThrow(TypeError);
  });

  it("a user that can be none is refused, too", () => {
    expect(() => serviceRoute([{ user: "a b", routes: [] }])).toThrow(TypeError);
    expect(() => serviceRoute([{ user: "alice@example.com", routes: [] }])).toThrow(TypeError);
  });
});
