import type { SipRequest } from "../message/message.js";
import type { SipUri } from "../message/uri.js";
import type { Flow, Leg } from "../port/leg.js";
import type { Identity } from "../port/receiver.js";
import type { RegisterContact } from "./contact.js";
import type { RegisterFacts } from "./decide.js";

/** What is known of a REGISTER when its draft is made. */
export interface DraftParts {
  readonly request: SipRequest;
  readonly leg: Leg;
  readonly from: Flow;
  readonly identity: Identity | undefined;
  readonly aor: string;
  readonly to: SipUri;
  readonly cseq: number;
  /** As in {@link RegisterFacts.isPast}. */
  readonly isPast: boolean;
}

const NO_PATH: readonly string[] = [];
const NO_CONTACTS: readonly RegisterContact[] = [];

/** A REGISTER on its way through the registrar: what it says, and what extensions make of it before it is decided. */
export class RegisterDraft implements RegisterFacts {
  readonly request: SipRequest;
  readonly leg: Leg;
  readonly from: Flow;
  /** Who it proved to come from, when it was authenticated. */
  readonly identity: Identity | undefined;
  /** Key of the address-of-record. */
  readonly aor: string;
  /** The address-of-record as To has it, parameters included. */
  readonly to: SipUri;
  readonly callId: string;
  readonly cseq: number;
  readonly userAgent: string | null;
  readonly received: string;
  readonly isPast: boolean;
  contacts: readonly RegisterContact[] = NO_CONTACTS;
  removesAll = false;
  /** Path vector to keep with each contact, topmost first; an extension sets it (RFC 3327). */
  path: readonly string[] = NO_PATH;
  #supported: readonly string[] | undefined;
  #isDirect: boolean | undefined;

  constructor(parts: DraftParts) {
    this.request = parts.request;
    this.leg = parts.leg;
    this.from = parts.from;
    this.identity = parts.identity;
    this.aor = parts.aor;
    this.to = parts.to;
    this.callId = parts.request.callId;
    this.cseq = parts.cseq;
    this.isPast = parts.isPast;
    this.userAgent = parts.request.headers.get("user-agent") ?? null;
    this.received = receivedFrom(parts.from);
  }

  /** Did the phone send this itself, with no proxy in between (one Via, RFC 5626 §6)? */
  get isDirect(): boolean {
    this.#isDirect ??= isFirstHop(this.request);
    return this.#isDirect;
  }

  /** The phone's own connection. What came through a proxy goes back through its Path, and does not end with its connection. */
  get flow(): string | null {
    return this.from.isConnection && this.isDirect && this.path.length === 0 ? this.from.token : null;
  }

  /** Does the phone list this option tag (lower case) in Supported (§20.37)? */
  supports(tag: string): boolean {
    this.#supported ??= this.request.headers.optionTags("supported");
    return this.#supported.includes(tag);
  }
}

function isFirstHop({ headers }: SipRequest): boolean {
  const first = headers.indexOf("via");
  if (headers.indexOf("via", first + 1) >= 0) return false;
  return !headers.valueAt(first).includes(",") || headers.list("via")?.length === 1;
}

/** Where a message came from, as bindings keep it: `udp:198.51.100.4:61002`, `tcp:[2001:db8::1]:5060`. */
export function receivedFrom(from: Flow): string {
  const { transport, address, port } = from;
  return address.includes(":") ? `${transport}:[${address}]:${port}` : `${transport}:${address}:${port}`;
}
