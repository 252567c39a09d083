import { indexOutside } from "../message/grammar.js";
import type { SipRequest, SipResponse } from "../message/message.js";
import { stampVia } from "../message/via.js";
import type { Endpoint } from "../port/leg.js";

/** How the copy that goes to one target differs from the request that came (RFC 3261 §16.6). */
export interface Copy {
  /** Step 2: Request-URI. */
  readonly uri: string;
  /** Step 8: the value of our own Via. */
  readonly via: string;
  /** Step 4: Record-Route values of ours, topmost first. */
  readonly recordRoutes: readonly string[];
  /** Steps 4 and 6 of §16.4 and §16.6: every Route value, topmost first; `null` leaves the lines as they are. */
  readonly routes: readonly string[] | null;
  /** Step 3: what Max-Forwards says from here on. */
  readonly maxForwards: number;
  /** RFC 5393 §5.3.3. */
  readonly maxBreadth: number;
  /** Realm whose Proxy-Authorization was meant for us and goes no further (§22.3), or `null`. */
  readonly consumedRealm: string | null;
  /** Does what the caller asserts of its identity go no further (RFC 3325 §5)? */
  readonly dropsAsserted: boolean;
}

/** What a network asserts of a caller to those who trust it (RFC 3325 §9.1, §9.2), and what phones showed before that was written. */
const ASSERTED: ReadonlySet<string> = new Set([
  "p-asserted-identity",
  "p-preferred-identity",
  "remote-party-id",
]);

/**
 * The text of a request as it is forwarded (§16.6 steps 1 to 9): our own fields on top, everything else as it came, in
 * one piece where possible.
 * @param source where the request came from, for its topmost Via (§18.2.1)
 */
export function forwardText(request: SipRequest, source: Endpoint, copy: Copy): string {
  let out = `${request.method} ${copy.uri} SIP/2.0\r\nVia: ${copy.via}\r\n`;
  for (const value of copy.recordRoutes) out += `Record-Route: ${value}\r\n`;
  out += `${stampedVia(request, source)}\r\n`;
  if (copy.routes !== null) for (const value of copy.routes) out += `Route: ${value}\r\n`;
  out += `Max-Forwards: ${copy.maxForwards}\r\nMax-Breadth: ${copy.maxBreadth}\r\n`;
  return out + remainder(request, copy);
}

/** The line of the topmost Via with where it came from, and with what else stands on that line. */
function stampedVia(request: SipRequest, source: Endpoint): string {
  const { via, headers } = request;
  if (via === undefined) return headers.lineAt(headers.indexOf("via"));
  const value = headers.valueAt(headers.indexOf("via"));
  const comma = endOfFirst(value);
  const rest = comma < 0 ? "" : value.slice(comma);
  return `Via: ${stampVia(via, source.address, source.port)}${rest}`;
}

/** Index of the comma behind the first value of a line, or -1 when there is one value only. */
function endOfFirst(value: string): number {
  return value.includes(",") ? indexOutside(value, 0x2c, 0) : -1;
}

/** Every line that is not written anew, runs of neighbours in one slice, and the body. */
function remainder(request: SipRequest, copy: Copy): string {
  const { headers, text } = request;
  const topVia = headers.indexOf("via");
  let out = "";
  let runStart = -1;
  let runEnd = 0;
  let hasLength = false;
  for (let i = 0; i < headers.length; i++) {
    const name = headers.nameAt(i);
    if (name === "content-length") hasLength = true;
    if (i === topVia || isReplaced(name, copy) || isConsumed(request, name, i, copy)) {
      if (runStart >= 0) out += text.slice(runStart, runEnd);
      runStart = -1;
    } else {
      if (runStart < 0) runStart = headers.startAt(i);
      runEnd = headers.endAt(i) + 2;
    }
  }
  if (runStart >= 0) out += text.slice(runStart, runEnd);
  if (!hasLength) out += `Content-Length: ${request.body.length}\r\n`;
  return `${out}\r\n${request.body}`;
}

function isReplaced(name: string, copy: Copy): boolean {
  if (copy.dropsAsserted && ASSERTED.has(name)) return true;
  return name === "max-forwards" || name === "max-breadth" || (name === "route" && copy.routes !== null);
}

function isConsumed(request: SipRequest, name: string, index: number, copy: Copy): boolean {
  return (
    copy.consumedRealm !== null &&
    name === "proxy-authorization" &&
    request.headers.valueAt(index).includes(`realm="${copy.consumedRealm}"`)
  );
}

/**
 * A response without its topmost Via (§16.7 step 3), everything else as it came.
 * @returns `undefined` when no other Via is left: the response was for us
 */
export function withoutTopVia(response: SipResponse): string | undefined {
  const { headers, text } = response;
  const first = headers.indexOf("via");
  if (first < 0) return undefined;
  const value = headers.valueAt(first);
  const comma = endOfFirst(value);
  if (comma < 0 && headers.indexOf("via", first + 1) < 0) return undefined;
  const kept = comma < 0 ? "" : `Via: ${value.slice(comma + 1).trimStart()}\r\n`;
  const end = headers.endAt(headers.length - 1) + 2;
  const length = headers.has("content-length") ? "" : `Content-Length: ${response.body.length}\r\n`;
  return `${text.slice(0, headers.startAt(first))}${kept}${text.slice(headers.endAt(first) + 2, end)}${length}\r\n${response.body}`;
}
