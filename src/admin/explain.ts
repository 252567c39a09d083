import type { Binding, Bindings } from "../location/binding.js";
import { isIpv4, isIpv6 } from "../message/host.js";
import { parseSipUri } from "../message/uri.js";
import { shown } from "./text.js";

/** Can a request get there? `maybe`: nothing speaks against it, but only trying would tell. */
export type Reachable = "yes" | "maybe" | "no";

/** Why one contact can or cannot be reached, in lines for people. */
export interface ContactExplanation {
  readonly uri: string;
  readonly reachable: Reachable;
  readonly facts: readonly string[];
}

/** Why an address-of-record can or cannot be reached. */
export interface Explanation {
  readonly aor: string;
  readonly reachable: Reachable;
  /** The answer in one line. */
  readonly summary: string;
  readonly contacts: readonly ContactExplanation[];
}

/** What pings of one binding have found out. */
export interface PingFacts {
  readonly reachable: boolean;
  /** Pings in a row without an answer. */
  readonly misses: number;
  /** Of the last ping that was answered, milliseconds; `null` before the first. */
  readonly roundTripMs: number | null;
  /** When the last ping ended, milliseconds since the epoch; `null` before the first. */
  readonly testedAtMs: number | null;
}

/** What is known beside the bindings. */
export interface ExplainFacts {
  readonly nowMs: number;
  /** Is there an account for this address? `undefined`: not known. */
  readonly hasAccount?: boolean | undefined;
  /** Is the connection with this token open? Absent: only the running server knows. */
  readonly isFlowAlive?: ((token: string) => boolean) | undefined;
  /** What pings have found out about a binding; `undefined` when it is not pinged. */
  readonly reachability?: ((aor: string, binding: Binding) => PingFacts | undefined) | undefined;
  /** Since when ICMP says that nothing gets to a binding, milliseconds since the epoch; `undefined` when none does. */
  readonly lostSinceMs?: ((binding: Binding) => number | undefined) | undefined;
}

/** Says from what is stored why the phones of an address can or cannot be reached now. Expired bindings are told as such. */
export function explain(aor: string, bindings: Bindings, facts: ExplainFacts): Explanation {
  const contacts = bindings.map((binding) => explainContact(aor, binding, facts));
  const live = bindings.filter(({ expiresAtMs }) => expiresAtMs > facts.nowMs);
  const reachable = best(contacts);
  return { aor: shown(aor), reachable, summary: summarise(live, bindings, reachable, facts), contacts };
}

function best(contacts: readonly ContactExplanation[]): Reachable {
  if (contacts.some((contact) => contact.reachable === "yes")) return "yes";
  return contacts.some((contact) => contact.reachable === "maybe") ? "maybe" : "no";
}

function summarise(live: Bindings, all: Bindings, reachable: Reachable, facts: ExplainFacts): string {
  if (live.length === 0) {
    const account =
      facts.hasAccount === false
        ? "; there is no account for it in the embedded store"
        : facts.hasAccount === true
          ? "; its account exists, so its phone is off, has no way here, or has a wrong password"
          : "";
    if (all.length === 0) return `not registered: calls are answered 480 or 404${account}`;
    const lastMs = Math.max(...all.map(({ expiresAtMs }) => expiresAtMs));
    return `not registered any more: the last binding expired ${ago(facts.nowMs - lastMs)}${account}`;
  }
  const count = live.length === 1 ? "one contact" : `${live.length} contacts`;
  switch (reachable) {
    case "yes":
      return `registered with ${count}; a call goes to it`;
    case "maybe":
      return `registered with ${count}; nothing speaks against a call`;
    case "no":
      return `registered with ${count}, but no call gets through`;
  }
}

