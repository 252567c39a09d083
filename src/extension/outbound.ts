import { parseDigits } from "../message/grammar.js";
import type { SipRequest } from "../message/message.js";
import { parseNameAddr } from "../message/name-addr.js";
import { hasParam, rawParam } from "../message/params.js";
import { type Rejection, reject } from "../message/result.js";
import type { RegisterDraft } from "../registrar/draft.js";
import type { RegistrarExtension } from "../registrar/extension.js";

export interface OutboundOptions {
  /**
   * Seconds within which a phone connected directly must show that its connection lives (Flow-Timer, RFC 5626 §4.4, §10);
   * 0: no Flow-Timer. The legs must be more patient than this. 120 when not given.
   */
  readonly flowTimerSec?: number;
  /** The same over UDP, where NATs forget sooner; 25 when not given. */
  readonly udpFlowTimerSec?: number;
}

/** Largest reg-id (RFC 5626 §4.2.1, §11.1). */
const MAX_REG_ID = 0x7fff_ffff;

const FIRST_HOP = reject(439, "First Hop Lacks Outbound Support");
const SEVERAL = reject(400, "One Flow per Registration");

/**
 * Outbound (RFC 5626 §6): a phone keeps several flows open, each bound under its instance and reg-id. Needs `path` beside
 * it. A reg-id counts only together with an instance, and when the first hop is this server or an edge proxy that put `ob`
 * into its Path; a phone that relies on it otherwise gets 439.
 */
export function outbound(options: OutboundOptions = {}): RegistrarExtension {
  const { flowTimerSec = 120, udpFlowTimerSec = 25 } = options;
  const overConnection = requireLines(flowTimerSec);
  const overUdp = requireLines(udpFlowTimerSec);
  const overEdge = requireLines(0);
  return {
    name: "outbound",
    optionTag: "outbound",
    examine,
    answer(draft) {
      if (!hasFlow(draft) || !draft.supports("outbound")) return "";
      if (!draft.isDirect) return overEdge;
      return draft.from.isConnection ? overConnection : overUdp;
    },
  };
}

function requireLines(timerSec: number): string {
  return timerSec > 0 ? `Require: outbound\r\nFlow-Timer: ${timerSec}\r\n` : "Require: outbound\r\n";
}

function examine(draft: RegisterDraft): Rejection | undefined {
  let asks = false;
  let lasting = 0;
  for (const contact of draft.contacts) {
    if (contact.askedSec !== 0) lasting++;
    if (contact.instance !== null && regIdOf(contact.given) !== null) asks = true;
  }
  if (!asks) return undefined;
  if (!draft.isDirect && !edgeKeepsFlow(draft.request))
    return draft.supports("outbound") ? FIRST_HOP : undefined;
  if (lasting > 1) return SEVERAL;
  for (const contact of draft.contacts) if (contact.instance !== null) contact.regId = regIdOf(contact.given);
  return undefined;
}

/** The reg-id of a contact, or `null` when it has none that is valid (§11.1: 1 to 2^31-1). */
function regIdOf(params: Parameters<typeof rawParam>[0]): number | null {
  const text = rawParam(params, "reg-id");
  const id = text === undefined || text === null ? undefined : parseDigits(text);
  return id !== undefined && id >= 1 && id <= MAX_REG_ID ? id : null;
}

function hasFlow(draft: RegisterDraft): boolean {
  return draft.contacts.some(({ regId }) => regId !== null);
}

/**
 * Does the edge proxy that the phone is connected to keep the flow (`ob`, §5.1)? Its Path element is the first that was
 * put in, which is the last one written; §6 says "the first URI", so an `ob` in the first one written counts as well.
 */
function edgeKeepsFlow({ headers }: SipRequest): boolean {
  const hops = headers.list("path") ?? [];
  return hasOb(hops[0]) || hasOb(hops.at(-1));
}

function hasOb(hop: string | undefined): boolean {
  const uri = hop === undefined ? undefined : parseNameAddr(hop)?.sipUri;
  return uri !== undefined && hasParam(uri.params, "ob");
}
