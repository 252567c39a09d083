import { type Contact, parseContacts } from "../message/contact.js";
import { expiresOf } from "../message/expires.js";
import { unquote } from "../message/grammar.js";
import type { Headers } from "../message/headers.js";
import type { Params } from "../message/params.js";
import { ok, type Result, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";

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
  /** Seconds asked for, by its own parameter or else the Expires header field; `null` when neither is there. */
  readonly askedSec: number | null;
  /** Preference in thousandths; 1000 when none was given. */
  readonly qMilli: number;
  /** `+sip.instance` without its quotes, or `null` (RFC 5626 §4.1). */
  readonly instance: string | null;
  /** The flow's number once an extension (RFC 5626) has put it in force, or `null`. */
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
const BAD_STAR = reject(400, "Contact * Without Expires 0");

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
  const contacts = parseContacts(headers);
  if (!contacts.ok) return contacts;
  const { value } = contacts;
  if (value.length === 0) return FETCH;
  const expires = expiresOf(headers) ?? null;
  if (value === "*") return expires === 0 ? REMOVE_ALL : BAD_STAR;
  if (value.length > most) return reject(403, "Too Many Contacts");
  return ok({ list: value.map((contact) => readContact(contact, expires, own)), all: false });
}

function readContact(
  { address, expiresSec, qMilli }: Contact,
  defaultSec: number | null,
  own: ReadonlySet<string>,
): RegisterContact {
  let instance: string | null = null;
  let kept = "";
  for (const { name, value } of address.params) {
    // a preference that only its text tells from none is kept as text
    if (name === "expires" || (name === "q" && qMilli !== 1000) || own.has(name)) continue;
    if (name === "+sip.instance" && value !== null) instance = unquote(value) || null;
    kept += value === null ? `;${name}` : `;${name}=${value}`;
  }
  return {
    uri: address.uri,
    sipUri: address.sipUri,
    given: address.params,
    params: kept,
    askedSec: expiresSec ?? defaultSec,
    qMilli: qMilli ?? 1000,
    instance,
    regId: null,
  };
}
