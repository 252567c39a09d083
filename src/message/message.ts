import { codeAt, indexOutside, isDigit, isSpace, isToken, parseDigits, trim } from "./grammar.js";
import type { Headers } from "./headers.js";
import { type NameAddr, parseNameAddr } from "./name-addr.js";
import { param } from "./params.js";
import { parseSipUri, type SipUri } from "./uri.js";
import { parseVia, type Via } from "./via.js";

/** Sequence number and method of CSeq (RFC 3261 §20.16). */
export interface CSeq {
  /** 0 to 2^32-1 (§8.1.1.5 says below 2^31; larger ones are compared all the same). */
  readonly sequence: number;
  readonly method: string;
}

/** What requests and responses share: header fields, body, and the fields that every element reads, parsed once when asked for. */
class Message {
  readonly headers: Headers;
  /** Body as latin1 text, one character an octet. */
  readonly body: string;
  /** The whole message as it came. */
  readonly text: string;
  #via: Via | undefined | null = null;
  #from: NameAddr | undefined | null = null;
  #to: NameAddr | undefined | null = null;
  #cseq: CSeq | undefined | null = null;
  #callId: string | null = null;

  constructor(text: string, headers: Headers, body: string) {
    this.text = text;
    this.headers = headers;
    this.body = body;
  }

  /** The topmost Via, or `undefined` when there is none or it is malformed. */
  get via(): Via | undefined {
    if (this.#via === null) this.#via = this.#topVia();
    return this.#via;
  }

  #topVia(): Via | undefined {
    const line = this.headers.get("via");
    if (line === undefined) return undefined;
    const comma = line.includes(",") ? indexOutside(line, 0x2c, 0) : -1;
    return parseVia(comma < 0 ? line : trim(line.slice(0, comma)));
  }

  /** From, or `undefined` when absent or malformed. */
  get from(): NameAddr | undefined {
    if (this.#from === null) this.#from = parseOptional(this.headers.get("from"));
    return this.#from;
  }

  /** To, or `undefined` when absent or malformed. */
  get to(): NameAddr | undefined {
    if (this.#to === null) this.#to = parseOptional(this.headers.get("to"));
    return this.#to;
  }

  /** Tag of To, or `undefined`. */
  get toTag(): string | undefined {
    return this.to === undefined ? undefined : param(this.to.params, "tag");
  }

  /** Tag of From, or `undefined`. */
  get fromTag(): string | undefined {
    return this.from === undefined ? undefined : param(this.from.params, "tag");
  }

  /** Call-ID, or `""` when absent. */
  get callId(): string {
    if (this.#callId === null) this.#callId = this.headers.get("call-id") ?? "";
    return this.#callId;
  }

  /** CSeq, or `undefined` when absent or malformed. */
  get cseq(): CSeq | undefined {
    if (this.#cseq === null) this.#cseq = parseCSeq(this.headers.get("cseq"));
    return this.#cseq;
  }
}

function parseOptional(text: string | undefined): NameAddr | undefined {
  return text === undefined ? undefined : parseNameAddr(text);
}

/**
 * Parses CSeq: `1*DIGIT LWS Method`, the number at most 2^32-1 (§20.16: expressible in 32 bits). §8.1.1.5 has those who send it
 * stay below 2^31; a number from there on is tolerated, since all that is done with it is to compare it, and a dialog counts up
 * from where it began. What is more is malformed (RFC 4475 §3.1.2.4).
 */
export function parseCSeq(text: string | undefined): CSeq | undefined {
  if (text === undefined) return undefined;
  let end = 0;
  while (end < text.length && isDigit(text.charCodeAt(end))) end++;
  const sequence = parseDigits(text.slice(0, end));
  if (sequence === undefined || sequence > 0xffff_ffff || !isSpace(codeAt(text, end, text.length)))
    return undefined;
  const method = trim(text.slice(end));
  return isToken(method) ? { sequence, method } : undefined;
}

/** A request (RFC 3261 §7.1). Read-only: a change is a copy with a difference, see `edit`. */
export class SipRequest extends Message {
  readonly kind = "request";
  readonly method: string;
  /** Request-URI as written. */
  readonly uri: string;
  #sipUri: SipUri | undefined | null = null;

  constructor(text: string, method: string, uri: string, headers: Headers, body: string) {
    super(text, headers, body);
    this.method = method;
    this.uri = uri;
  }

  /** The Request-URI parsed, or `undefined` when it is of another scheme or malformed. */
  get sipUri(): SipUri | undefined {
    if (this.#sipUri === null) this.#sipUri = parseSipUri(this.uri);
    return this.#sipUri;
  }
}

/** A response (RFC 3261 §7.2). */
export class SipResponse extends Message {
  readonly kind = "response";
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;

  constructor(text: string, status: number, reason: string, headers: Headers, body: string) {
    super(text, headers, body);
    this.status = status;
    this.reason = reason;
  }
}

export type SipMessage = SipRequest | SipResponse;
