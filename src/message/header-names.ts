/**
 * Names of header fields: one lower-case spelling inside, whatever case or compact form came in (RFC 3261 §7.3.1, §7.3.3).
 */

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
  o: "event",
  r: "refer-to",
  s: "subject",
  t: "to",
  u: "allow-events",
  v: "via",
  x: "session-expires",
  y: "identity",
};

const KNOWN = [
  "Accept",
  "Accept-Contact",
  "Allow",
  "Allow-Events",
  "Authorization",
  "CSeq",
  "Call-ID",
  "Contact",
  "Content-Encoding",
  "Content-Length",
  "Content-Type",
  "Date",
  "Event",
  "Expires",
  "From",
  "Identity",
  "Max-Breadth",
  "Max-Forwards",
  "Min-Expires",
  "Path",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "Proxy-Require",
  "Reason",
  "Record-Route",
  "Refer-To",
  "Referred-By",
  "Reject-Contact",
  "Request-Disposition",
  "Require",
  "Retry-After",
  "Route",
  "Server",
  "Service-Route",
  "Session-Expires",
  "Subject",
  "Supported",
  "Timestamp",
  "To",
  "Unsupported",
  "User-Agent",
  "Via",
  "WWW-Authenticate",
  "Warning",
] as const;

/** Every spelling met often, to its one name: a look-up without a copy for nearly all of the traffic. */
const spellings = new Map<string, string>();
for (const name of KNOWN) {
  const canonical = name.toLowerCase();
  for (const spelling of [name, canonical, name.toUpperCase()]) spellings.set(spelling, canonical);
}
for (const [letter, canonical] of Object.entries(COMPACT)) {
  spellings.set(letter, canonical);
  spellings.set(letter.toUpperCase(), canonical);
}

/** The one name inside for a header name in any case or compact form: `"v"`, `"VIA"` and `"Via"` are `"via"`. */
export function canonicalName(name: string): string {
  return spellings.get(name) ?? canonicalUncommon(name);
}

function canonicalUncommon(name: string): string {
  const lower = name.toLowerCase();
  return spellings.get(lower) ?? lower;
}
