/** What stands in place of a credential. */
export const CENSOR = "[redacted]";

/** A line of JSON with the value of every (Proxy-)Authorization header and the password of every URL taken out. */
export function withoutCredentials(line: string): string {
  let clean = line;
  if (/authorization:/i.test(clean)) {
    clean = clean.replace(/(authorization:[ \t]*)(?:[^\\"]|\\[^rn])*/gi, `$1${CENSOR}`);
  }
  if (clean.includes("://")) clean = clean.replace(/(:\/\/[^\s:@/"]*):[^\s@/"]*@/g, `$1:${CENSOR}@`);
  return clean;
}
