import { codeAt, endOfToken, equalIgnoringCase, parseDigits, skipSpace, trim } from "./grammar.js";
import { isIpv6, parseHostPort } from "./host.js";
import { NameTable } from "./name-table.js";
import { hasParam, NO_PARAMS, type Params, param, parseParams } from "./params.js";

/** One Via value (RFC 3261 §20.42): the transport and address a request was sent from, and what receivers added. */
export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`, `WS`, `WSS`, or another token. */
  readonly transport: string;
  /** Host of the sent-by, as `canonicalHost` makes it; an IPv6 reference keeps its brackets. */
  readonly host: string;
  /** Port of the sent-by, or `null` when absent. */
  readonly port: number | null;
  readonly params: Params;
  /** The parameters as written, from the first semicolon. */
  readonly paramText: string;
  /** `SIP/2.0/UDP host:port` as written, without the parameters. */
  readonly sentText: string;
}

/** Branches of RFC 3261 elements start with this (§8.1.1.7). */
export const MAGIC_COOKIE = "z9hG4bK";

/** The branch parameter, or `undefined`. */
export function branchOf(via: Via): string | undefined {
  return param(via.params, "branch");
}

/**
 * Parses one Via value, trimmed: `SIP / 2.0 / UDP host : port ;params`. Blanks round the slashes, any case, and any transport
 * and version are tolerated here; see `isVersion2`.
 * @returns `undefined` when malformed, also by a parameter that is there twice (§7.3.1): two branches name two transactions
 */
export function parseVia(text: string): Via | undefined {
  const semicolon = text.indexOf(";");
  const paramText = semicolon < 0 ? "" : text.slice(semicolon);
  const params = parseParams(paramText);
  if (params === undefined || !viaParamsFit(params)) return undefined;
  return parseSent(text, semicolon < 0 ? text.length : semicolon, params, paramText);
}

/**
 * A Via whose parameters cannot be read, as far as an answer needs it: where the request came from, and nothing of what was
 * asked for by parameters (RFC 4475 §3.1.2.1 wants a 400 all the same).
 */
export function salvageVia(text: string): Via | undefined {
  const semicolon = text.indexOf(";");
  return parseSent(text, semicolon < 0 ? text.length : semicolon, NO_PARAMS, "");
}

/** Does its sent-protocol say SIP/2.0 (§7.1, §20.42)? */
export function isVersion2({ sentText }: Via): boolean {
  return sentText.startsWith("SIP/2.0/") || /^SIP[ \t]*\/[ \t]*2\.0[ \t]*\//i.test(sentText);
}

/** sent-protocol and sent-by, which end at `end`, as a Via with these parameters. */
function parseSent(text: string, end: number, params: Params, paramText: string): Via | undefined {
  const transportStart = text.startsWith("SIP/2.0/") ? 8 : behindProtocol(text, end);
  const transportEnd = endOfToken(text, transportStart, end);
  const hostStart = skipSpace(text, transportEnd, end);
  // each part is there, and a blank before the host
  if (transportEnd === transportStart || hostStart === transportEnd || hostStart === end) return undefined;
  const sentText = trim(text.slice(0, end));
  const sentBy = parseHostPort(compactHostPort(sentText.slice(hostStart)));
  if (sentBy === undefined) return undefined;
  const transport = transportName(text, transportStart, transportEnd);
  return { transport, host: sentBy.host, port: sentBy.port, params, paramText, sentText };
}

/** Index behind `SIP / 2.0 /` with its blanks, in any case and of any version; `end` when the text begins otherwise. */
function behindProtocol(text: string, end: number): number {
  const nameEnd = endOfToken(text, 0, end);
  if (!equalIgnoringCase(text.slice(0, nameEnd), "SIP")) return end;
  const versionStart = behindSlash(text, nameEnd, end);
  const versionEnd = endOfToken(text, versionStart, end);
  return versionEnd === versionStart ? end : behindSlash(text, versionEnd, end);
}

/** Index behind a slash and the blanks round it (§25.1 SLASH); `end` when there is none. */
function behindSlash(text: string, from: number, end: number): number {
  const slash = skipSpace(text, from, end);
  return codeAt(text, slash, end) === 0x2f ? skipSpace(text, slash + 1, end) : end;
}

const transports = new NameTable(
  ["UDP", "TCP", "TLS", "WS", "WSS", "SCTP", "TLS-SCTP"].map((name) => [name, name] as const),
);

function transportName(text: string, from: number, end: number): string {
  return transports.find(text, from, end) ?? text.slice(from, end).toUpperCase();
}

/** §25.1 COLON lets blanks stand round the colon of a sent-by. */
function compactHostPort(text: string): string {
  if (!text.includes(" ") && !text.includes("\t")) return text;
  const colon = text.lastIndexOf(":");
  return colon < 0 ? text : `${trim(text.slice(0, colon))}:${trim(text.slice(colon + 1))}`;
}

/**
 * Each parameter is there once (§7.3.1); ttl, rport and received hold what §25.1 and RFC 3581 §5 say. RFC 5118 §4.5 asks to
 * bear brackets in received.
 */
function viaParamsFit(params: Params): boolean {
  for (let i = 0; i < params.length; i++) {
    const { name, value } = params[i]!;
    for (let j = 0; j < i; j++) if (params[j]!.name === name) return false;
    if (name === "ttl" && !((parseDigits(value ?? "") ?? 256) <= 255)) return false;
    if (name === "rport" && value !== null && !((parseDigits(value) ?? 65_536) <= 65_535)) return false;
    if (name === "received" && !isReceived(value)) return false;
  }
  return true;
}

function isReceived(value: string | null): boolean {
  return value !== null && (isIpv6(value) || parseHostPort(value)?.port === null);
}

/**
 * The top Via as its receiver must hand it back (§18.2.1, RFC 3581 §4): `received` when the sent-by is another address
 * or `rport` was asked for, and `rport` filled in.
 * @param address source address of the request, without brackets
 */
export function stampVia(via: Via, address: string, port: number): string {
  let out = via.sentText;
  const rport = hasParam(via.params, "rport");
  for (const { name, value } of via.params) {
    if (name === "rport" || name === "received") continue;
    out += value === null ? `;${name}` : `;${name}=${value}`;
  }
  if (rport || bareHost(via.host) !== address) out += `;received=${address}`;
  return rport ? `${out};rport=${port}` : out;
}

/** A host without the brackets of an IPv6 reference. */
export function bareHost(host: string): string {
  return codeAt(host, 0, host.length) === 0x5b ? host.slice(1, -1) : host;
}
