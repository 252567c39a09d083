import { edit } from "../message/edit.js";
import { OWN_LIMITS } from "../message/limits.js";
import type { SipRequest, SipResponse } from "../message/message.js";
import { parseMessage } from "../message/parse.js";
import { type Rejection, reject } from "../message/result.js";
import type { Clock } from "../port/clock.js";
import type { ClientHandlers, Way } from "../transaction/client.js";
import { correlationOf } from "../transaction/correlation.js";
import type { ServerHandlers, ServerTransaction } from "../transaction/server.js";
import type { RunningTimer, TimerOwner } from "../transaction/timer-lists.js";
import { Attempt, type AttemptHandlers } from "./attempt.js";
import { BestResponse, type Outcome } from "./best-response.js";
import { Branch } from "./branch.js";
import type { Destination } from "./destination.js";
import { withoutTopVia } from "./forward.js";
import type { Copier, Plan } from "./plan.js";
import type { Sender } from "./sender.js";

/** One instance of a user: its flows in the order to try them. */
export type Candidate = readonly Destination[];

/** Candidates to call at the same time; groups come one after the other. */
export type Group = readonly Candidate[];

/** What response contexts share. */
export interface ContextServices {
  readonly sender: Sender;
  readonly copier: Copier;
  readonly clock: Clock;
  /** Timer C in milliseconds; more than three minutes (RFC 3261 §16.6 step 11). */
  readonly timerCMs: number;
  /** Called once for each context, when a final answer has gone out or none will. */
  readonly ended: () => void;
}

const NO_GROUPS: readonly Group[] = [];

/** Why the phones that did not win stop ringing (RFC 3326). */
const ELSEWHERE = 'SIP;cause=200;text="Call completed elsewhere"';
/** §16.7 step 3: a response without a further Via says nothing to the caller, who must hear something all the same. */
const NOT_FOR_CALLER = reject(502, "Bad Gateway");
const DECLINED = 'SIP;cause=600;text="Busy Everywhere"';

/**
 * The response context of one request (RFC 3261 §16.7): its branches, their responses, and the one answer that goes back.
 */
export class ResponseContext implements ServerHandlers {
  readonly isInvite: boolean;
  readonly #services: ContextServices;
  /** As long as copies of the request may still be made. */
  #plan: Plan | undefined;
  #best: BestResponse | undefined;
  #server: ServerTransaction | undefined;
  #groups: readonly Group[] = NO_GROUPS;
  #nextGroup = 0;
  #branches: Branch[] = [];
  /** No new branches: cancelled, or a 6xx came. */
  #closed = false;
  #cancelReason: string | undefined;
  #answered = false;

  constructor(services: ContextServices, plan: Plan) {
    this.#services = services;
    this.#plan = plan;
    this.isInvite = plan.request.method === "INVITE";
  }

  /** The server transaction that answers go to. */
  attach(server: ServerTransaction): void {
    this.#server = server;
  }

