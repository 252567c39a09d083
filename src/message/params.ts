import { codeAt, endOfQuoted, endOfToken, isValueCode, skipSpace, unquote } from "./grammar.js";
import { MAX_PARAMS } from "./limits.js";
import { NameTable } from "./name-table.js";

/** One `;name=value` parameter: the name in lower case, the value as written (quotes kept), or `null` without one. */
export interface Param {
  readonly name: string;
  readonly value: string | null;
}

export type Params = readonly Param[];

export const NO_PARAMS: Params = [];

/** What is met often; every other name works as well, at the price of a copy. */
const names = new NameTable(
  (
    "+sip.instance alias branch comp expires gr gruu handling keep lr maddr method methods ob q received reg-id rport tag " +
    "temp-gruu pub-gruu transport ttl user"
  )
    .split(" ")
    .map((name) => [name, name] as const),
);

/** The parameter name that stands at `from` up to `end`, in lower case. */
export function paramNameAt(text: string, from: number, end: number): string {
  return names.find(text, from, end) ?? text.slice(from, end).toLowerCase();
}

/**
 * Parses `;name=value;name` as header parameters (RFC 3261 §25.1 generic-param); `text` starts at the first semicolon or is empty.
 * White space round `;` and `=` is allowed, values are tokens, hosts or quoted strings.
 * @returns `undefined` when a parameter is empty, a name is no token, a quote never closes, a value is empty, or there are
 * more than `MAX_PARAMS`
 * @param mayBeEmpty lower-case name of the one parameter whose value may be missing behind its `=`: it is `""` then
 */
export function parseParams(text: string, mayBeEmpty?: string): Params | undefined {
  const end = text.length;
  if (end === 0) return NO_PARAMS;
  const params: Param[] = [];
  let at = skipSpace(text, 0, end);
  while (at < end) {
    if (text.charCodeAt(at) !== 0x3b || params.length === MAX_PARAMS) return undefined;
    const nameStart = skipSpace(text, at + 1, end);
    at = endOfToken(text, nameStart, end);
    if (at === nameStart) return undefined;
    const name = paramNameAt(text, nameStart, at);
    at = skipSpace(text, at, end);
    if (codeAt(text, at, end) !== 0x3d) {
      params.push({ name, value: null });
      continue;
    }
    const valueStart = skipSpace(text, at + 1, end);
    at = endOfValue(text, valueStart, end);
    if (at < valueStart || (at === valueStart && name !== mayBeEmpty)) return undefined;
    params.push({ name, value: text.slice(valueStart, at) });
    at = skipSpace(text, at, end);
  }
  return params;
}

/** token / host / quoted-string; a host may be an IPv6 reference, and real ones hold colons and other URI characters. */
function endOfValue(text: string, from: number, end: number): number {
  if (codeAt(text, from, end) === 0x22) return endOfQuoted(text, from, end);
  while (from < end && isValueCode(text.charCodeAt(from))) from++;
  return from;
}

/** Value of the first parameter of this lower-case name as written: `undefined` when absent, `null` when it has no value. */
export function rawParam(params: Params, name: string): string | null | undefined {
  for (const param of params) if (param.name === name) return param.value;
  return undefined;
}

/** Value of the first parameter of this lower-case name with quotes undone; `""` without a value, `undefined` when absent. */
export function param(params: Params, name: string): string | undefined {
  const value = rawParam(params, name);
  return value === undefined ? undefined : value === null ? "" : unquote(value);
}

/** Is there a parameter of this lower-case name? */
export function hasParam(params: Params, name: string): boolean {
  return rawParam(params, name) !== undefined;
}

/** `;name=value;name`, in order. */
export function writeParams(params: Params): string {
  let out = "";
  for (const { name, value } of params) out += value === null ? `;${name}` : `;${name}=${value}`;
  return out;
}
