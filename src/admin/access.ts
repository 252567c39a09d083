import { createHash, timingSafeEqual } from "node:crypto";
import { isLoopback } from "../server/config-values.js";

/** How the admin interface may be used. */
export interface AccessPolicy {
  /** Host it listens on, without brackets. */
  readonly host: string;
  readonly token: string | null;
  readonly basic: { readonly user: string; readonly password: string } | null;
  /** More host names under which browsers may ask, lower case. */
  readonly hosts: readonly string[];
}

/** The facts of a request that access depends on; header values as they came. */
export interface AccessFacts {
  readonly method: string;
  /** Address of the client. */
  readonly address: string;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
}

/** Why a request is turned away. */
export interface Refusal {
  readonly status: 401 | 403 | 421 | 429;
  readonly reason: string;
}

/** Decides on requests; remembers who failed to log in. */
export interface Access {
  /** May this request come from where it says it comes from? Asked of every request, also of those that need no login. */
  refuseOrigin(facts: AccessFacts): Refusal | undefined;
  /** Did it log in, where that is needed? */
  refuseLogin(facts: AccessFacts, nowMs: number): Refusal | undefined;
  /** Another policy from now on, by a reload. */
  setPolicy(policy: AccessPolicy): void;
}

const MOST_FAILURES = 20;
const FAILURE_WINDOW_MS = 60_000;
const MOST_ADDRESSES = 1000;

/**
 * Access to the admin interface. Without a login it answers to names of the loopback alone, so that a web page cannot
 * reach it by having its own name resolve to 127.0.0.1; and what changes something is refused to other web sites' pages.
 */
export function adminAccess(first: AccessPolicy): Access {
  let policy = first;
  const needsLogin = (): boolean => policy.token !== null || policy.basic !== null;
  const failures = new Map<string, { count: number; sinceMs: number }>();

  const hasFailedOften = (address: string, nowMs: number): boolean => {
    const failed = failures.get(address);
    if (failed === undefined) return false;
    if (nowMs - failed.sinceMs > FAILURE_WINDOW_MS) {
      failures.delete(address);
      return false;
    }
    return failed.count >= MOST_FAILURES;
  };
  const noteFailure = (address: string, nowMs: number): void => {
    const failed = failures.get(address);
    if (failed !== undefined) failed.count++;
    else {
      // the oldest entry makes room: the map is bounded however many addresses try
      if (failures.size >= MOST_ADDRESSES) failures.delete(failures.keys().next().value!);
      failures.set(address, { count: 1, sinceMs: nowMs });
    }
  };

  return {
    setPolicy(fresh) {
      policy = fresh;
    },
    refuseOrigin(facts) {
      if (!needsLogin() && !isKnownHost(facts.host, policy)) {
        return { status: 421, reason: "this host name is not served here; name it under admin.hosts" };
      }
      if (facts.method === "GET" || facts.method === "HEAD") return undefined;
      const foreign =
        facts.fetchSite === undefined
          ? facts.origin !== undefined && hostOfOrigin(facts.origin) !== facts.host?.toLowerCase()
          : facts.fetchSite !== "same-origin" && facts.fetchSite !== "none";
      return foreign
        ? { status: 403, reason: "a page of another site may not change anything here" }
        : undefined;
    },
    refuseLogin(facts, nowMs) {
      if (!needsLogin()) return undefined;
      if (hasFailedOften(facts.address, nowMs)) return { status: 429, reason: "too many failed logins" };
      if (facts.authorization === undefined) return { status: 401, reason: "login needed" };
      if (mayLogIn(facts.authorization, policy)) return undefined;
      noteFailure(facts.address, nowMs);
      return { status: 401, reason: "login failed" };
    },
  };
}

/** `Bearer TOKEN`, `Basic USER:PASSWORD`, or, for browsers, the token as the password of any basic user. */
function mayLogIn(authorization: string, { token, basic }: AccessPolicy): boolean {
  const space = authorization.indexOf(" ");
  const scheme = authorization.slice(0, space).toLowerCase();
  const value = authorization.slice(space + 1).trim();
  if (scheme === "bearer") return token !== null && same(value, token);
  if (scheme !== "basic") return false;
  const pair = Buffer.from(value, "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) return false;
  const password = pair.slice(colon + 1);
  const isToken = token !== null && same(password, token);
  const isBasic = basic !== null && same(pair.slice(0, colon), basic.user) && same(password, basic.password);
  return isToken || isBasic;
}

/** Compares in a time that tells nothing of where two texts differ. */
function same(a: string, b: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

function isKnownHost(header: string | undefined, policy: AccessPolicy): boolean {
  const host = hostOf(header ?? "");
  return isLoopback(host) || host === policy.host.toLowerCase() || policy.hosts.includes(host);
}

/** Host of a Host header: lower case, without port and brackets. */
function hostOf(header: string): string {
  const close = header.lastIndexOf("]");
  const colon = header.indexOf(":", close + 1);
  const host = colon < 0 ? header : header.slice(0, colon);
  return (host.startsWith("[") ? host.slice(1, -1) : host).toLowerCase();
}

/** The `HOST:PORT` of an Origin, lower case; `""` for `null` and the like, which match no host. */
function hostOfOrigin(origin: string): string {
  const slashes = origin.indexOf("://");
  return slashes < 0 ? "" : origin.slice(slashes + 3).toLowerCase();
}
