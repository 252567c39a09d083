import type { SipMessage } from "../message/message.js";
import type { MaybePromise } from "../message/result.js";
import type { Flow, Leg } from "./leg.js";

/** Who a request proved to come from (RFC 7616 §3.4): the user part of the credentials, and their realm. */
export interface Identity {
  readonly user: string;
  readonly realm: string;
}

/** What receivers of one chain tell those behind them about a request. */
export interface ReceiveContext {
  /** Set by `Authorize`; absent for a request without (or with no need of) credentials. */
  identity?: Identity;
  /** Set by `Authorize` for the very octets of a request it let through before, on the same flow: a retransmission, or a replay. */
  repeated?: boolean;
}

/**
 * A link of a receive chain, as in Net::SIP: any object with `receive` can stand in one.
 * @returns the status code when it answered (or the response was consumed), 0 when it took the packet and answers nothing,
 * `undefined` to pass the packet on
 */
export interface Receiver {
  receive(
    packet: SipMessage,
    leg: Leg,
    from: Flow,
    context?: ReceiveContext,
  ): MaybePromise<number | undefined>;
}
