import { codeAt, isBlank } from "./grammar.js";
import { canonicalNameAt } from "./header-names.js";
import type { FieldSpans } from "./headers.js";
import type { MessageLimits } from "./limits.js";
import { hasLongList } from "./list-limit.js";

/** The header part of a message, as far as it could be read. */
export interface ScannedFields extends FieldSpans {
  /** Start of the body, or -1 when no empty line ends the header part. */
  readonly bodyStart: number;
  /** What is wrong, with the SIP status that says so; the well-formed lines are there all the same. */
  readonly problem: FieldProblem | undefined;
}

export interface FieldProblem {
  readonly status: 400 | 513;
  readonly reason: string;
}

const CR = 0x0d;
const LF = 0x0a;

const TOO_LARGE: FieldProblem = { status: 513, reason: "Message Too Large" };
const LONG_LIST: FieldProblem = { status: 513, reason: "Too Many Elements In Header Field" };
const NO_FIELD: FieldProblem = { status: 400, reason: "Malformed Header Field" };
const BARE_BREAK: FieldProblem = { status: 400, reason: "CR Or LF Alone In Header Field" };
const NO_END: FieldProblem = { status: 400, reason: "Headers Without End" };

/**
 * Finds the header field lines from `at` to the empty line, in one pass (RFC 3261 §7.3.1): folds are part of their line,
 * blanks may stand before the colon, and a CR or an LF alone may not stand anywhere, since others would end a line there.
 */
export function scanFields(text: string, at: number, limits: MessageLimits): ScannedFields {
  const names: string[] = [];
  const spans: number[] = [];
  let problem: FieldProblem | undefined;
  let hasBreaks = false;
  let bodyStart = -1;
  let colon = -1;
  while (at < text.length) {
    if (text.charCodeAt(at) === CR && codeAt(text, at + 1, text.length) === LF) {
      bodyStart = at + 2;
      break;
    }

    let from = at;
    let end = endOfLine(text, from);
    while (end >= 0 && isBlank(codeAt(text, end + 2, text.length))) {
      hasBreaks = true;
      from = end + 2;
      end = endOfLine(text, from);
    }
    if (end < 0) {
      // a lone CR or LF, or no end at all: go on behind the next CRLF, to find what an answer needs
      hasBreaks = true;
      end = text.indexOf("\r\n", from);
      problem ??= end < 0 ? NO_END : BARE_BREAK;
      if (end < 0) end = text.length;
    }
    // the next colon is looked for once, however many lines lack one
    if (colon < at) colon = indexOrEnd(text, ":", at);
    const name = colon > end ? undefined : fieldName(text, at, colon);
    if (name === undefined) problem ??= NO_FIELD;
    else if (names.length >= limits.fields || end - at > limits.fieldOctets) problem = TOO_LARGE;
    else {
      names.push(name);
      spans.push(at, colon + 1, end);
    }
    at = end + 2;
    if (at > limits.headerOctets) {
      problem = TOO_LARGE;
      break;
    }
  }
  if (bodyStart < 0) problem ??= NO_END;
  else if (bodyStart > limits.headerOctets) problem = TOO_LARGE;
  if (problem === undefined && hasLongList(text, names, spans, limits.elements)) problem = LONG_LIST;
  return { text, names, spans, hasBreaks, mostElements: limits.elements, bodyStart, problem };
}

/** Index of a character at or after `from`, or behind the whole text. */
function indexOrEnd(text: string, char: string, from: number): number {
  const index = text.indexOf(char, from);
  return index < 0 ? text.length + 1 : index;
}

/** Canonical name before a colon, with the blanks that §7.3.1 lets stand between them; `undefined` when it is no token. */
function fieldName(text: string, from: number, colon: number): string | undefined {
  let end = colon;
  while (end > from && isBlank(text.charCodeAt(end - 1))) end--;
  return canonicalNameAt(text, from, end);
}

/** Index of the CRLF that ends the line at `from`; -1 when a CR or an LF alone comes first, or nothing does. */
function endOfLine(text: string, from: number): number {
  const cr = text.indexOf("\r", from);
  return text.indexOf("\n", from) === cr + 1 ? cr : -1;
}
