import { parseNameAddr } from "../message/name-addr.js";
import { type Rejection, reject } from "../message/result.js";
import type { Flow } from "../port/leg.js";
import type { RegisterDraft } from "../registrar/draft.js";
import type { RegistrarExtension } from "../registrar/extension.js";

export interface PathOptions {
  /**
   * What to do with a Path when the phone does not say that it supports it: `"reject"` with 420, as RFC 3327 §5.3
   * recommends, so that a phone notices a proxy that should not be there; or `"accept"`. `"reject"` when not given.
   */
  readonly withoutSupport?: "reject" | "accept";
  /** May this peer add a Path? One that may not is refused with 403. Everybody may when not given. */
  readonly trusts?: (from: Flow) => boolean;
  /** Most elements of one Path; 16 when not given. More are refused with 400. */
  readonly maxElements?: number;
}

const MALFORMED = reject(400, "Malformed Path");
const UNSUPPORTED = reject(420, "Bad Extension", [{ name: "Unsupported", value: "path" }]);
const UNTRUSTED = reject(403, "Path Not Accepted From Here");

/**
 * Path (RFC 3327 §5.3): the proxies that a REGISTER came through and that requests to the phone must go through again.
 * Kept with each contact of the request, and echoed in its 200.
 */
export function path(options: PathOptions = {}): RegistrarExtension {
  const { withoutSupport = "reject", trusts, maxElements = 16 } = options;
  return {
    name: "path",
    optionTag: "path",
    examine(draft: RegisterDraft): Rejection | undefined {
      const { headers } = draft.request;
      if (!headers.has("path")) return undefined;
      const hops = headers.list("path", maxElements);
      if (hops === undefined || hops.length === 0) return MALFORMED;
      if (!hops.every(isPathValue)) return MALFORMED;
      if (withoutSupport === "reject" && !draft.supports("path")) return UNSUPPORTED;
      if (trusts !== undefined && !trusts(draft.from)) return UNTRUSTED;
      draft.path = hops;
      return undefined;
    },
    answer: ({ path: hops }) => (hops.length === 0 ? "" : `Path: ${hops.join(", ")}\r\n`),
  };
}

/**
 * A SIP or SIPS URI as name-addr, so in brackets (RFC 3327 §4), and without header fields, which no URI in a Route may have
 * (RFC 3261 §19.1.1, table 1).
 */
function isPathValue(hop: string): boolean {
  const uri = parseNameAddr(hop)?.sipUri;
  // no display name starts so
  return uri !== undefined && uri.headers === null && !/^sips?:/i.test(hop);
}
