import { endOfToken, isBlank, isTokenCode, parseDigits, skipBlanks, trim, unfold } from "./grammar.js";
import { canonicalNameAt } from "./header-names.js";
import { DEFAULT_LIMITS, type MessageLimits } from "./limits.js";

/** What a {@link Framer} finds in a stream, told in the order of the wire. */
export interface FrameSink {
  /** One whole message: start line, header fields, and as much body as Content-Length says (RFC 3261 §18.3). */
  message(text: string): void;
  /** A double CRLF between messages, to be answered at once with a single CRLF (RFC 5626 §4.4.1, §5.4). */
  ping(): void;
  /**
   * A CRLF between messages: the answer to a ping of ours (RFC 5626 §4.4.1), a stray one to be ignored (RFC 3261 §7.5),
   * or the first half of a double CRLF, told without waiting for the second.
   */
  pong(): void;
  /**
   * Framing is lost for good: nothing more comes, and the connection is to be closed.
   * @param text what was read of the message, at most `headerOctets` long, for addressing an answer
   * @param status 400 or 513
   */
  malformed(text: string, status: number, reason: string): void;
}

/**
 * `between`: CRLFs only so far; `method`: up to the first blank; `start-line`: up to its CRLF; `header`: up to the empty
 * line; `body`: a known number of octets; `stopped`: nothing is taken any more.
 */
type State = "between" | "method" | "start-line" | "header" | "body" | "stopped";

const CR = 0x0d;
const LF = 0x0a;
const EMPTY_LINE = "\r\n\r\n";
/** So many small pieces are joined into one, so that a peer that sends octet by octet costs no object for each. */
const PIECES = 256;

/**
 * Cuts the octets of one TCP, TLS or other stream into messages and keep-alives (RFC 3261 §18.3, §7.5; RFC 5626 §3.5.1),
 * however they were segmented. Each octet is looked at once; what is held is at most `messageOctets` and one chunk.
 * What cannot be SIP (a TLS ClientHello, an HTTP request) is told at its first octet or first line.
 */
export class Framer {
  readonly #sink: FrameSink;
  readonly #limits: MessageLimits;
  #state: State = "between";
  /** Octets of `CRLF CRLF` that the last ones read make up. */
  #matched = 0;
  /** Body octets still to come. */
  #bodyLeft = 0;
  /** The message so far, from earlier chunks. */
  #blocks: string[] = [];
  #pieces: string[] = [];
  #heldOctets = 0;
  /** Where in the chunk at hand the message under way starts. */
  #from = 0;
  /** Last octet of the chunk before. */
  #lastCode = 0;

  constructor(sink: FrameSink, limits: MessageLimits = DEFAULT_LIMITS) {
    this.#sink = sink;
    this.#limits = limits;
  }

  /**
   * Has a message begun that is not whole yet? A peer that leaves it so is to be closed after a while (RFC 4475 §3.1.2.2).
   * A lone CRLF begins none: phones send it to keep a NAT open.
   */
  get isPartial(): boolean {
    return this.#state !== "stopped" && this.#state !== "between";
  }

