import type { Binding } from "../location/binding.js";
import type { SipResponse } from "../message/message.js";
import { type HeaderField, type Rejection, reject } from "../message/result.js";
import type { Way } from "../transaction/client.js";
import { Attempt, type AttemptHandlers } from "./attempt.js";
import { bindingDestination, type Destination, type FarContacts } from "./destination.js";
import type { Sender } from "./sender.js";

/** A request of our own, without what depends on the way it takes: Request-URI, Via, Route, Max-Forwards, Content-Length. */
export interface Draft {
  readonly method: string;
  /** From, To, Call-ID, CSeq and whatever else, in the order to write them. */
  readonly headers: readonly HeaderField[];
  readonly body?: string;
}

/** What became of a request to a contact. */
export type Delivery =
  /** It arrived; this is the final response. */
  | { readonly kind: "delivered"; readonly response: SipResponse }
  /** The connection of the binding is closed: no request will ever reach it. */
  | { readonly kind: "flow-dead" }
  /** No answer in time (408), or no way there. */
  | { readonly kind: "unreachable"; readonly rejection: Rejection };

const NO_WAY = reject(480, "Contact Not Reachable");

/**
 * Sends one request to one contact the way every request to it goes: over its flow, through its Path, or to its address
 * (RFC 3327 §5.4, RFC 5626 §7).
 */
export class Deliverer {
  readonly #sender: Sender;
  readonly #far: FarContacts;

  constructor(sender: Sender, far: FarContacts) {
    this.#sender = sender;
    this.#far = far;
  }

  /** Sends a request to the contact of a binding; resolves when the outcome is known, at most 64*T1 after the last try. */
  async deliver(draft: Draft, binding: Binding): Promise<Delivery> {
    const destination = bindingDestination(binding, this.#far, this.#sender.self);
    if (destination === undefined) return { kind: "unreachable", rejection: NO_WAY };
    return this.send(draft, destination);
  }

  /** The same for a destination that is no binding. */
  send(draft: Draft, destination: Destination): Promise<Delivery> {
    return new Promise((resolve) => {
      const shot = new Shot(this.#sender, draft, destination, resolve);
      const { hop } = destination;
      new Attempt(this.#sender, { method: draft.method, hop, near: undefined, mark: "" }, shot).start();
    });
  }
}

/** One delivery under way. */
class Shot implements AttemptHandlers {
  readonly #sender: Sender;
  readonly #draft: Draft;
  readonly #destination: Destination;
  readonly #done: (delivery: Delivery) => void;

  constructor(sender: Sender, draft: Draft, destination: Destination, done: (delivery: Delivery) => void) {
    this.#sender = sender;
    this.#draft = draft;
    this.#destination = destination;
    this.#done = done;
  }

  write(way: Way, branch: string): string {
    const { method, headers, body = "" } = this.#draft;
    const { uri, path } = this.#destination;
    const rport = way.leg.transport === "udp" ? ";rport" : "";
    let out = `${method} ${uri} SIP/2.0\r\nVia: ${this.#sender.self.via(way.leg, way.flow)};branch=${branch}${rport}\r\n`;
    for (const value of path) out += `Route: ${value}\r\n`;
    out += "Max-Forwards: 70\r\n";
    for (const { name, value } of headers) out += `${name}: ${value}\r\n`;
    return `${out}Content-Length: ${body.length}\r\n\r\n${body}`;
  }

  response(response: SipResponse): void {
    if (response.status >= 200) this.#done({ kind: "delivered", response });
  }

  failed(rejection: Rejection): void {
    this.#done(rejection.status === 430 ? { kind: "flow-dead" } : { kind: "unreachable", rejection });
  }
}
