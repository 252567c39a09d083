import { parseDigits } from "../message/grammar.js";
import type { SipRequest } from "../message/message.js";
import { ok, type Result, reject } from "../message/result.js";
import { type SipUri, uriScheme } from "../message/uri.js";
import type { Self } from "./self.js";

/** What a valid request says about how far it may still go. */
export interface Validated {
  readonly uri: SipUri;
  /** For the copies, already counted down. */
  readonly maxForwards: number;
  /** Incoming Max-Breadth (RFC 5393 §5.3.2), at most ours. */
  readonly maxBreadth: number;
}

/** §16.6 step 3: for a request that has none. */
const DEFAULT_MAX_FORWARDS = 70;

/** RFC 5393 §5.3.3: for a request that has none, and the most that we take. */
const MAX_BREADTH = 60;

/**
 * Request validation (RFC 3261 §16.3), on top of what `checkRequest` has seen: URI scheme, Max-Forwards, Proxy-Require.
 * @param supported option tags of extensions that we know as a proxy
 * @param self tells which requests are for this server itself
 * @returns 400, 416, 420 with Unsupported, 440, or 483
 */
export function validate(request: SipRequest, supported: readonly string[], self: Self): Result<Validated> {
  const uri = request.sipUri;
  if (uri === undefined) {
    const scheme = uriScheme(request.uri);
    return scheme === "sip" || scheme === "sips"
      ? reject(400, "Malformed Request-URI")
      : reject(416, "Unsupported URI Scheme");
  }
  const maxForwards = headerNumber(request, "max-forwards", 255);
  if (maxForwards === null) return reject(400, "Malformed Max-Forwards");
  if (maxForwards === 0 && !endsHere(request, uri, self)) return reject(483, "Too Many Hops");
  if (request.headers.has("proxy-require")) {
    const unknown = request.headers.optionTags("proxy-require").filter((tag) => !supported.includes(tag));
    if (unknown.length > 0)
      return reject(420, "Bad Extension", [{ name: "Unsupported", value: unknown.join(", ") }]);
  }
  const breadth = headerNumber(request, "max-breadth", Number.POSITIVE_INFINITY) ?? MAX_BREADTH;
  // RFC 5393 §5.3.3: nothing is left to give to a copy
  if (breadth === 0 && !endsHere(request, uri, self)) return reject(440, "Max-Breadth Exceeded");
  return ok({
    uri,
    maxForwards: (maxForwards ?? DEFAULT_MAX_FORWARDS + 1) - 1,
    // a value that is none counts as absent
    maxBreadth: Math.min(breadth, MAX_BREADTH),
  });
}

/** OPTIONS that ask for this very server, as those who trace a route do (§11): they need no further hop. */
function endsHere({ method, headers }: SipRequest, uri: SipUri, self: Self): boolean {
  return method === "OPTIONS" && uri.user === null && self.speaksFor(uri) && !headers.has("route");
}

/** `undefined` when absent, `null` when no whole number up to `most`. */
function headerNumber(request: SipRequest, name: string, most: number): number | undefined | null {
  const text = request.headers.get(name);
  if (text === undefined) return undefined;
  const value = parseDigits(text);
  return value === undefined || value > most ? null : value;
}

/**
 * Has this very request passed here before (RFC 5393 §4.2.2)? The mark is a keyed hash, so a Via that holds it is ours,
 * whatever address it names.
 */
export function isLooping(request: SipRequest, mark: string): boolean {
  const { headers } = request;
  for (let i = headers.indexOf("via"); i >= 0; i = headers.indexOf("via", i + 1))
    if (headers.valueAt(i).includes(mark)) return true;
  return false;
}
