import type { PeerCertificate } from "node:tls";
import { describe, expect, it } from "vitest";
import { sipIdentities } from "../../src/transport/peer-identity.js";

/** The parts of a certificate that identities are read from, as Node writes them. */
function certificate(subjectaltname: string | undefined, commonName?: string): PeerCertificate {
  const subject = commonName === undefined ? {} : { CN: commonName };
  return { subject, ...(subjectaltname === undefined ? {} : { subjectaltname }) } as PeerCertificate;
}

describe("SIP domain identities of a certificate (RFC 5922 §7.1)", () => {
  it.each([
    ["sip URIs", "URI:sip:example.com, URI:SIP:Example.NET", ["example.com", "example.net"]],
    [
      "sip URIs alone, though there are DNS names",
      "DNS:host.example.com, URI:sip:example.com",
      ["example.com"],
    ],
    ["no URI with a user part", "URI:sip:alice@example.com, DNS:example.com", ["example.com"]],
    [
      "no URI of another scheme",
      "URI:https://example.com, URI:sips:example.org, DNS:example.com",
      ["example.com"],
    ],
    ["host of a URI with parameters", "URI:sip:example.com:5061;transport=tls", ["example.com"]],
    [
      "DNS names",
      "DNS:a.example.com, DNS:B.example.com, DNS:a.example.com",
      ["a.example.com", "b.example.com"],
    ],
    ["a wildcard as it is", "DNS:*.example.com", ["*.example.com"]],
    ["no addresses and no mail", "IP Address:192.0.2.1, email:a@example.com", []],
    [
      "nothing smuggled in behind a comma",
      'DNS:"evil.example, DNS:example.com"',
      ["evil.example, dns:example.com"],
    ],
    ["nothing that is malformed", 'DNS:"evil\\x, URI:sip:example.com', []],
  ])("%s", (_name, names, expected) => {
    expect(sipIdentities(certificate(names, "ignored.example.com"))).toEqual(expected);
  });

  it("the common name when there is no alternative name", () => {
    expect(sipIdentities(certificate(undefined, "Example.com"))).toEqual(["example.com"]);
    expect(sipIdentities(certificate(undefined, "Alice Smith"))).toEqual([]);
    expect(sipIdentities(certificate(undefined))).toEqual([]);
  });
});
