/** Writes the time in milliseconds since the Unix epoch as a SIP-date: `Sat, 13 Nov 2010 23:29:00 GMT` (RFC 3261 §20.17). */
export type DateWriter = (nowMs: number) => string;

/** A writer that formats once a second: the last text is kept. */
export function createDateWriter(): DateWriter {
  let second = Number.NaN;
  let text = "";
  return (nowMs) => {
    const now = Math.floor(nowMs / 1000);
    if (now !== second) {
      second = now;
      // ECMA-262 §21.4.4.43 writes just what RFC 1123 and §20.17 ask for
      text = new Date(now * 1000).toUTCString();
    }
    return text;
  };
}
