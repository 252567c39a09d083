import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { CredentialSource, DigestAlgorithm } from "../../src/auth/source.js";
import { SipRequest } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import { Authorize } from "../../src/server/authorize.js";
import type { AuthorizeOptions } from "../../src/server/authorize-options.js";
import { manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { sharedSecrets } from "../auth/secrets.js";
import { answering, credentials, passwords, recordingLeg, request, rig, udpFlow } from "./authorize-rig.js";

describe("RFC 3261 §22.2: a registrar asks for credentials", () => {
  it("answers 401 with realm, nonce, qop and algorithm", async () => {
    const { status, answer, challenges } = await rig().ask(request());
    expect(status).toBe(401);
    expect(answer?.status).toBe(401);
    expect(answer?.toTag).toMatch(/^[0-9a-f]{16}$/);
    expect(answer?.headers.has("proxy-authenticate")).toBe(false);
    expect(challenges).toHaveLength(1);
    expect(challenges[0]).toMatchObject({ realm: "example.com", qop: "auth", algorithm: "MD5" });
    expect(challenges[0]).not.toHaveProperty("stale");
  });

  it("passes on who answers the challenge, with an identity", async () => {
    const { ask, challenge, authorize } = rig();
    const right = await ask(answering(await challenge()));
    expect(right.status).toBeUndefined();
    expect(right.text).toBe("");
    expect(right.context.identity).toEqual({ user: "alice", realm: "example.com" });
    expect(authorize.counters).toMatchObject({ challenged: 1, accepted: 1 });
  });

  it.each(["INVITE", "OPTIONS", "ACK", "CANCEL", "MESSAGE"])("has no say in %s", async (method) => {
    const { status, text, context } = await rig().ask(request({ method }));
    expect(status).toBeUndefined();
    expect(text).toBe("");
    expect(context.identity).toBeUndefined();
  });

  it("passes on what is for no realm of ours", async () => {
    const { ask } = rig({ realms: [{ realm: "example.com" }] });
    expect((await ask(request({ to: "sip:alice@example.net" }))).status).toBeUndefined();
  });

  it("asks nobody while it is open, and everybody again when it is not", async () => {
    let open = true;
    const { ask } = rig({ open: () => open });
    expect((await ask(request())).status).toBeUndefined();
    open = false;
    expect((await ask(request())).status).toBe(401);
  });

  it("asks no one twice who was identified before it", async () => {
    const { authorize } = rig();
    const context = { identity: { user: "alice", realm: "example.com" } };
    const { leg, sent } = recordingLeg();
    expect(authorize.receive(request(), leg, udpFlow(), context)).toBeUndefined();
    expect(sent).toEqual([]);
  });

  it("§22: Basic is never believed", async () => {
    // alice:secret
    const basic = request({ headers: ["Authorization: Basic YWxpY2U6c2VjcmV0"] });
    expect((await rig().ask(basic)).status).toBe(401);
  });

  const regaut01 = "../shared/torture/rfc4475/regaut01.dat";
  it.runIf(existsSync(regaut01))(
    "RFC 4475 §3.3.7 regaut01: a scheme nobody knows is asked for ours",
    async () => {
      const parsed = parseMessage(readFileSync(regaut01, "latin1"));
      if (!parsed.ok || !(parsed.message instanceof SipRequest)) throw new Error("no request");
      expect((await rig().ask(parsed.message)).status).toBe(401);
    },
  );
});

describe("RFC 3261 §22.3: a proxy asks for credentials", () => {
  const proxy = { purpose: "proxy" } as const;
  const invite = {
    method: "INVITE",
    uri: "sip:bob@example.com",
    to: "sip:bob@example.com",
    from: "sip:alice@example.com",
  };
  const answer = { method: "INVITE", uri: "sip:bob@example.com" };

  it("answers 407 with Proxy-Authenticate, and believes Proxy-Authorization", async () => {
    const { ask } = rig(proxy);
    const asked = await ask(request(invite));
    expect(asked.status).toBe(407);
    expect(asked.answer?.headers.has("www-authenticate")).toBe(false);
    const right = await ask(answering(asked.challenges[0]!, answer, invite));
    expect(right.status).toBeUndefined();
    expect(right.context.identity).toEqual({ user: "alice", realm: "example.com" });
  });

  it("does not believe Authorization", async () => {
    const { ask, challenge } = rig(proxy);
    const header = `Authorization: ${credentials(await challenge(request(invite)), answer)}`;
    expect((await ask(request({ ...invite, headers: [header] }))).status).toBe(407);
  });

  it("lets strangers call in: they cannot have credentials", async () => {
    const { ask } = rig({ realms: [{ realm: "example.com" }], ...proxy });
    expect((await ask(request({ ...invite, from: "sip:carol@chicago.example" }))).status).toBeUndefined();
  });

  it("§26.1.2: nobody calls in another's name", async () => {
    const { ask, challenge } = rig(proxy);
    const asBob = { ...invite, from: "sip:bob@example.com" };
    const outcome = await ask(answering(await challenge(request(asBob)), answer, asBob));
    expect(outcome.status).toBe(403);
    expect(outcome.context.identity).toBeUndefined();
  });

  it("a challenge of the registrar is none of the proxy's", async () => {
    const entropy = seededEntropy(7);
    const secrets = sharedSecrets();
    const registrar = rig({ secrets, entropy });
    const other = rig({ ...proxy, secrets, entropy });
    const challenge = await registrar.challenge();
    const outcome = await other.ask(answering(challenge, answer, invite));
    expect(outcome.status).toBe(407);
    expect(outcome.challenges[0]).not.toHaveProperty("stale");
  });

  it.each(["ACK", "CANCEL"])("§22.1: %s is never asked", async (method) => {
    expect((await rig(proxy).ask(request({ ...invite, method }))).status).toBeUndefined();
  });
});

describe("RFC 7616, RFC 8760: each algorithm registers a client", () => {
  const all: readonly DigestAlgorithm[] = ["SHA-512-256", "SHA-256", "MD5"];
  it.each(
    all.flatMap((algorithm) => [
      [algorithm, "auth", false] as const,
      [algorithm, "auth", true] as const,
      [algorithm, "auth-int", false] as const,
      [algorithm, "auth-int", true] as const,
    ]),
  )("%s, qop %s, session variant %s", async (algorithm, qop, session) => {
    const { ask } = rig({ algorithms: all, qop: ["auth", "auth-int"] });
    const { challenges } = await ask(request());
    const offered = challenges.find((challenge) => challenge.algorithm === algorithm)!;
    const body = "v=0\r\n";
    const right = await ask(answering(offered, { qop, session, body }, { body }));
    expect(right.context.identity?.user).toBe("alice");
  });

  it("RFC 8760 §2.3: one challenge for each, in the order of preference", async () => {
    const { ask } = rig({ algorithms: ["SHA-256", "MD5"] });
    const { challenges } = await ask(request());
    expect(challenges.map(({ algorithm }) => algorithm)).toEqual(["SHA-256", "MD5"]);
  });

  it("a weaker algorithm than was offered is not believed, although its response is right", async () => {
    const { ask, challenge } = rig({ algorithms: ["SHA-256"] });
    const outcome = await ask(answering(await challenge(), { algorithm: "MD5" }));
    expect(outcome.status).toBe(401);
    expect(outcome.context.identity).toBeUndefined();
  });

  it("auth-int: a body that was changed on the way is not believed", async () => {
    const { ask, challenge } = rig({ qop: ["auth-int"] });
    const outcome = await ask(
      answering(await challenge(), { qop: "auth-int", body: "a=1" }, { body: "a=2" }),
    );
    expect(outcome.status).toBe(401);
  });

  it("an algorithm that a user has no HA1 for is a wrong password", async () => {
    const md5Only: CredentialSource = {
      ha1: (user, realm, algorithm) =>
        algorithm === "MD5" ? passwords({ alice: "secret" }).ha1(user, realm, algorithm) : null,
    };
    const { ask } = rig({ source: md5Only, algorithms: ["SHA-256", "MD5"] });
    const { challenges } = await ask(request());
    expect((await ask(answering(challenges[0]!))).status).toBe(401);
    expect((await ask(answering(challenges[1]!))).context.identity?.user).toBe("alice");
  });

  describe("responses without qop (RFC 2069)", () => {
    it("are not believed unless the realm allows them", async () => {
      const { ask, challenge } = rig();
      expect((await ask(answering(await challenge(), { qop: null }))).status).toBe(401);
    });

    it("where they are allowed, each nonce serves one request", async () => {
      const { ask, challenge } = rig({ allowWithoutQop: true });
      const nonce = await challenge();
      expect((await ask(answering(nonce, { qop: null }))).context.identity?.user).toBe("alice");
      const again = await ask(answering(nonce, { qop: null }, { cseq: 1827 }));
      expect(again.status).toBe(401);
      expect(again.challenges[0]).toMatchObject({ stale: "true" });
      expect((await ask(answering(nonce, { qop: null }, {}))).context.identity?.user).toBe("alice");
    });
  });
});

describe("RFC 3261 §22.1: several realms", () => {
  const realms = [
    { realm: "example.com", algorithms: ["MD5"] },
    { realm: "Other House", domains: ["example.org", "example.net"], algorithms: ["SHA-256"] },
  ] as const;
  const source: CredentialSource = {
    ha1: (user, realm, algorithm) =>
      passwords({ alice: `secret of ${realm}` }, realm).ha1(user, realm, algorithm),
  };

  it.each([
    ["sip:alice@example.com", "example.com", "MD5"],
    ["sip:alice@example.org", "Other House", "SHA-256"],
    ["sip:alice@EXAMPLE.NET", "Other House", "SHA-256"],
  ])("%s is asked by %s with %s", async (to, realm, algorithm) => {
    const { ask } = rig({ realms, source });
    const uri = to.replace("alice@", "").toLowerCase();
    const asked = await ask(request({ to, uri }));
    expect(asked.challenges).toEqual([expect.objectContaining({ realm, algorithm })]);
    const right = await ask(
      answering(asked.challenges[0]!, { password: `secret of ${realm}`, uri }, { to, uri }),
    );
    expect(right.context.identity).toEqual({ user: "alice", realm });
  });

  it("credentials of one realm are worth nothing in the other", async () => {
    const { ask, challenge } = rig({ realms, source });
    const header = credentials(await challenge(), {
      password: "secret of example.com",
      uri: "sip:example.org",
    });
    const to = { to: "sip:alice@example.org", uri: "sip:example.org" };
    expect((await ask(request({ ...to, headers: [`Authorization: ${header}`] }))).status).toBe(401);
  });

  it("the nonce of one realm is worth nothing in the other", async () => {
    const { ask, challenge } = rig({ realms, source });
    const { nonce } = await challenge();
    const forged = { realm: "Other House", nonce: nonce!, algorithm: "SHA-256" };
    const to = { to: "sip:alice@example.org", uri: "sip:example.org" };
    const outcome = await ask(
      answering(forged, { password: "secret of Other House", uri: "sip:example.org" }, to),
    );
    expect(outcome.status).toBe(401);
    expect(outcome.challenges[0]).not.toHaveProperty("stale");
  });

  it("several Authorization fields: ours is found among them", async () => {
    const { ask, challenge } = rig();
    const other =
      'Authorization: Digest username="x", realm="elsewhere", nonce="1", uri="sip:x", response="2"';
    const ours = `Authorization: ${credentials(await challenge())}`;
    expect((await ask(request({ headers: [other, ours] }))).context.identity?.user).toBe("alice");
  });

  it("each domain its own realm, when none is named", async () => {
    const { ask } = rig({ source, eachDomain: true });
    expect((await ask(request())).challenges[0]).toMatchObject({ realm: "example.com" });
  });
});

describe("RFC 7616 §3.4.6: the digest-uri", () => {
  it("for another resource is refused with 400, although its response is right", async () => {
    const { ask, challenge, authorize } = rig();
    const outcome = await ask(answering(await challenge(), { uri: "sip:biloxi.com" }));
    expect(outcome.status).toBe(400);
    expect(outcome.context.identity).toBeUndefined();
    expect(authorize.counters.mismatched).toBe(1);
  });

  it.each([
    ["the address of our leg (sipp)", "sip:198.51.100.1:5060"],
    ["the domain with parameters", "sip:example.com;transport=udp"],
    ["the domain in another case", "sip:Example.COM"],
    ["the same, IPv4-mapped", "sip:[::ffff:198.51.100.1]:5060"],
    ["a further name of this server", "sip:sip.example.com:5060"],
  ])("%s is as good", async (_, uri) => {
    const { ask, challenge } = rig({ aliases: ["sip.example.com"] });
    const outcome = await ask(answering(await challenge(), { uri }));
    expect(outcome.context.identity?.user).toBe("alice");
  });

  it("the response is over the digest-uri as sent, and another one does not fit it", async () => {
    const { ask, challenge } = rig();
    const outcome = await ask(answering(await challenge(), { overrides: { uri: '"sip:Example.com"' } }));
    expect(outcome.status).toBe(401);
  });

  it("what cannot be read is 400", async () => {
    const { ask } = rig();
    expect((await ask(request({ headers: ['Authorization: Digest username="alice'] }))).status).toBe(400);
  });
});

describe("RFC 3261 §10.3 step 4: alice's credentials", () => {
  it.each([
    ["alice", "sip:alice@example.com", undefined],
    ["alice", "sip:%61lice@example.com", undefined],
    ["alice", "sip:bob@example.com", 403],
    ["alice", "sip:Alice@example.com", 403],
    ["bob", "sip:alice@example.com", 403],
  ] as const)("%s on %s: %s", async (user, to, status) => {
    const { ask, challenge } = rig();
    const password = user === "alice" ? "secret" : "hush";
    const outcome = await ask(answering(await challenge(request({ to })), { user, password }, { to }));
    expect(outcome.status).toBe(status);
    expect(outcome.context.identity?.user).toBe(status === undefined ? user : undefined);
  });

  it("A13: on bob's address, when a rule allows it", async () => {
    const { ask, challenge } = rig({ rules: { registerFor: { alice: ["bob@example.com"] } } });
    const to = { to: "sip:bob@example.com", from: "sip:alice@example.com" };
    expect((await ask(answering(await challenge(), {}, to))).context.identity?.user).toBe("alice");
  });

  it("with the domain in the user name", async () => {
    const { ask, challenge } = rig({ source: passwords({ "alice@example.com": "secret" }) });
    const outcome = await ask(answering(await challenge(), { user: "alice@example.com" }));
    expect(outcome.context.identity?.user).toBe("alice@example.com");
  });
});

describe("options", () => {
  const dispatcher = {
    clock: manualClock(),
    entropy: seededEntropy(1),
    legs: [],
    findFlow: () => undefined,
    onFlowClosed: () => () => {},
  };
  const source = passwords({});
  it.each([
    ["an option nobody knows", { dispatcher, source, relam: "x" }, /unknown option relam/],
    ["no dispatcher", { source }, /dispatcher is mandatory/],
    ["no source", { dispatcher }, /source is mandatory/],
    ["a source that is none", { dispatcher, source: {} }, /source is mandatory/],
    ["another purpose", { dispatcher, source, purpose: "gateway" }, /purpose/],
    ["nonces without life", { dispatcher, source, nonceSeconds: 0 }, /nonceSeconds/],
    ["nonces that live for ever", { dispatcher, source, nonceSeconds: 1e9 }, /nonceSeconds/],
    ["keys that change too fast", { dispatcher, source, nonceSeconds: 300, keySeconds: 300 }, /keySeconds/],
    [
      "keys that change too fast for long nonces",
      { dispatcher, source, nonceSeconds: 86_400, keySeconds: 86_400 },
      /keySeconds/,
    ],
    ["no room for nonces", { dispatcher, source, nonceCapacity: 0 }, /nonceCapacity/],
    ["an algorithm nobody knows", { dispatcher, source, algorithms: ["SHA-1"] }, /SHA-1/],
  ])("%s", (_, options, message) => {
    const make = (): Authorize => new Authorize(options as unknown as AuthorizeOptions);
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it("nonces may live for a day", async () => {
    const { ask, challenge, clock } = rig({ nonceSeconds: 86_400 });
    const nonce = await challenge();
    clock.advance(86_400_000);
    expect((await ask(answering(nonce))).context.identity?.user).toBe("alice");
  });
});

describe("a caller whose From names this server by its address claims to be a user of ours", () => {
  const call = (from: string) => request({ method: "INVITE", uri: "sip:bob@example.com", from });
  const ours = {
    purpose: "proxy",
    domains: ["example.com"],
    aliases: ["203.0.113.1", "2001:db8::1"],
  } as const;

  it.each([
    "sip:alice@198.51.100.1",
    "sip:alice@198.51.100.1:5060",
    "sip:alice@203.0.113.1",
    "sip:alice@[2001:db8::1]:5060",
    // RFC 4291 §2.5.5.2: an IPv4 address as an IPv6 one
    "sip:alice@[::ffff:198.51.100.1]",
    "sip:alice@[::FFFF:c633:6401]:5060",
    "sip:alice@[0:0:0:0:0:ffff:203.0.113.1]",
    "sip:alice@example.com.",
    "sip:alice@EXAMPLE.com.:5060",
  ])("%s: 407, and let through with credentials", async (from) => {
    const { ask } = rig(ours);
    const asked = await ask(call(from));
    expect(asked.status).toBe(407);
    const parts = { method: "INVITE", uri: "sip:bob@example.com", from };
    const right = await ask(answering(asked.challenges[0]!, parts, parts));
    expect(right.context.identity?.user).toBe("alice");
    const again = (await ask(call(from))).challenges[0]!;
    const other = { ...parts, user: "bob", password: "hush" };
    expect((await ask(answering(again, other, parts))).status).toBe(403);
  });

  it.each([
    ["another server on the same machine", "sip:alice@198.51.100.1:5099"],
    ["another address", "sip:alice@198.51.100.2"],
    ["another address, IPv4-mapped", "sip:alice@[::ffff:198.51.100.2]"],
    ["our address in an IPv6 one that is not mapped", "sip:alice@[64:ff9b::198.51.100.1]"],
    ["a longer name", "sip:alice@example.com.evil.example.net"],
    ["a number, which is in no domain", "tel:+15551234"],
  ])("%s is none of ours: asked for nothing", async (_, from) => {
    expect((await rig(ours).ask(call(from))).status).toBeUndefined();
  });
});
