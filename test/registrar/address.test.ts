import { describe, expect, it } from "vitest";
import { parseRequest, recordingLeg, registerText, rig, testFlow } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

describe("A8: the key of an address-of-record comes from To (RFC 3261 §10.3 step 5)", () => {
  it.each([
    [
      "URI and header parameters",
      '"Alice" <sip:alice@example.com;user=phone;x=1>;y=2',
      "sip:alice@example.com",
    ],
    ["the host's case", "<sip:alice@EXAMPLE.Com>", "sip:alice@example.com"],
    ["an addr-spec", "sip:alice@example.com", "sip:alice@example.com"],
    ["escapes are undone", "<sip:%61l%69ce@example.com>", "sip:alice@example.com"],
    ["case is kept", "<sip:Alice@example.com>", "sip:Alice@example.com"],
    ["sips names the same resource (RFC 5630 §5.2)", "<sips:alice@example.com>", "sip:alice@example.com"],
    ["a password", "<sip:alice:secret@example.com>", "sip:alice@example.com"],
    ["a number with its own parameters", "<sip:+1-555;ext=5@example.com>", "sip:+1-555;ext=5@example.com"],
  ])("%s: %s", async (_what, to, aor) => {
    const r = rig();
    expect((await r.register({ to, contacts: [PHONE] })).status).toBe(200);
    expect(await r.bindings(aor)).toHaveLength(1);
    expect((await r.store.count()).aors).toBe(1);
  });

  it("escaped characters that would change the key stay apart: %00 does not cut the user (RFC 4475 §3.1.1.4)", async () => {
    const r = rig();
    await r.register({ to: "<sip:null-%00-null@example.com>", contacts: [PHONE] });
    await r.register({ to: "<sip:null-@example.com>", contacts: [PHONE] });
    expect((await r.store.count()).aors).toBe(2);
  });
});

describe("A8: the AoR must be valid for the Request-URI's domain", () => {
  it.each([
    ["its own domain", "sip:example.com", "<sip:alice@example.com>", 200],
    ["another domain", "sip:example.org", "<sip:alice@example.com>", 404],
    ["a longer name that ends alike", "sip:evilexample.com", "<sip:alice@example.com>", 404],
    ["a subdomain", "sip:sub.example.com", "<sip:alice@example.com>", 404],
    ["in any case", "sip:EXAMPLE.com", "<sip:alice@Example.COM>", 200],
    ["with a port", "sip:example.com:5060", "<sip:alice@example.com>", 200],
    ["sips", "sips:example.com", "<sip:alice@example.com>", 200],
    [
      "with a user, which §10.2 forbids phones but many send",
      "sip:alice@example.com",
      "<sip:alice@example.com>",
      200,
    ],
    ["the server's address", "sip:192.0.2.1", "<sip:alice@example.com>", 200],
    ["the server's address and port", "sip:192.0.2.1:5060;transport=udp", "<sip:alice@example.com>", 200],
    ["another address", "sip:192.0.2.2", "<sip:alice@example.com>", 404],
    ["the server's address, IPv4-mapped", "sip:[::ffff:192.0.2.1]", "<sip:alice@example.com>", 200],
    ["a name of the server", "sip:registrar.example.net", "<sip:alice@example.com>", 200],
    ["a user longer than any address kept", "sip:example.com", `<sip:${"a".repeat(1100)}@example.com>`, 404],
    ["no user in To", "sip:example.com", "<sip:example.com>", 404],
    ["tel in To (RFC 4475 §3.3.4)", "sip:example.com", "<tel:+15551234>", 400],
    ["isbn in To", "sip:example.com", "<isbn:2983792873>", 400],
    ["tel in the Request-URI (§8.2.2.1)", "tel:+15551234", "<sip:alice@example.com>", 416],
    ["http in the Request-URI", "http://example.com", "<sip:alice@example.com>", 416],
    ["a broken Request-URI", "sip:", "<sip:alice@example.com>", 400],
  ])("%s: %s with %s is %i", async (_what, uri, to, status) => {
    const r = rig({ aliases: ["Registrar.Example.NET"] });
    const answer = await r.register({ uri, to, from: "<sip:alice@example.com>", contacts: [PHONE] });
    expect(answer.status).toBe(status);
    expect((await r.store.count()).aors).toBe(status === 200 ? 1 : 0);
  });

  it.each([
    ["localhost on a loopback leg", "127.0.0.1", "sip:localhost", 200],
    ["localhost on another", "192.0.2.1", "sip:localhost", 404],
    ["any address on a wildcard leg", "0.0.0.0", "sip:198.51.100.77", 200],
    ["an IPv6 address on a wildcard leg", "::", "sip:[2001:db8::1]:5060", 200],
    ["a name on a wildcard leg", "0.0.0.0", "sip:example.org", 404],
    ["an IPv6 leg's own", "2001:db8::1", "sip:[2001:db8::1]", 200],
  ])("%s (%s): %s is %i", async (_what, address, uri, status) => {
    const r = rig();
    const from = testFlow({ local: { address, port: 5060 } });
    expect((await r.register({ uri, contacts: [PHONE] }, from)).status).toBe(status);
  });
});

