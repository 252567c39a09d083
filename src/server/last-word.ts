import type { SipRequest } from "../message/message.js";
import type { HeaderField } from "../message/result.js";
import { ok, type Result, reject } from "../message/result.js";
import { parseSipUri, uriScheme } from "../message/uri.js";
import { bareHost } from "../message/via.js";

/** What a server says of itself in answers to OPTIONS, and of requests that nobody in the chain took. */
export interface Capabilities {
  /** Methods that some receiver handles, in the order to announce them. */
  readonly allow: readonly string[];
  /** Option tags that are switched on (RFC 3261 §20.37). */
  readonly supported: readonly string[];
  /** Does this host, lower case and without brackets, with this port (or none) name the server itself? */
  readonly isOwnHost: (host: string, port: number | null) => boolean;
}

/** Methods of RFC 3261 and its extensions: those we know by name, whether or not somebody here handles them. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  "INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK SUBSCRIBE NOTIFY PUBLISH INFO REFER MESSAGE UPDATE".split(
    " ",
  ),
);

/** What the server does itself, whatever it carries to others. */
const OWN: readonly string[] = ["REGISTER", "OPTIONS"];

/** Is this a method that some SIP RFC defines? */
export function isKnownMethod(method: string): boolean {
  return KNOWN_METHODS.has(method);
}

/**
 * The chain's last word on a request that no receiver took: a request is never met with silence (RFC 3261 §8.2).
 * OPTIONS to the server itself: 200 (§11.2). A method that no RFC knows: 501 (§21.5.2). A scheme we do not serve: 416
 * (§8.2.2.1). An extension we lack: 420 (§8.2.2.3). A user or domain that is not here: 404; else 405 with Allow (§8.2.1).
 */
export function lastWord(request: SipRequest, can: Capabilities): Result<readonly HeaderField[]> {
  const { method } = request;
  const allow: HeaderField = { name: "Allow", value: can.allow.join(", ") };
  if (!isKnownMethod(method)) return reject(501, "Not Implemented", [allow]);
  if (method === "CANCEL") return reject(481, "Call/Transaction Does Not Exist");
  const uri = parseSipUri(request.uri);
  if (uri === undefined) {
    return /^sips?$/.test(uriScheme(request.uri) ?? "")
      ? reject(400, "Malformed Request-URI")
      : reject(416, "Unsupported URI Scheme");
  }
  const lacking = [
    ...request.headers.optionTags("require"),
    ...request.headers.optionTags("proxy-require"),
  ].filter((tag) => !can.supported.includes(tag));
  if (lacking.length > 0)
    return reject(420, "Bad Extension", [{ name: "Unsupported", value: lacking.join(", ") }]);
  const toServer = uri.user === null && can.isOwnHost(bareHost(uri.host), uri.port);
  if (method === "OPTIONS" && toServer) {
    return ok([
      allow,
      { name: "Accept", value: "application/sdp" },
      { name: "Accept-Encoding", value: "identity" },
      { name: "Accept-Language", value: "en" },
      { name: "Supported", value: can.supported.join(", ") },
    ]);
  }
  if (method === "REGISTER" || (can.allow.includes(method) && !toServer)) return reject(404, "Not Found");
  // §21.4.6: the methods of this very address; what is carried to others' is not among them
  return reject(405, "Method Not Allowed", [toServer ? { name: "Allow", value: OWN.join(", ") } : allow]);
}
