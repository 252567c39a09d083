import { isHex } from "../message/grammar.js";

/** HA1s of a file, in lower-case hexadecimal, by `realm LF user`: those of MD5 and those of SHA-256. */
export interface HtdigestAccounts {
  readonly md5: ReadonlyMap<string, string>;
  readonly sha256: ReadonlyMap<string, string>;
}

/** U+FEFF in UTF-8, which editors put in front of a text. */
const UTF8_MARK = "\xef\xbb\xbf";

/** A line that cannot be read. Says which and why, and nothing of what it holds. */
export class HtdigestError extends Error {
  /** From 1; 0 when it is not about one line. */
  readonly line: number;
  constructor(line: number, reason: string) {
    super(line === 0 ? reason : `line ${line}: ${reason}`);
    this.name = "HtdigestError";
    this.line = line;
  }
}

/** Key of a user in {@link HtdigestAccounts}: no line of a file can hold a line end. */
export function htdigestKey(user: string, realm: string): string {
  return `${realm}\n${user}`;
}

/**
 * Reads lines `user:realm:HA1` as Apache's htdigest writes them: 32 hexadecimal digits are MD5, 64 are SHA-256. The realm may
 * hold colons, the user may not. Empty lines and those that start with `#` are passed over, and so is a byte order mark of UTF-8.
 * @param text latin1, one character an octet
 * @throws HtdigestError for the first line that cannot be read, or stands twice
 */
export function parseHtdigest(text: string): HtdigestAccounts {
  const md5 = new Map<string, string>();
  const sha256 = new Map<string, string>();
  let number = 0;
  for (let at = text.startsWith(UTF8_MARK) ? UTF8_MARK.length : 0; at < text.length; ) {
    let end = text.indexOf("\n", at);
    if (end < 0) end = text.length;
    const line = text.slice(at, text.charCodeAt(end - 1) === 0x0d && end > at ? end - 1 : end);
    at = end + 1;
    number++;
    if (line.length === 0 || line.charCodeAt(0) === 0x23) continue;
    const first = line.indexOf(":");
    const last = line.lastIndexOf(":");
    if (first < 1 || last === first) throw new HtdigestError(number, "is not user:realm:HA1");
    const ha1 = line.slice(last + 1).toLowerCase();
    if ((ha1.length !== 32 && ha1.length !== 64) || !isHexText(ha1))
      throw new HtdigestError(number, "the HA1 is neither 32 nor 64 hexadecimal digits");
    const key = htdigestKey(line.slice(0, first), line.slice(first + 1, last));
    const accounts = ha1.length === 32 ? md5 : sha256;
    if (accounts.has(key)) throw new HtdigestError(number, "this user and realm stand twice");
    accounts.set(key, ha1);
  }
  return { md5, sha256 };
}

function isHexText(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (!isHex(text.charCodeAt(i))) return false;
  return true;
}
