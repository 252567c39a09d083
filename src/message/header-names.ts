/**
 * Names of header fields: one lower-case spelling inside, whatever case or compact form came in (RFC 3261 §7.3.1, §7.3.3).
 */
import { isToken } from "./grammar.js";
import { NameTable } from "./name-table.js";

/** Compact forms by the IANA registry of SIP header fields. */
const COMPACT: Readonly<Record<string, string>> = {
  a: "accept-contact",
  b: "referred-by",
  c: "content-type",
  d: "request-disposition",
  e: "content-encoding",
  f: "from",
  i: "call-id",
  j: "reject-contact",
  k: "supported",
  l: "content-length",
  m: "contact",
  n: "identity-info",
  o: "event",
  r: "refer-to",
  s: "subject",
  t: "to",
  u: "allow-events",
  v: "via",
  x: "session-expires",
  y: "identity",
};

/** What is met often; every other name works as well, at the price of a copy. */
const KNOWN = (
  "accept accept-contact accept-encoding accept-language alert-info allow allow-events authorization call-id call-info " +
  "contact content-disposition content-encoding content-language content-length content-type cseq date error-info event " +
  "expires feature-caps flow-timer from history-info identity identity-info in-reply-to max-breadth max-forwards " +
  "mime-version min-expires min-se organization p-asserted-identity p-preferred-identity path priority privacy " +
  "proxy-authenticate proxy-authorization proxy-require rack reason record-route refer-to referred-by reject-contact " +
  "replaces request-disposition require retry-after route rseq server service-route session-expires subject " +
  "subscription-state supported timestamp to unsupported user-agent via warning www-authenticate"
).split(" ");

const names = new NameTable([...KNOWN.map((name) => [name, name] as const), ...Object.entries(COMPACT)]);

/** The one name inside for a header name in any case or compact form: `"v"`, `"VIA"` and `"Via"` are `"via"`. */
export function canonicalName(name: string): string {
  return names.find(name, 0, name.length) ?? name.toLowerCase();
}

/** As {@link canonicalName}, for what stands in a text; `undefined` when that is no token, and so no name (§25.1). */
export function canonicalNameAt(text: string, from: number, end: number): string | undefined {
  const known = names.find(text, from, end);
  if (known !== undefined) return known;
  const name = text.slice(from, end);
  return isToken(name) ? name.toLowerCase() : undefined;
}
