import { describe, expect, it } from "vitest";
import {
  type AuthorizeRules,
  addressIn,
  mayCallAs,
  mayRegister,
  needsCredentials,
} from "../../src/auth/policy.js";
import { SipRequest } from "../../src/message/message.js";
import { parseMessage } from "../../src/message/parse.js";
import { parseSipUri } from "../../src/message/uri.js";

const com = new Set(["example.com"]);
const both = new Set(["example.com", "example.org"]);

/** Status of the decision: 0 lets through. */
function register(
  user: string,
  to: string,
  domains: ReadonlySet<string> | null,
  rules: AuthorizeRules = {},
): number {
  const decision = mayRegister({ user, realm: "example.com" }, addressIn(parseSipUri(to)!), domains, rules);
  return decision.ok ? 0 : decision.status;
}

describe("RFC 3261 §10.3 step 4: whose bindings a user may change", () => {
  it.each([
    ["alice", "sip:alice@example.com", com, 0],
    ["alice", "sips:alice@example.com:5061;transport=tls", com, 0],
    ["alice", "sip:alice@EXAMPLE.com", com, 0],
    ["alice", "sip:%61lice@example.com", com, 0],
    ["alice", "sip:bob@example.com", com, 403],
    ["alice", "sip:Alice@example.com", com, 403],
    ["alice", "sip:alice2@example.com", com, 403],
    ["alic", "sip:alice@example.com", com, 403],
    ["alice", "sip:alice@example.org", com, 403],
    ["alice", "sip:alice@evilexample.com", com, 403],
    ["alice", "sip:alice@example.org", both, 0],
    ["alice", "sip:alice@anything.example", null, 0],
    ["alice", "sip:example.com", com, 403],
    ["", "sip:example.com", com, 403],
    // credentials that name the domain too
    ["alice@example.com", "sip:alice@example.com", com, 0],
    ["alice@EXAMPLE.com", "sip:alice@example.com", com, 0],
    ["alice@example.com", "sip:bob@example.com", com, 403],
    ["alice@example.org", "sip:alice@example.com", both, 403],
    ["alice@example.org", "sip:alice@example.org", both, 0],
    ["alice@example.com@example.org", "sip:alice@example.org", both, 403],
    ["@example.com", "sip:example.com", com, 403],
    // a user part with an escaped at sign is a name of its own
    ["alice", "sip:alice%40example.com@example.com", com, 403],
  ] as const)("%s on %s", (user, to, domains, status) => {
    expect(register(user, to, domains)).toBe(status);
  });
});

describe("third-party registration, by rule", () => {
  const rules: AuthorizeRules = {
    registerFor: {
      gateway: ["*@example.com"],
      "operator@example.com": ["*"],
      alice: ["bob@example.com", "Carol@Example.Com"],
      "mallory@example.org": ["*"],
    },
  };
  it.each([
    ["gateway", "sip:bob@example.com", 0],
    ["gateway", "sip:bob@example.org", 403],
    ["gateway", "sip:bob@evilexample.com", 403],
    ["operator", "sip:bob@example.org", 0],
    ["alice", "sip:bob@example.com", 0],
    ["alice", "sip:Carol@example.com", 0],
    ["alice", "sip:carol@example.com", 403],
    ["alice", "sip:dave@example.com", 403],
    ["alice", "sip:alice@example.com", 0],
    ["bob", "sip:alice@example.com", 403],
    // a rule for the user of another realm
    ["mallory", "sip:bob@example.com", 403],
    // names of what every object has
    ["constructor", "sip:bob@example.com", 403],
    ["__proto__", "sip:bob@example.com", 403],
  ])("%s on %s", (user, to, status) => {
    expect(register(user, to, com, rules)).toBe(status);
  });

  it("says nothing about calls", () => {
    const from = addressIn(parseSipUri("sip:bob@example.com")!);
    const identity = { user: "gateway", realm: "example.com" };
    expect(mayCallAs(identity, from, com, rules).ok).toBe(false);
    expect(mayCallAs(identity, from, com, { callAs: { gateway: ["*@example.com"] } }).ok).toBe(true);
  });
});

function request(method: string, lines: readonly string[]): SipRequest {
  const parsed = parseMessage(`${[`${method} sip:bob@example.com SIP/2.0`, ...lines].join("\r\n")}\r\n\r\n`);
  if (!parsed.ok || !(parsed.message instanceof SipRequest)) throw new Error("no request");
  return parsed.message;
}

describe("RFC 3261 §22.1: which requests are asked for credentials", () => {
  const outside = ["To: <sip:bob@example.com>"];
  // who stands in the path of a dialog can tell whether a request is in it; a To tag and a Route prove nothing
  const claimed = ["To: <sip:bob@example.com>;tag=1", "Route: <sip:example.com;lr>"];
  it.each([
    ["REGISTER", outside, true, false],
    ["INVITE", outside, false, true],
    ["MESSAGE", outside, false, true],
    ["SUBSCRIBE", outside, false, true],
    ["OPTIONS", outside, false, true],
    ["ACK", outside, false, false],
    ["CANCEL", outside, false, false],
    ["INVITE", claimed, false, true],
    ["BYE", claimed, false, true],
  ] as const)("%s with %j: registrar %s, proxy %s", (method, lines, registrar, proxy) => {
    expect(needsCredentials("registrar", request(method, lines))).toBe(registrar);
    expect(needsCredentials("proxy", request(method, lines))).toBe(proxy);
  });
});
