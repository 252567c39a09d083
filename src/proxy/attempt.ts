import type { SipResponse } from "../message/message.js";
import type { Rejection, Result } from "../message/result.js";
import { reject } from "../message/result.js";
import type { Leg } from "../port/leg.js";
import type { ClientHandlers, ClientTransaction, Way } from "../transaction/client.js";
import type { Failure } from "../transaction/effect.js";
import type { NotSent } from "../transaction/layer.js";
import type { Hop } from "./hop.js";
import type { Sender, Step } from "./sender.js";

/** What an attempt tells its owner. */
export interface AttemptHandlers {
  /** The text of the request as it goes this way under this branch (RFC 3261 §16.6 step 8: a new branch for each). */
  write(way: Way, branch: string): string;
  response(response: SipResponse): void;
  /** See `ClientHandlers.late`. */
  late?(): ClientHandlers | undefined;
  /** Nothing more will come: 430 dead flow, 408 no answer in time, 503 not reached, or the word of the resolver. */
  failed(failure: Rejection): void;
}

/** What to send, and where. */
export interface Job {
  readonly method: string;
  readonly hop: Hop;
  /** Leg that the request came in on. */
  readonly near: Leg | undefined;
  /** Loop mark for its branches. */
  readonly mark: string;
  /** What responses must have in common with it; see `correlationOf`. */
  readonly correlation?: number | undefined;
}

/** Our own table is full: the one 503 that is for the caller (RFC 3261 §16.7 step 6). */
const OVERLOADED = reject(503, "Service Unavailable", [{ name: "Retry-After", value: "10" }]);

const NO_STEPS: readonly Step[] = [];

/**
 * Sends one request to one next hop: each server in turn until one answers (§16.6 step 7, RFC 3263 §4.3), each with a
 * client transaction and a branch of its own.
 */
export class Attempt implements ClientHandlers {
  readonly #sender: Sender;
  /** Until the last try is under way. */
  #job: Job | undefined;
  readonly #isConnection: boolean;
  readonly #owner: AttemptHandlers;
  #steps: readonly Step[] = NO_STEPS;
  /** What is being tried. */
  #step: Step | undefined;
  /** Number of the try that comes next, less one. */
  #next = 0;
  #transaction: ClientTransaction | undefined;
  #cancelled = false;
  #heard = false;
  #over = false;

  constructor(sender: Sender, job: Job, owner: AttemptHandlers) {
    this.#sender = sender;
    this.#job = job;
    this.#isConnection = job.hop.kind === "connection";
    this.#owner = owner;
  }

  /** Begins; the owner may hear of the outcome before this returns. */
  start(): void {
    if (this.#job === undefined) return;
    const found = this.#sender.steps(this.#job.hop, this.#job.near);
    if (found instanceof Promise) {
      found.then(
        (late) => this.#found(late),
        () => this.#found(reject(503, "No Way To Next Hop")),
      );
    } else this.#found(found);
  }

  /** Has the last server that there is been tried? */
  get isLastTry(): boolean {
    return this.#next > 0 && this.#next >= this.#steps.length;
  }

  /** Forgets what only another try would need. */
  settle(): void {
    if (this.isLastTry) this.#job = undefined;
  }

  /** Has a response of any kind come from the server that is being tried? */
  get heard(): boolean {
    return this.#heard;
  }

  /** Cancels an INVITE (§9.1); what was not sent yet will not be. */
  cancel(reason?: string): void {
    if (this.#over) return;
    this.#cancelled = true;
    this.#transaction?.cancel(reason);
  }

  /** Of the first try; later ones have a voice of their own, so that what comes late is told apart. */
  response(response: SipResponse): void {
    this.heardFrom(1, response);
  }

  failed(failure: Failure): void {
    this.failedOn(1, failure);
  }

  late(): ClientHandlers | undefined {
    return this.lateOn(1);
  }

  /** Who hears what else comes for the try of this number. */
  lateOn(number: number): ClientHandlers | undefined {
    return number === this.#next ? this.#owner.late?.() : undefined;
  }

  /** A response to the try of this number. */
  heardFrom(number: number, response: SipResponse): void {
    if (number !== this.#next) return;
    this.#heard = true;
    // RFC 3263 §4.3: a 503 sends us to the next server
    if (response.status === 503 && this.#step !== undefined) this.#sender.failed(this.#step, response);
    if (response.status === 503 && !this.#cancelled && this.#next < this.#steps.length) this.#try();
    else {
      if (response.status >= 200) this.#end();
      this.#owner.response(response);
    }
  }

  /** The try of this number has failed. */
  failedOn(number: number, failure: Failure): void {
    if (number !== this.#next || this.#over) return;
    const why = failure === "timeout" ? reject(408, "Request Timeout") : this.#unsent("flow-dead");
    if (this.#heard || this.#cancelled) this.#fail(why);
    else {
      if (this.#step !== undefined) this.#sender.failed(this.#step);
      this.#tryAfter(why);
    }
  }

  #found(found: Result<readonly Step[]>): void {
    if (this.#cancelled) this.#fail(reject(487, "Request Terminated"));
    else if (!found.ok) this.#fail(found);
    else {
      this.#steps = found.value;
      this.#try();
    }
  }

  #tryAfter(why: Rejection): void {
    if (this.#next < this.#steps.length) this.#try();
    else this.#fail(why);
  }

  #try(): void {
    this.#heard = false;
    const step = this.#steps[this.#next++]!;
    this.#step = step;
    const way = this.#sender.way(step);
    if (way instanceof Promise) void way.then((late) => this.#send(late));
    else this.#send(way);
  }

  #send(way: Way | undefined): void {
    if (this.#cancelled) {
      this.#fail(reject(487, "Request Terminated"));
      return;
    }
    if (way === undefined) {
      this.#tryAfter(reject(503, "Next Hop Refused"));
      return;
    }
    const job = this.#job;
    if (job === undefined) return;
    const branch = this.#sender.newBranch(job.mark);
    const text = this.#owner.write(way, branch);
    const voice = this.#next === 1 ? this : new LaterTry(this, this.#next);
    const { method, correlation } = job;
    const sent = this.#sender.transactions.client({ text, method, branch, correlation }, way, voice);
    if (typeof sent !== "string") {
      this.#transaction = sent;
      return;
    }
    if ((sent === "flow-dead" || sent === "overloaded") && this.#step !== undefined)
      this.#sender.failed(this.#step);
    this.#tryAfter(this.#unsent(sent));
  }

  #unsent(why: NotSent): Rejection {
    if (why === "too-large") return reject(513, "Message Too Large");
    if (why === "full") return OVERLOADED;
    return this.#isConnection && why === "flow-dead"
      ? reject(430, "Flow Failed")
      : reject(503, "Next Hop Not Reached");
  }

  #fail(why: Rejection): void {
    if (this.#over) return;
    this.#end();
    this.#owner.failed(why);
  }

  /** Only further 2xx to an INVITE may still come. */
  #end(): void {
    this.#over = true;
    this.#transaction = undefined;
    this.#steps = NO_STEPS;
    this.#step = undefined;
  }
}

/** The voice of a second or later try. */
class LaterTry implements ClientHandlers {
  readonly #attempt: Attempt;
  readonly #number: number;

  constructor(attempt: Attempt, number: number) {
    this.#attempt = attempt;
    this.#number = number;
  }

  response(response: SipResponse): void {
    this.#attempt.heardFrom(this.#number, response);
  }

  failed(failure: Failure): void {
    this.#attempt.failedOn(this.#number, failure);
  }

  late(): ClientHandlers | undefined {
    return this.#attempt.lateOn(this.#number);
  }
}
