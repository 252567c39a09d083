import type { Binding } from "../location/binding.js";
import { parseSipUri, type SipUri } from "../message/uri.js";
import { type Hop, hostOf, parseReceived, routeUri } from "./hop.js";
import type { Self } from "./self.js";

/**
 * Which way to a contact that was registered over UDP and without Path, but names another address than it was registered
 * from: a phone behind a NAT, or one that points elsewhere. `source`: always to where the REGISTER came from.
 * `contact`: as the contact says (RFC 3261 §16.6), whoever asks.
 */
export type FarContacts = "source" | "contact";

/** Where one copy of a request goes. */
export interface Destination {
  /** Request-URI of the copy. */
  readonly uri: string;
  /** Route values to put in front of those there are: the Path of a binding (RFC 3327 §5.4). */
  readonly path: readonly string[];
  readonly hop: Hop;
  /** Is it one of our own users? */
  readonly local: boolean;
  /** Is its flow the only way to it, whatever its Contact says? */
  readonly nat: boolean;
  /** Most that its Max-Breadth may be: its share, where it leads back to this server; 0 when none was left. See `shareOut`. */
  readonly breadth?: number;
}

/** Does a copy that goes there come back to this server? */
export function leadsBack({ hop }: Destination, self: Self): boolean {
  switch (hop.kind) {
    case "connection":
      return false;
    case "udp":
      return self.isServer(hop.peer.address, hop.peer.port);
    case "uri":
      return self.isServer(hostOf(hop.uri), hop.uri.port);
  }
}

/**
 * The way to a binding: over the connection it was made on and no other; through its Path; or over UDP to its contact, or
 * to where it was registered from when that is another address (RFC 3327 §5.4, RFC 5626 §7).
 * @returns `undefined` when nothing leads to it: a contact of another scheme, or `.invalid` without a flow
 */
export function bindingDestination(binding: Binding, far: FarContacts, self: Self): Destination | undefined {
  const { uri, path } = binding;
  const sipUri = parseSipUri(uri);
  if (sipUri === undefined) return undefined;
  const to = (hop: Hop, nat: boolean): Destination => ({
    uri: requestUri(uri, sipUri),
    path,
    hop,
    local: true,
    nat,
  });
  if (binding.flow !== null) return to({ kind: "connection", token: binding.flow }, true);
  if (path.length > 0) {
    const first = routeUri(path[0]!);
    return first === undefined ? undefined : to({ kind: "uri", uri: first }, false);
  }
  const received = parseReceived(binding.received);
  const toSelf = self.isServer(hostOf(sipUri), sipUri.port);
  if (received !== undefined && received.transport === "udp" && !toSelf) {
    // RFC 5626 §7: a binding with reg-id is reached over the flow of its REGISTER
    const overFlow = binding.regId !== null || (far === "source" && hostOf(sipUri) !== received.address);
    if (overFlow) return to({ kind: "udp", peer: received }, true);
  }
  return isInvalid(sipUri.host) ? undefined : to({ kind: "uri", uri: sipUri }, false);
}

/** Browsers register contacts like `sip:x@y.invalid`, which only their connection reaches (RFC 7118 §6). */
function isInvalid(host: string): boolean {
  return host.endsWith(".invalid") || host === "invalid";
}

/** §16.6 step 2: what may not stand in a Request-URI goes: the header fields of the URI, and its method (§19.1.1, table 1). */
export function requestUri(text: string, uri: SipUri): string {
  if (uri.headers === null && !uri.params.some(({ name }) => name === "method")) return text;
  const question = text.indexOf("?");
  const plain = question < 0 ? text : text.slice(0, question);
  return plain.replace(/;method=[^;]*/i, "");
}