  /** Forwards the request to a target set: the groups in turn, until one of them has the answer. */
  start(groups: readonly Group[]): void {
    if (this.#answered) return;
    this.#groups = groups;
    this.#startNext();
  }

  /** Sends one copy to a destination. */
  attempt(destination: Destination, owner: AttemptHandlers): Attempt | undefined {
    const plan = this.#plan;
    if (plan === undefined) return undefined;
    const { request, leg: near, mark } = plan;
    const { hop } = destination;
    const job = { method: request.method, hop, near, mark, correlation: correlationOf(request) };
    return new Attempt(this.#services.sender, job, owner);
  }

  /** Answers without forwarding, or in place of what the branches said. */
  refuse(rejection: Rejection): void {
    if (this.#answered) return;
    this.#add({ kind: "own", rejection });
    this.#finish();
  }

  copy(destination: Destination, way: Way, branch: string, breadth: number): string {
    const plan = this.#plan;
    return plan === undefined ? "" : this.#services.copier.write(plan, destination, way, branch, breadth);
  }

  nowMs(): number {
    return this.#services.clock.nowMs();
  }

  /** Starts timer C anew for one branch (§16.6 step 11). */
  startTimerC(owner: TimerOwner<"C">, delayMs = this.#services.timerCMs): RunningTimer {
    return this.#services.sender.transactions.lists.start(owner, "C", delayMs);
  }

  stopTimerC(timer: RunningTimer): void {
    this.#services.sender.transactions.lists.stop(timer);
  }

  get timerCMs(): number {
    return this.#services.timerCMs;
  }

  /** §16.7 step 5: provisional responses go on at once, but for 100. */
  provisional(response: SipResponse): void {
    if (response.status === 100 || this.#answered) return;
    const text = withoutTopVia(response);
    if (text !== undefined) this.#server?.forward(text, response);
    this.#lighten();
  }

  /** A call that rings may do so for minutes: where nobody else can be called, the request and its targets can go. */
  #lighten(): void {
    if (this.#plan === undefined || this.#nextGroup < this.#groups.length) return;
    if (!this.#branches.every((branch) => branch.isLastTry)) return;
    this.#plan = undefined;
    this.#groups = NO_GROUPS;
    this.#nextGroup = 0;
    for (const branch of this.#branches) branch.settle();
  }

  /** §16.7 step 5: a 2xx goes on at once; to an INVITE every one of them, however late. */
  success(response: SipResponse, winner: Branch): void {
    if (this.#answered && !this.isInvite) return;
    const text = withoutTopVia(response);
    if (text === undefined) {
      this.branchEnded({ kind: "own", rejection: NOT_FOR_CALLER });
      return;
    }
    this.#server?.forward(text, response);
    this.#answer();
    this.#cancelAll(ELSEWHERE, winner);
  }

  /** §16.7 step 5: once the caller has an answer, a further 2xx to the INVITE has nothing to do but to go on to it. */
  late(): ClientHandlers | undefined {
    return this.#answered && this.#server !== undefined ? new LateSuccess(this.#server) : undefined;
  }

  /** A branch ended without a 2xx. */
  branchEnded(outcome: Outcome): void {
    if (this.#answered) return;
    const best = this.#add(outcome);
    if (best.isDecisive && !this.#closed) {
      // §16.7 step 5: after a 6xx nobody else is called, and those who ring are cancelled
      this.#closed = true;
      this.#cancelAll(DECLINED, undefined);
    }
    this.#proceed();
  }

  /** §16.10: a CANCEL for our INVITE; the server transaction has answered it. */
  cancelled(cancel: SipRequest): void {
    if (this.#answered) return;
    this.#closed = true;
    this.#cancelReason = cancel.headers.get("reason");
    this.#cancelAll(this.#cancelReason, undefined);
    this.#proceed();
  }

  #add(outcome: Outcome): BestResponse {
    this.#best ??= new BestResponse();
    this.#best.add(outcome);
    return this.#best;
  }

  #cancelAll(reason: string | undefined, except: Branch | undefined): void {
    for (const branch of [...this.#branches]) if (branch !== except) branch.cancel(reason);
  }

  #proceed(): void {
    if (this.#answered || this.#branches.some((branch) => !branch.ended)) return;
    if (this.#closed || this.#nextGroup >= this.#groups.length) this.#finish();
    else this.#startNext();
  }

  /** Starts the next group; as many at once as the Max-Breadth lets us, the others behind them (RFC 5393 §5.3.3). */
  #startNext(): void {
    const group = this.#groups[this.#nextGroup++];
    if (group === undefined || this.#plan === undefined) {
      this.#proceed();
      return;
    }
    const { maxBreadth } = this.#plan;
    const at = Math.min(group.length, maxBreadth);
    if (at < group.length) {
      this.#groups = [group.slice(at), ...this.#groups.slice(this.#nextGroup)];
      this.#nextGroup = 0;
    }
    const share = Math.floor(maxBreadth / at);
    const spare = maxBreadth - share * at;
    this.#branches = group
      .slice(0, at)
      .map((candidate, i) => new Branch(this, candidate, i < spare ? share + 1 : share));
    for (const branch of this.#branches) {
      if (this.#closed || this.#answered) branch.cancel(undefined);
      else branch.start();
    }
    this.#proceed();
  }

  /** §16.7 step 6: the best of what came. */
  #finish(): void {
    const best = this.#best?.best;
    const server = this.#server;
    this.#answer();
    if (server === undefined) return;
    if (best?.kind === "response" && best.response.status !== 503 && best.response.status !== 430) {
      if (best.response.status !== 408 || this.isInvite) this.#forwardFinal(server, best.response);
      else server.abandon();
      return;
    }
    const own = this.#ownWord(best);
    // RFC 4320 §4.2: a 408 to a request other than INVITE would always come too late
    if (own.status === 408 && !this.isInvite) server.abandon();
    else server.respond(own);
  }

  /** What we say ourselves: §16.7 step 6 has 500 in place of a lone 503, and no endpoint may see a 430 (RFC 5626 §11.5). */
  #ownWord(best: Outcome | undefined): Rejection {
    if (best === undefined)
      return this.#closed ? reject(487, "Request Terminated") : reject(408, "Request Timeout");
    const status = best.kind === "response" ? best.response.status : best.rejection.status;
    if (status === 503 && best.kind === "response") return reject(500, "Server Internal Error");
    if (status === 430) return reject(480, "Temporarily Unavailable");
    return best.kind === "own" ? best.rejection : reject(status, best.response.reason);
  }

  #forwardFinal(server: ServerTransaction, response: SipResponse): void {
    const text = withoutTopVia(response);
    if (text === undefined) {
      server.respond(NOT_FOR_CALLER);
      return;
    }
    const others =
      response.status === 401 || response.status === 407 ? (this.#best?.otherChallenges(response) ?? []) : [];
    if (others.length === 0) {
      server.forward(text, response);
      return;
    }
    const parsed = parseMessage(text, OWN_LIMITS);
    server.forward(parsed.ok ? edit(parsed.message, { append: others }) : text, response);
  }

  #answer(): void {
    if (this.#answered) return;
    this.#answered = true;
    this.#closed = true;
    this.#plan = undefined;
    this.#groups = NO_GROUPS;
    this.#services.ended();
  }
}

/** All that is left of a response context whose INVITE was answered 2xx. */
class LateSuccess implements ClientHandlers {
  readonly #server: ServerTransaction;

  constructor(server: ServerTransaction) {
    this.#server = server;
  }

  response(response: SipResponse): void {
    const text = withoutTopVia(response);
    if (text !== undefined) this.#server.forward(text, response);
  }

  failed(): void {}
}
