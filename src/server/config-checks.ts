import { isIP } from "node:net";
import { isRuleUser, isServiceRoute } from "../extension/service-route.js";
import { type Parsed, parseAddress } from "./config-values.js";

/** One element of Service-Route (RFC 3608 §5), as it is written. */
export function parseServiceRoute(text: string): Parsed<string> {
  return isServiceRoute(text)
    ? { value: text }
    : { problem: `${JSON.stringify(text)} is no route; expected one such as <sip:edge.example.com;lr>` };
}

/** User part of an address-of-record (RFC 3261 §25.1), as it is written. */
export function parseUserPart(text: string): Parsed<string> {
  return isRuleUser(text)
    ? { value: text }
    : { problem: `${JSON.stringify(text)} is no user part; expected such as alice` };
}

/** What a browser names as the origin of a page (RFC 6454 §6.1): `scheme://host[:port]`, with one slash behind it or none. */
export function parseOrigin(text: string): Parsed<string> {
  const origin = text.endsWith("/") ? text.slice(0, -1) : text;
  const url =
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\\\s]+$/i.test(origin) && URL.canParse(origin)
      ? new URL(origin)
      : undefined;
  if (url === undefined || url.host === "") {
    return {
      problem: `${JSON.stringify(text)} is no origin; expected scheme://host[:port], such as https://phone.example.com`,
    };
  }
  // as browsers write it: without the port that the scheme stands for
  return { value: `${url.protocol}//${url.host}` };
}

/** A name server: an IP address, with a port or without, IPv6 in brackets where one follows. */
export function parseNameServer(text: string): Parsed<string> {
  if (isIP(text) !== 0) return { value: text };
  const parsed = parseAddress(text, 53);
  return "value" in parsed && isIP(parsed.value.host) !== 0 && parsed.value.port !== 0
    ? { value: text }
    : { problem: `${JSON.stringify(text)} is no name server; expected IP or IP:PORT, IPv6 in brackets` };
}

/** A realm, without what would have to be escaped in a challenge or cannot stand there (RFC 3261 §20.27, §25.1). */
export function parseRealm(text: string): Parsed<string> {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f || code > 0xff || code === 0x22 || code === 0x5c)
      return { problem: "must be latin1 without quote, backslash, line end or other control character" };
  }
  return text === "" ? { problem: "must not be empty" } : { value: text };
}
