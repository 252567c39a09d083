import type { Parsed } from "./config-values.js";

/**
 * URL of a service that knows accounts: `http:` or `https:`, with `user:password@` for Basic authentication. What is told of one that
 * is none says nothing of what it holds.
 */
export function parseHttpUrl(text: string): Parsed<string> {
  const url = urlOf(text);
  if (url === undefined || !/^https?:\/\//i.test(text)) return { problem: "expected an http: or https: URL" };
  if (hasStrayAt(text)) return { problem: STRAY_AT };
  const user = unescaped(url.username);
  if (user === undefined || unescaped(url.password) === undefined)
    return { problem: "the escapes (%41) in user and password must be whole, and UTF-8" };
  // RFC 7617 §2: the first colon ends the user
  return user.includes(":") ? { problem: "the user may hold no colon" } : { value: text };
}

/** URL of a database as the package `pg` reads it: the host may be empty, or named in the query. */
export function parsePostgresUrl(text: string): Parsed<string> {
  const isUrl =
    /^postgres(ql)?:\/\/[^\s]*$/i.test(text) &&
    (urlOf(text) ?? urlOf(text.replace("@/", "@localhost/"))) !== undefined;
  if (!isUrl) return { problem: "expected postgres://USER:PASSWORD@HOST/DATABASE" };
  return hasStrayAt(text) ? { problem: STRAY_AT } : { value: text };
}

const STRAY_AT = "in user and password, @ is written %40 and / is written %2F";

/** An `@` behind the one that ends user and password: most likely one of these was meant to hold it, or the slash before it. */
function hasStrayAt(text: string): boolean {
  const question = text.indexOf("?");
  const before = question < 0 ? text : text.slice(0, question);
  const slash = before.indexOf("/", before.indexOf("://") + 3);
  const last = before.lastIndexOf("@");
  return last >= 0 && (before.indexOf("@") !== last || (slash >= 0 && slash < last));
}

function urlOf(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
