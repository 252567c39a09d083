import type { Hasher } from "../auth/source.js";
import { type Rejection, reject } from "../message/result.js";
import type { DispatcherPort } from "../port/dispatcher.js";
import type { Endpoint, Flow, Leg } from "../port/leg.js";
import { fromBase64Url, octetsOfHex, toBase64Url } from "./base64url.js";

/** A flow that a token led to, and the leg that sends on it. */
export interface TokenFlow {
  readonly ok: true;
  readonly flow: Flow;
  readonly leg: Leg;
}

/**
 * Flow tokens for the user part of Path and Record-Route URIs (RFC 5626 §5.2): they name a flow, and nobody else can make
 * one. Nothing is kept of them, so they stay good as long as their flow does.
 */
export interface FlowTokens {
  /** The token of a flow: base64url, good as a user part as it is. */
  sign(flow: Flow): string;
  /** What a token says: 403 when it was tampered with or is none (§5.3.1). Whether the flow lives is not looked at. */
  read(user: string): FlowName | Rejection;
  /** The live flow a token names: 403 when it was tampered with, 430 when the flow is gone (§5.3.1). */
  find(user: string, dispatcher: DispatcherPort): TokenFlow | Rejection;
}

/** What a flow token names: a connection by its own token, or the two ends of a UDP flow, this side's being the one a NAT knows. */
export type FlowName =
  | { readonly ok: true; readonly kind: "connection"; readonly token: string }
  | { readonly ok: true; readonly kind: "udp"; readonly remote: Endpoint; readonly local: Endpoint };

/** 80 bits, as in the example algorithm of §5.2. */
const MAC_OCTETS = 10;
const TAMPERED = reject(403, "Flow Token Not Ours");
const GONE = reject(430, "Flow Failed");

/** @param key latin1 text that every server of the same phones knows, and nobody else */
export function flowTokens(hasher: Hasher, key: string): FlowTokens {
  const mac = (text: string): string =>
    octetsOfHex(hasher.hmac(key, `flow ${text}`).slice(0, MAC_OCTETS * 2));
  const read = (user: string): FlowName | Rejection => {
    const octets = fromBase64Url(user);
    if (octets === undefined || octets.length <= MAC_OCTETS) return TAMPERED;
    const text = octets.slice(MAC_OCTETS);
    if (!hasher.equal(mac(text), octets.slice(0, MAC_OCTETS))) return TAMPERED;
    return nameIn(text) ?? TAMPERED;
  };
  return {
    sign(flow) {
      const text = textOf(flow);
      return toBase64Url(mac(text) + text);
    },
    read,
    find(user, dispatcher) {
      const name = read(user);
      if (!name.ok) return name;
      if (name.kind === "udp") return udpFlow(name.remote, name.local, dispatcher.legs) ?? GONE;
      const found = dispatcher.findFlow(name.token);
      return found?.flow.alive === true ? { ok: true, flow: found.flow, leg: found.leg } : GONE;
    },
  };
}

/** `c` and the token of a connection; for UDP `u` and both sides, since the token names the peer alone. */
function textOf({ isConnection, token, address, port, local }: Flow): string {
  return isConnection ? `c ${token}` : `u ${address} ${port} ${local.address} ${local.port}`;
}

function nameIn(text: string): FlowName | undefined {
  const [kind, first = "", second, third, fourth] = text.split(" ");
  if (kind === "c") return { ok: true, kind: "connection", token: first };
  if (kind !== "u" || second === undefined || third === undefined || fourth === undefined) return undefined;
  const remote = { address: first, port: Number(second) };
  return { ok: true, kind: "udp", remote, local: { address: third, port: Number(fourth) } };
}

/** The flow on the very UDP leg that the phone's NAT has let in; another leg would not reach it. */
function udpFlow(remote: Endpoint, local: Endpoint, legs: readonly Leg[]): TokenFlow | undefined {
  for (const leg of legs) {
    if (leg.transport !== "udp" || leg.local.port !== local.port || !isAt(leg, local.address)) continue;
    const flow = leg.connect(remote);
    if (!(flow instanceof Promise)) return { ok: true, flow, leg };
  }
  return undefined;
}

function isAt(leg: Leg, address: string): boolean {
  return leg.local.address === address || leg.local.address === "0.0.0.0" || leg.local.address === "::";
}
