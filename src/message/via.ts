import { isToken, parseDigits, skipSpace, trim } from "./grammar.js";
import { hasParam, type Params, param, parseParams } from "./params.js";
import { isIpv6, parseHostPort } from "./uri.js";

/** One Via value (RFC 3261 §20.42): the transport and address a request was sent from, and what receivers added. */
export interface Via {
  /** Upper case: `UDP`, `TCP`, `TLS`, `WS`, `WSS`, or another token. */
  readonly transport: string;
  /** Host of the sent-by, lower case; an IPv6 reference keeps its brackets. */
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
 * Parses one Via value: `SIP / 2.0 / UDP host : port ;params`.
 * @returns `undefined` when malformed
 */
export function parseVia(text: string): Via | undefined {
  const semicolon = text.indexOf(";");
  const end = semicolon < 0 ? text.length : semicolon;
  const firstSlash = text.indexOf("/");
  const secondSlash = text.indexOf("/", firstSlash + 1);
  if (firstSlash < 0 || secondSlash < 0 || secondSlash > end) return undefined;
  if (trim(text.slice(0, firstSlash)).toUpperCase() !== "SIP") return undefined;
  if (!isToken(trim(text.slice(firstSlash + 1, secondSlash)))) return undefined;
  const transportStart = skipSpace(text, secondSlash + 1, end);
  let transportEnd = transportStart;
  while (transportEnd < end && !isBlank(text.charCodeAt(transportEnd))) transportEnd++;
  const transport = text.slice(transportStart, transportEnd).toUpperCase();
  if (!isToken(transport)) return undefined;
  const sentBy = parseHostPort(compactHostPort(trim(text.slice(transportEnd, end))));
  if (sentBy === undefined) return undefined;
  const paramText = semicolon < 0 ? "" : text.slice(semicolon);
  const params = parseParams(paramText);
  if (params === undefined || !viaParamsFit(params)) return undefined;
  return {
    transport,
    host: sentBy.host,
    port: sentBy.port,
    params,
    paramText,
    sentText: trim(text.slice(0, end)),
  };
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** §25.1 COLON lets blanks stand round the colon of a sent-by. */
function compactHostPort(text: string): string {
  if (!text.includes(" ") && !text.includes("\t")) return text;
  const colon = text.lastIndexOf(":");
  return colon < 0 ? text : `${trim(text.slice(0, colon))}:${trim(text.slice(colon + 1))}`;
}

/** ttl, rport and received hold what §25.1 and RFC 3581 §5 say; RFC 5118 §4.5 asks to bear brackets in received. */
function viaParamsFit(params: Params): boolean {
  for (const { name, value } of params) {
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
  return host.charCodeAt(0) === 0x5b ? host.slice(1, -1) : host;
}
