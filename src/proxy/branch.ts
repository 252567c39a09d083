import type { SipResponse } from "../message/message.js";
import { type Rejection, reject } from "../message/result.js";
import type { ClientHandlers, Way } from "../transaction/client.js";
import type { RunningTimer, TimerOwner } from "../transaction/timer-lists.js";
import type { Attempt, AttemptHandlers } from "./attempt.js";
import type { Destination } from "./destination.js";
import type { ResponseContext } from "./response-context.js";

/** Nothing of the Max-Breadth was left for this target (RFC 5393 §5.3.3). */
const NO_BREADTH = reject(440, "Max-Breadth Exceeded");
const NO_DESTINATIONS: readonly Destination[] = [];

/**
 * One branch of a response context (RFC 3261 §16.6): one instance of the user, reached over one of its flows after the
 * other (RFC 5626 §7), with timer C for an INVITE (§16.8).
 */
export class Branch implements AttemptHandlers, TimerOwner<"C"> {
  readonly #context: ResponseContext;
  #destinations: readonly Destination[];
  /** Its share of the Max-Breadth. */
  readonly #breadth: number;
  #next = 0;
  /** Does the copy under way go to one of our users? */
  #isLocal = false;
  #attempt: Attempt | undefined;
  #timerC: RunningTimer | undefined;
  /** When timer C runs out, milliseconds since the epoch. */
  #deadlineMs = 0;
  /** Has a provisional response but 100 come? */
  #rang = false;
  #cancelled = false;
  #ended = false;

  constructor(context: ResponseContext, destinations: readonly Destination[], breadth: number) {
    this.#context = context;
    this.#destinations = destinations;
    this.#breadth = breadth;
  }

  /** Has its final response come, or will none come? */
  get ended(): boolean {
    return this.#ended;
  }

  /** Will no more copies of the request be written for it? */
  get isLastTry(): boolean {
    return this.#ended || (this.#next >= this.#destinations.length && this.#attempt?.isLastTry === true);
  }

  /** Forgets what only another copy would need. */
  settle(): void {
    this.#destinations = NO_DESTINATIONS;
    this.#attempt?.settle();
  }

  start(): void {
    const destination = this.#destinations[this.#next++]!;
    if (destination.breadth === 0) {
      if (this.#mayFailOver()) this.start();
      else this.#endWith(NO_BREADTH);
      return;
    }
    this.#isLocal = destination.local;
    this.#attempt = this.#context.attempt(destination, this);
    this.#attempt?.start();
  }

  cancel(reason: string | undefined): void {
    if (this.#ended) return;
    this.#cancelled = true;
    this.#attempt?.cancel(reason);
  }

  write(way: Way, branch: string): string {
    this.#armTimerC();
    const destination = this.#destinations[this.#next - 1]!;
    const breadth = Math.min(this.#breadth, destination.breadth ?? this.#breadth);
    return this.#context.copy(destination, way, branch, breadth);
  }

  response(response: SipResponse): void {
    const { status } = response;
    if (status < 200) {
      // §16.7 step 2: any provisional response but 100 gives the callee more time
      if (status > 100) {
        this.#rang = true;
        this.#deadlineMs = this.#context.nowMs() + this.#context.timerCMs;
      }
      if (!this.#ended) this.#context.provisional(response);
      return;
    }
    if (this.#ended) {
      if (status < 300) this.#context.success(response, this);
    } else if ((status === 430 || (status === 408 && !this.#rang)) && this.#mayFailOver()) this.start();
    else {
      this.#end();
      if (status < 300) this.#context.success(response, this);
      else this.#context.branchEnded({ kind: "response", response });
    }
  }

  late(): ClientHandlers | undefined {
    return this.#context.late();
  }

  failed(failure: Rejection): void {
    if (this.#ended) return;
    const next = failure.status === 430 || failure.status === 408 || failure.status === 503;
    if (next && this.#mayFailOver()) {
      this.start();
      return;
    }
    this.#endWith(this.#explain(failure));
  }

  #endWith(rejection: Rejection): void {
    this.#end();
    this.#context.branchEnded({ kind: "own", rejection });
  }

  /** RFC 5626 §7: is there another flow of the same instance? */
  #mayFailOver(): boolean {
    return !this.#cancelled && this.#next < this.#destinations.length;
  }

  /**
   * A user of ours who cannot be reached is not there; for others §16.9 has a 503, which §16.7 step 6 makes a 500. Whoever
   * was reached over a connection that is gone is not there either, be it caller or callee, and ours or not: 480 in both
   * directions of a dialog. 430 is a word between proxies, for a request that came with a flow token of an edge proxy
   * (RFC 5626 §5.3.1), and no endpoint may see it (§11.5).
   */
  #explain(failure: Rejection): Rejection {
    const { status, reason, headers } = failure;
    // our own overload says when to come back
    if (headers.length > 0) return failure;
    if (status === 408 || status === 487 || status === 513) return failure;
    if (this.#isLocal || status === 430) return reject(480, "Temporarily Unavailable");
    return status === 503 ? reject(500, reason) : failure;
  }

  #end(): void {
    this.#ended = true;
    this.#attempt = undefined;
    if (this.#timerC !== undefined) this.#context.stopTimerC(this.#timerC);
    this.#timerC = undefined;
  }

  #armTimerC(): void {
    if (!this.#context.isInvite) return;
    this.#deadlineMs = this.#context.nowMs() + this.#context.timerCMs;
    this.#timerC ??= this.#context.startTimerC(this);
  }

  /** §16.8: provisional responses may have moved the deadline; else CANCEL, or a 408 when nothing was ever heard. */
  timerFired(): void {
    this.#timerC = undefined;
    if (this.#ended) return;
    const leftMs = this.#deadlineMs - this.#context.nowMs();
    // in whole seconds, so that there are few different delays
    if (leftMs > 0) this.#timerC = this.#context.startTimerC(this, Math.ceil(leftMs / 1000) * 1000);
    else if (this.#attempt?.heard === true) this.cancel(undefined);
    else this.failed(reject(408, "Request Timeout"));
  }
}
