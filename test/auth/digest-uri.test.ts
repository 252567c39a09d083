import { describe, expect, it } from "vitest";
import { digestUriFits } from "../../src/auth/digest-uri.js";

const isOwn = (host: string, port: number | null): boolean =>
  host === "example.com" || (host === "192.0.2.1" && (port === null || port === 5060));

describe("RFC 8760 §2.6 item 6: the digest-uri must be for this request", () => {
  it.each([
    ["the same text", "sip:example.com", "sip:example.com"],
    ["equal by §19.1.4", "sip:EXAMPLE.com;Transport=UDP", "sip:example.com;transport=udp"],
    ["parameters left out", "sip:example.com", "sip:example.com;transport=tcp"],
    ["the default port left out", "sip:biloxi.com", "sip:biloxi.com:5060"],
    ["the port left out (sipsak)", "sip:biloxi.com", "sip:biloxi.com:15060"],
    ["sip for sips", "sip:biloxi.com", "sips:biloxi.com"],
    ["the address that was sent to, for the domain (sipp)", "sip:192.0.2.1:5060", "sip:example.com"],
    ["the domain for the address", "sip:example.com", "sip:192.0.2.1"],
    ["escapes", "sip:%61lice@biloxi.com", "sip:alice@biloxi.com"],
    ["the user at another name of ours", "sip:bob@192.0.2.1", "sip:bob@biloxi.com"],
    ["a tel URI", "tel:+15551234", "tel:+15551234"],
    ["a tel URI in another case", "TEL:+15551234", "tel:+15551234"],
  ])("%s", (_, digestUri, requestUri) => {
    expect(digestUriFits(digestUri, requestUri, isOwn)).toBe(true);
  });

  it.each([
    ["another domain", "sip:biloxi.com", "sip:example.com"],
    ["another user", "sip:bob@example.com", "sip:alice@example.com"],
    ["a user where there is none", "sip:bob@example.com", "sip:example.com"],
    ["no user where there is one", "sip:example.com", "sip:alice@example.com"],
    ["the case of a user", "sip:Alice@example.com", "sip:alice@example.com"],
    ["another port", "sip:biloxi.com:5080", "sip:biloxi.com:5060"],
    ["our address, another server's port", "sip:192.0.2.1:5070", "sip:biloxi.com"],
    ["a longer domain", "sip:evilexample.com", "sip:example.com"],
    ["nothing", "", "sip:example.com"],
    ["nonsense", "/dir/index.html", "sip:example.com"],
    ["another number", "tel:+15551235", "tel:+15551234"],
    ["another scheme", "sip:+15551234@example.com", "tel:+15551234"],
  ])("not %s", (_, digestUri, requestUri) => {
    expect(digestUriFits(digestUri, requestUri, isOwn)).toBe(false);
  });
});
