import { parseExpires } from "./expires.js";
import { unquote } from "./grammar.js";
import type { Headers } from "./headers.js";
import { type NameAddr, parseNameAddr } from "./name-addr.js";
import { rawParam } from "./params.js";
import { ok, type Rejection, type Result, reject } from "./result.js";

/** One contact of a Contact header field (RFC 3261 §20.10). */
export interface Contact {
  readonly address: NameAddr;
  /** `q` in thousandths, 0 to 1000; `null` when absent, which means 1000 to a registrar (§10.3) or a redirect (§8.1.3.4). */
  readonly qMilli: number | null;
  /** `expires` in seconds, 0 to 2^32-1; malformed ones are 3600 (§10.2); `null` when absent. */
  readonly expiresSec: number | null;
}

/** `*` alone (§10.2.2), or the contacts in order; `[]` when there is no Contact field. */
export type Contacts = "*" | readonly Contact[];

const NONE: Result<Contacts> = ok([]);
const STAR: Result<Contacts> = ok("*");

/**
 * The contacts of a message over all its Contact lines (§20.10, §7.3.1).
 * @returns 400 for a malformed element, `*` beside another, or an empty field
 */
export function parseContacts(headers: Headers): Result<Contacts> {
  const first = headers.indexOf("contact");
  if (first < 0) return NONE;
  const elements = headers.list("contact");
  if (elements === undefined || elements.length === 0) return malformed("Contact");
  if (elements.length === 1 && elements[0] === "*") return STAR;
  const contacts: Contact[] = [];
  for (const element of elements) {
    // §10.2: a malformed expires, and one that is empty, is taken for an hour
    const address = parseNameAddr(element, "expires");
    if (address === undefined) return malformed("Contact");
    const q = rawParam(address.params, "q");
    const qMilli = q === undefined ? null : parseQ(q ?? "");
    if (qMilli === undefined) return malformed("q In Contact");
    const expires = rawParam(address.params, "expires");
    // some phones quote the number
    const expiresSec = expires === undefined ? null : parseExpires(unquote(expires ?? ""));
    contacts.push({ address, qMilli, expiresSec });
  }
  return ok(contacts);
}

function malformed(what: string): Rejection {
  return reject(400, `Malformed ${what}`);
}

/** A qvalue in thousandths (§25.1: `0` or `1`, a dot, at most three digits); `undefined` when it is none. */
export function parseQ(text: string): number | undefined {
  const whole = text.charCodeAt(0) - 0x30;
  if (text.length > 5 || (whole !== 0 && whole !== 1)) return undefined;
  if (text.length > 1 && text.charCodeAt(1) !== 0x2e) return undefined;
  let milli = whole * 1000;
  for (let i = 2, unit = 100; i < text.length; i++, unit /= 10) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return undefined;
    milli += digit * unit;
  }
  return milli > 1000 ? undefined : milli;
}

/** A qvalue as it is written: `0.7`, `1`. */
export function writeQ(milli: number): string {
  return String(milli / 1000);
}
