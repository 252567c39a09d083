/** What stands in place of a credential. */
export const CENSOR = "[redacted]";

/** A line of JSON with the value of every (Proxy-)Authorization header and the password of every URL taken out. */
export function withoutCredentials(line: string): string {
  let clean = line;
  if (/authorization:/i.test(clean)) {
    clean = clean.replace(/(authorization:[ \t]*)(?:[^\\"]|\\[^rn])*/gi, `$1${CENSOR}`);
  }
  return clean.includes("://") ? clean.replace(/[^\s"]+/g, withoutPasswords) : clean;
}

/** `://user:` where no port follows; a bracket begins an IPv6 host. */
const PASSWORD_BEGINS = /:\/\/[^:@/[]*:(?!\d*(?:[/?#\\]|$))/;

/** Up to the last `@`: in a URL that is not well formed the password may hold that as well as a slash. */
function withoutPasswords(word: string): string {
  const last = word.lastIndexOf("@");
  if (last < 0 || !word.includes("://")) return word;
  const begin = PASSWORD_BEGINS.exec(word);
  const from = begin === null ? last : begin.index + begin[0].length;
  return from >= last ? word : `${word.slice(0, from)}${CENSOR}${word.slice(last)}`;
}