  /** Takes the next octets of the stream as latin1 text; the sink is called for all that became whole. */
  push(chunk: string): void {
    this.#from = 0;
    let at = 0;
    while (at < chunk.length) {
      switch (this.#state) {
        case "between":
          at = this.#between(chunk, at);
          break;
        case "method":
          at = this.#method(chunk, at);
          break;
        case "start-line":
          at = this.#startLine(chunk, at);
          break;
        case "header":
          at = this.#header(chunk, at);
          break;
        case "body":
          at = this.#body(chunk, at);
          break;
        case "stopped":
          return;
      }
    }
    if (this.#state === "between" || this.#state === "stopped" || chunk.length === 0) return;
    this.#lastCode = chunk.charCodeAt(chunk.length - 1);
    if (this.#state !== "body" && this.#octetsUpTo(chunk.length) > this.#limits.headerOctets) {
      this.#lose(chunk, chunk.length, 513, "Message Too Large");
    } else this.#hold(this.#from === 0 ? chunk : chunk.slice(this.#from));
  }

  /** Forgets what is held and takes nothing any more; may be called from within the sink. */
  stop(): void {
    this.#state = "stopped";
    this.#forget();
  }

  #between(chunk: string, at: number): number {
    const code = chunk.charCodeAt(at);
    if (code === (this.#matched % 2 === 0 ? CR : LF)) {
      this.#matched++;
      if (this.#matched === 2) this.#sink.pong();
      if (this.#matched === 4) {
        this.#matched = 0;
        this.#sink.ping();
      }
      return at + 1;
    }
    this.#from = at;
    if (this.#matched % 2 !== 0) return this.#lose(chunk, at, 400, "CR Without LF");
    this.#matched = 0;
    this.#state = "method";
    return at;
  }

  /** A method or `SIP/2.0`; anything else is told at the first octet that does not fit (§25.1 Request-Line, Status-Line). */
  #method(chunk: string, at: number): number {
    for (; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (code === 0x20) {
        this.#state = "start-line";
        return at;
      }
      if (!isTokenCode(code) && code !== 0x2f) return this.#lose(chunk, at + 1, 400, "Malformed Start Line");
    }
    return at;
  }

  #startLine(chunk: string, at: number): number {
    const lf = chunk.indexOf("\n", at);
    if (lf < 0) return chunk.length;
    const before = lf === 0 ? this.#lastCode : chunk.charCodeAt(lf - 1);
    // a lone LF ends no line, and a start line that names no SIP version begins no message (§7.1)
    if (before !== CR || !isStartLine(this.#whole(chunk, lf + 1)))
      return this.#lose(chunk, lf + 1, 400, "Malformed Start Line");
    this.#state = "header";
    this.#matched = 2;
    return lf + 1;
  }

  #header(chunk: string, at: number): number {
    // only what may have begun in the chunk before is matched octet by octet
    while (this.#matched > 0 && at < chunk.length) {
      const code = chunk.charCodeAt(at++);
      if (code === EMPTY_LINE.charCodeAt(this.#matched)) this.#matched++;
      else this.#matched = code === CR ? 1 : 0;
      if (this.#matched === 4) return this.#headerEnds(chunk, at);
    }
    if (at === chunk.length) return at;
    const end = chunk.indexOf(EMPTY_LINE, at);
    if (end >= 0) return this.#headerEnds(chunk, end + 4);
    this.#matched = matchedAtEnd(chunk, at);
    return chunk.length;
  }

  #headerEnds(chunk: string, end: number): number {
    const octets = this.#octetsUpTo(end);
    if (octets > this.#limits.headerOctets) return this.#lose(chunk, end, 513, "Message Too Large");
    const length = statedLength(this.#whole(chunk, end));
    if (typeof length === "string") return this.#lose(chunk, end, 400, length);
    if (octets + length > this.#limits.messageOctets) return this.#lose(chunk, end, 513, "Message Too Large");
    this.#bodyLeft = length;
    this.#state = "body";
    return length === 0 ? this.#body(chunk, end) : end;
  }

  #body(chunk: string, at: number): number {
    const available = chunk.length - at;
    if (available < this.#bodyLeft) {
      this.#bodyLeft -= available;
      return chunk.length;
    }
    const end = at + this.#bodyLeft;
    const text = this.#whole(chunk, end);
    this.#forget();
    this.#state = "between";
    this.#matched = 0;
    this.#from = end;
    this.#sink.message(text);
    return end;
  }

  #lose(chunk: string, end: number, status: number, reason: string): number {
    const text = this.#whole(chunk, end).slice(0, this.#limits.headerOctets);
    this.stop();
    this.#sink.malformed(text, status, reason);
    return chunk.length;
  }

  /** How many octets of the message are read when this chunk is read up to `end`. */
  #octetsUpTo(end: number): number {
    return this.#heldOctets + end - this.#from;
  }

  /** The message from its first octet up to `end` in this chunk. What was held stays held, in one piece. */
  #whole(chunk: string, end: number): string {
    const rest = chunk.slice(this.#from, end);
    if (this.#heldOctets === 0) return rest;
    const held = this.#blocks.join("") + this.#pieces.join("");
    this.#blocks = [held];
    this.#pieces = [];
    return held + rest;
  }

  #hold(piece: string): void {
    this.#heldOctets += piece.length;
    this.#pieces.push(piece);
    if (this.#pieces.length < PIECES) return;
    this.#blocks.push(this.#pieces.join(""));
    this.#pieces = [];
  }

  #forget(): void {
    this.#blocks = [];
    this.#pieces = [];
    this.#heldOctets = 0;
  }
}

/** Does a line name a SIP version where a request or a response has it (§7.1, §7.2)? Which one, and how well, the parser says. */
export function isStartLine(line: string): boolean {
  return /(?:^| )SIP\/\d/i.test(line);
}

/** How many octets at the end of a chunk may begin the empty line. */
function matchedAtEnd(chunk: string, from: number): number {
  for (let length = Math.min(3, chunk.length - from); length > 0; length--) {
    if (chunk.endsWith(EMPTY_LINE.slice(0, length))) return length;
  }
  return 0;
}

/**
 * Body length that a whole header part states. On a stream it must be there (§18.3, §20.14); twice the same is borne.
 * @returns octets, or the reason why there is no telling where the message ends
 */
function statedLength(header: string): number | string {
  let stated: number | undefined;
  let at = header.indexOf("\r\n") + 2;
  while (at < header.length - 2) {
    let end = header.indexOf("\r\n", at);
    // the header part ends with an empty line, so there is always a line behind this one
    while (isBlank(header.charCodeAt(end + 2))) end = header.indexOf("\r\n", end + 2);
    const value = lengthValueAt(header, at);
    if (value >= 0) {
      const length = parseDigits(trim(unfold(header.slice(value, end))));
      if (length === undefined) return "Malformed Content-Length";
      if (stated !== undefined && stated !== length) return "Conflicting Content-Length";
      stated = length;
    }
    at = end + 2;
  }
  return stated ?? "Missing Content-Length";
}

/** Where the value of a header line starts if it is a Content-Length, in either form and any case; -1 for other lines. */
function lengthValueAt(header: string, line: number): number {
  const initial = header.charCodeAt(line) | 0x20;
  if (initial !== 0x63 && initial !== 0x6c) return -1;
  const end = endOfToken(header, line, header.length);
  if (canonicalNameAt(header, line, end) !== "content-length") return -1;
  const colon = skipBlanks(header, end, header.length);
  return header.charCodeAt(colon) === 0x3a ? colon + 1 : -1;
}