function explainContact(aor: string, binding: Binding, facts: ExplainFacts): ContactExplanation {
  const uri = shown(binding.uri);
  const lines: string[] = [];
  const leftMs = binding.expiresAtMs - facts.nowMs;
  if (leftMs <= 0) {
    lines.push(`expired ${ago(-leftMs)} and is called no more: the phone did not refresh it`);
    return { uri, reachable: "no", facts: lines };
  }
  lines.push(
    `expires in ${duration(leftMs)}; last REGISTER ${ago(facts.nowMs - binding.updatedAtMs)} from ${binding.received}` +
      (binding.userAgent === null ? "" : ` (${shown(binding.userAgent)})`),
  );
  const way = explainWay(binding, facts, lines);
  const lostSinceMs = facts.lostSinceMs?.(binding);
  if (lostSinceMs !== undefined) {
    lines.push(
      `the network said ${ago(facts.nowMs - lostSinceMs)} that a request did not arrive (ICMP): it is not called until it sends a SIP message`,
    );
    return { uri, reachable: "no", facts: lines };
  }
  const known = facts.reachability?.(aor, binding);
  const reachable = known === undefined || way === "no" ? way : explainPings(known, facts.nowMs, lines);
  return { uri, reachable, facts: lines };
}

/** A phone that does not answer pings is not called; one that does has shown that requests arrive. */
function explainPings(known: PingFacts, nowMs: number, lines: string[]): Reachable {
  const { reachable, misses, roundTripMs, testedAtMs } = known;
  const tested = testedAtMs === null ? "" : `, the last ${ago(nowMs - testedAtMs)}`;
  if (!reachable) {
    lines.push(
      `it left ${misses} pings in a row unanswered${tested}: it is not called until it answers or registers again`,
    );
    return "no";
  }
  if (misses > 0) lines.push(`it left ${misses} of the latest pings unanswered${tested}`);
  else if (roundTripMs !== null) lines.push(`it answered a ping within ${roundTripMs} ms${tested}`);
  return misses === 0 && roundTripMs !== null ? "yes" : "maybe";
}

/** Which way a request to this binding takes, as the proxy decides it: its connection, its Path, its source, its contact. */
function explainWay(binding: Binding, facts: ExplainFacts, lines: string[]): Reachable {
  const contact = parseSipUri(binding.uri);
  if (contact === undefined) {
    lines.push("its contact is no SIP URI: no call is sent to it");
    return "no";
  }
  if (binding.flow !== null) return explainConnection(binding, binding.flow, facts, lines);
  if (binding.path.length > 0) {
    lines.push(`requests go through its Path: ${binding.path.map(shown).join(", ")}`);
    return "maybe";
  }
  const host = contact.host.replace(/^\[|\]$/g, "");
  const from = sourceOf(binding.received);
  if (binding.regId !== null) {
    lines.push(
      `registered with reg-id (RFC 5626): requests go to where its REGISTER came from, ${from.host}:${from.port}`,
    );
  } else if (host !== from.host) {
    lines.push(
      `its contact says ${shown(host)}, its REGISTER came from ${from.host}: ${isAddress(host) ? "a NAT, so" : "so"} requests go to where it came from`,
    );
  } else {
    const port = contact.port ?? (contact.scheme === "sips" ? 5061 : 5060);
    const other = port === from.port ? "" : `; its REGISTER came from port ${from.port}`;
    lines.push(`requests go to its contact, ${from.host}:${port}${other}`);
  }
  lines.push("over UDP, only an answer proves that requests arrive");
  return "maybe";
}

function explainConnection(binding: Binding, flow: string, facts: ExplainFacts, lines: string[]): Reachable {
  const transport = binding.received.slice(0, binding.received.indexOf(":")).toUpperCase();
  if (facts.isFlowAlive === undefined) {
    lines.push(
      `requests go over the ${transport} connection it registered on; whether that is open, the running server knows`,
    );
    return "maybe";
  }
  if (facts.isFlowAlive(flow)) {
    lines.push(`requests go over its ${transport} connection, which is open`);
    return "yes";
  }
  lines.push(`its ${transport} connection is closed: it is not called until the phone registers again`);
  return "no";
}

function isAddress(host: string): boolean {
  return isIpv4(host) || isIpv6(host);
}

/** Address, without brackets, and port of `received`. */
function sourceOf(received: string): { readonly host: string; readonly port: number } {
  const first = received.indexOf(":");
  const last = received.lastIndexOf(":");
  return {
    host: received.slice(first + 1, last).replace(/^\[|\]$/g, ""),
    port: Number(received.slice(last + 1)),
  };
}

function ago(ms: number): string {
  return `${duration(ms)} ago`;
}

/** `3 s`, `12 min`, `5 h 7 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