describe("A8, A9: domains the registrar is responsible for; for others the chain goes on", () => {
  const statusOf = (options: Parameters<typeof rig>[0], parts: Parameters<typeof registerText>[0]) => {
    const { registrar } = rig(options);
    const leg = recordingLeg();
    const status = registrar.receive(
      parseRequest(registerText({ contacts: [PHONE], ...parts })),
      leg,
      testFlow(),
    );
    expect(leg.sent).toHaveLength(status === undefined ? 0 : 1);
    return status;
  };

  it.each([
    ["its domain", "example.com", 200],
    ["another of its domains", "example.org", 200],
    ["a name that only ends alike", "evilexample.com", undefined],
    ["a subdomain", "sub.example.com", undefined],
    ["the domain with something behind", "example.com.evil.net", undefined],
    ["another", "example.net", undefined],
  ])("%s: %s", (_what, domain, status) => {
    const parts = { uri: `sip:${domain}`, to: `<sip:alice@${domain}>` };
    expect(statusOf({ domains: ["Example.com", "example.org"] }, parts)).toBe(status);
  });

  it.each([
    ["domain, a string", { domain: "example.com" }],
    ["domain, a list", { domain: ["example.com"] }],
    ["domains, a string", { domains: "example.com" }],
    ["both", { domain: "example.com", domains: ["example.org"] }],
  ])("option %s", (_what, options) => {
    expect(statusOf(options, {})).toBe(200);
    expect(statusOf(options, { uri: "sip:example.net", to: "<sip:alice@example.net>" })).toBeUndefined();
  });

  it("not given: every domain, an IPv6 address too", () => {
    expect(statusOf({}, { uri: "sip:anything.example", to: "<sip:alice@anything.example>" })).toBe(200);
    expect(statusOf({}, { uri: "sip:[2001:db8::5]", to: "<sip:alice@[2001:db8::5]>" })).toBe(200);
    expect(
      statusOf({ domain: "2001:db8::5" }, { uri: "sip:[2001:db8::5]", to: "<sip:alice@[2001:db8::5]>" }),
    ).toBe(200);
  });

  it("To of another scheme at one of our domains is 400, elsewhere not our matter", () => {
    expect(statusOf({ domain: "example.com" }, { to: "<tel:+15551234>" })).toBe(400);
    expect(
      statusOf({ domain: "example.com" }, { to: "<tel:+15551234>", uri: "sip:example.net" }),
    ).toBeUndefined();
  });

  it('domainHeader: "from" names the domain by From; the AoR must be one of ours all the same', () => {
    const options = { domains: ["example.com", "example.org"], domainHeader: "from" } as const;
    const parts = { uri: "sip:example.com", to: "<sip:alice@example.com>" };
    expect(statusOf(options, { ...parts, from: "<sip:boss@example.org>" })).toBe(200);
    expect(statusOf(options, { ...parts, from: "<sip:boss@example.net>" })).toBeUndefined();
    expect(
      statusOf(options, {
        uri: "sip:example.net",
        to: "<sip:a@example.net>",
        from: "<sip:boss@example.org>",
      }),
    ).toBe(404);
  });

  it("what is no REGISTER goes on along the chain", () => {
    const { registrar } = rig();
    const leg = recordingLeg();
    const options = parseRequest(registerText({}).replaceAll("REGISTER", "OPTIONS"));
    expect(registrar.receive(options, leg, testFlow())).toBeUndefined();
    expect(leg.sent).toEqual([]);
  });
});

describe("A13: third-party registration", () => {
  it("From may differ from To; whoever proved to be allowed was let through by the authoriser", async () => {
    const r = rig();
    const parts = { from: "<sip:boss@example.net>", contacts: [PHONE] };
    const context = { identity: { user: "boss", realm: "example.net" } };
    expect((await r.register(parts, testFlow(), context)).status).toBe(200);
    expect(await r.bindings("sip:alice@example.com")).toHaveLength(1);
    expect(await r.bindings("sip:boss@example.net")).toEqual([]);
  });

  it("From may be of any scheme", async () => {
    const r = rig();
    expect((await r.register({ from: "<tel:+15551234>", contacts: [PHONE] })).status).toBe(200);
  });
});
