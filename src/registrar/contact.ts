import { parseDigits, unquote } from "../message/grammar.js";
import type { Headers } from "../message/headers.js";
import { parseNameAddr } from "../message/name-addr.js";
import type { Params } from "../message/params.js";
import { ok, type Rejection, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { readExpires } from "./expires.js";

/** One Contact of a REGISTER (RFC 3261 §20.10), read once. */
export interface RegisterContact {
  /** The URI as written; any scheme (§10.2.1). */
  readonly uri: string;
  /** The same parsed, or `undefined` for a scheme other than sip and sips. */
  readonly sipUri: SipUri | undefined;
  /** Every header parameter that came with it. */
  readonly given: Params;
  /** Those to keep and give back: `;name=value;name`, or `""`. */
  readonly params: string;
  /** Seconds asked for, by its own parameter or else the Expires header field; `undefined` when neither is there. */
  readonly askedSec: number | undefined;
  /** Preference in thousandths; 1000 when none was given. */
  readonly qMilli: number;
  /** `+sip.instance` without its quotes, or `null` (RFC 5626 §4.1). */
  readonly instance: string | null;
  /** The flow's number when an extension (RFC 5626) has put it in force, or `null`. */
  regId: number | null;
}

/** What the Contact header fields of a REGISTER say. */
export interface RegisterContacts {
  /** In order; empty for a fetch (§10.2.3) and for `*`. */
  readonly list: readonly RegisterContact[];
  /** `Contact: *` with `Expires: 0` (§10.2.2). */
  readonly all: boolean;
}

const FETCH: Result<RegisterContacts> = ok({ list: [], all: false });
const REMOVE_ALL: Result<RegisterContacts> = ok({ list: [], all: true });

/**
 * Reads every Contact of a REGISTER (§10.3 steps 6 and 7).
 * @param most how many there may be
 * @param own names (lower case) of parameters that only the registrar writes: what a phone says in them is not kept
 * @returns 400 when one is malformed or `*` is not alone with `Expires: 0`; 403 when there are too many
 */
export function readContacts(
  headers: Headers,
  most: number,
  own: ReadonlySet<string>,
): Result<RegisterContacts> {
  const first = headers.indexOf("contact");
  if (first < 0) return FETCH;
  const expires = headers.get("expires");
  const defaultAsked = expires === undefined ? undefined : readExpires(expires);

  const value = headers.valueAt(first);
  if (value === "*") return headers.count("contact") === 1 && defaultAsked === 0 ? REMOVE_ALL : BAD_STAR;
  if (headers.indexOf("contact", first + 1) < 0 && !value.includes(",")) {
    const contact = readContact(value, defaultAsked, own);
    return contact.ok ? ok({ list: [contact.value], all: false }) : contact;
  }

  const elements = headers.list("contact");
  if (elements === undefined) return BAD_CONTACT;
  if (elements.length > most) return reject(403, "Too Many Contacts");
  const list: RegisterContact[] = [];
  for (const element of elements) {
    if (element === "*") return BAD_STAR;
    const contact = readContact(element, defaultAsked, own);
    if (!contact.ok) return contact;
    list.push(contact.value);
  }
  return ok({ list, all: false });
}

const BAD_STAR = reject(400, "Contact * Needs Expires 0 and No Other Contact");
const BAD_CONTACT = reject(400, "Malformed Contact");
const BAD_Q = reject(400, "Malformed q");

function readContact(
  text: string,
  defaultAsked: number | undefined,
  own: ReadonlySet<string>,
): Result<RegisterContact> {
  const parsed = parseNameAddr(text);
  if (parsed === undefined) return BAD_CONTACT;
  let askedSec = defaultAsked;
  let qMilli = 1000;
  let instance: string | null = null;
  let kept = "";
  let seenExpires = false;
  let seenQ = false;
  for (const { name, value } of parsed.params) {
    if (name === "expires") {
      if (!seenExpires) askedSec = readExpires(value);
      seenExpires = true;
      continue;
    }
    if (name === "q") {
      const q = readQ(value);
      if (q === undefined) return BAD_Q;
      if (!seenQ) qMilli = q;
      seenQ = true;
      // a preference that is told apart from none only by its text is kept as text
      if (q !== 1000) continue;
    } else if (name === "+sip.instance") {
      instance = value === null ? null : unquote(value) || null;
    } else if (own.size > 0 && own.has(name)) continue;
    kept += value === null ? `;${name}` : `;${name}=${value}`;
  }
  return ok({
    uri: parsed.uri,
    sipUri: parsed.sipUri,
    given: parsed.params,
    params: kept,
    askedSec,
    qMilli,
    instance,
    regId: null,
  });
}

/** qvalue (§25.1) in thousandths: 0 to 1, digits beyond the third cut off; `undefined` when malformed. */
function readQ(text: string | null): number | undefined {
  if (text === null) return undefined;
  const dot = text.indexOf(".");
  const whole = dot < 0 ? text : text.slice(0, dot);
  const digits = dot < 0 ? "" : text.slice(dot + 1);
  if (digits.length > 0 && parseDigits(digits) === undefined) return undefined;
  const thousandths = Number(`${digits}000`.slice(0, 3));
  if (whole === "0" || (whole === "" && digits.length > 0)) return thousandths;
  return whole === "1" && thousandths === 0 ? 1000 : undefined;
}

/** 400 when a sips contact is to be bound although a URI on its way is no sips URI (RFC 5630 §5.2). */
export function checkSips(
  contacts: readonly RegisterContact[],
  requestUri: string,
  path: readonly string[],
): Rejection | undefined {
  let secure = 0;
  let plain = 0;
  for (const { sipUri, askedSec } of contacts) {
    if (askedSec === 0 || sipUri === undefined) continue;
    if (sipUri.scheme === "sips") secure++;
    else plain++;
  }
  if (secure === 0) return undefined;
  if (plain === 0 && isSips(requestUri) && path.every((hop) => isSips(parseNameAddr(hop)?.uri ?? "")))
    return undefined;
  return reject(400, "SIPS Contact Needs SIPS All the Way");
}

function isSips(uri: string): boolean {
  return uri.slice(0, 5).toLowerCase() === "sips:";
}
