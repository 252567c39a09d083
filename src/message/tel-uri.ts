import { equalIgnoringCase, isDigit, isHex } from "./grammar.js";
import { canonicalHost } from "./host.js";
import { type Params, parseParams, rawParam } from "./params.js";

/** A telephone number as a URI (RFC 3966 §3), or as the user part of a SIP URI with `user=phone` (RFC 3261 §19.1.6). */
export interface TelUri {
  /** Digits, with `+` in front of a global number, without visual separators; letters in lower case. */
  readonly number: string;
  /** Valid everywhere, rather than only in its context? */
  readonly isGlobal: boolean;
  /** `phone-context` of a local number: a domain in lower case, or the first digits of a global number; `null` for a global one. */
  readonly context: string | null;
  /** The parameters as written, phone-context included. */
  readonly params: Params;
}

/**
 * Parses a tel URI (RFC 3966 §3).
 * @returns `undefined` for another scheme, a malformed number or parameter, or a local number without context (§5.1.5)
 */
export function parseTelUri(text: string): TelUri | undefined {
  if (!equalIgnoringCase(text.slice(0, 4), "tel:")) return undefined;
  return parseTelephoneSubscriber(text.slice(4));
}

/** Parses what follows `tel:` (RFC 3966 §3 telephone-subscriber). */
export function parseTelephoneSubscriber(text: string): TelUri | undefined {
  const semicolon = text.indexOf(";");
  const written = semicolon < 0 ? text : text.slice(0, semicolon);
  const isGlobal = written.startsWith("+");
  const number = isGlobal ? globalNumber(written) : plainNumber(written, isLocalCode);
  if (number === undefined || !holdsNoBlanks(text)) return undefined;
  const params = parseParams(semicolon < 0 ? "" : text.slice(semicolon));
  if (params === undefined) return undefined;
  if (isGlobal) return { number, isGlobal, context: null, params };
  const context = parseContext(rawParam(params, "phone-context"));
  return context === undefined ? undefined : { number, isGlobal, context, params };
}

/** Are two tel URIs the same (RFC 3966 §4)? Every parameter of one must be in the other, and the same but for its case. */
export function equalTelUris(a: TelUri, b: TelUri): boolean {
  return (
    a.number === b.number &&
    a.context === b.context &&
    a.params.length === b.params.length &&
    a.params.every(({ name, value }) => {
      if (name === "phone-context") return true;
      const other = rawParam(b.params, name);
      if (other === undefined) return false;
      return name === "ext"
        ? plainNumber(value ?? "", isDigit) === plainNumber(other ?? "", isDigit)
        : equalIgnoringCase(value ?? "", other ?? "");
    })
  );
}

/** A URI holds no white space, which header parameters may. */
function holdsNoBlanks(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) <= 0x20) return false;
  return true;
}

function parseContext(value: string | null | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  return value.startsWith("+") ? globalNumber(value) : canonicalHost(value);
}

function globalNumber(text: string): string | undefined {
  const digits = plainNumber(text.slice(1), isDigit);
  return digits === undefined ? undefined : `+${digits}`;
}

/** DTMF and BCD signs of local numbers (§5.1.3). */
function isLocalCode(code: number): boolean {
  return isHex(code) || code === 0x2a || code === 0x23;
}

/** A number without its visual separators `- . ( )`; `undefined` when it holds something else, or nothing. */
function plainNumber(text: string, allows: (code: number) => boolean): string | undefined {
  let out = "";
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2d || code === 0x2e || code === 0x28 || code === 0x29) continue;
    if (!allows(code)) return undefined;
    out += text[i];
  }
  return out.length === 0 ? undefined : out.toLowerCase();
}
