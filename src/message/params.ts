import { endOfQuoted, isSpace, isToken, trim, unquote } from "./grammar.js";

/** One `;name=value` parameter: the name in lower case, the value as written (quotes kept), or `null` without one. */
export interface Param {
  readonly name: string;
  readonly value: string | null;
}

export type Params = readonly Param[];

export const NO_PARAMS: Params = [];

/**
 * Parses `;name=value;name` as header parameters (RFC 3261 §25.1 generic-param); `text` starts at the first semicolon or is empty.
 * White space round `;` and `=` is allowed, values are tokens, hosts or quoted strings.
 * @returns `undefined` when a parameter is empty, a name is no token, a quote never closes, or a value is empty
 */
export function parseParams(text: string): Params | undefined {
  if (text.length === 0) return NO_PARAMS;
  const params: Param[] = [];
  const end = text.length;
  let at = 0;
  while (at < end) {
    while (at < end && isSpace(text.charCodeAt(at))) at++;
    if (at === end) break;
    if (text.charCodeAt(at) !== 0x3b) return undefined;
    let stop = ++at;
    let equals = -1;
    while (stop < end) {
      const code = text.charCodeAt(stop);
      if (code === 0x3b) break;
      if (code === 0x3d && equals < 0) equals = stop;
      if (code === 0x22) {
        if (equals < 0) return undefined;
        stop = endOfQuoted(text, stop, end);
        if (stop < 0) return undefined;
      } else stop++;
    }
    const name = trim(text.slice(at, equals < 0 ? stop : equals)).toLowerCase();
    if (!isToken(name)) return undefined;
    if (equals < 0) params.push({ name, value: null });
    else {
      const value = trim(text.slice(equals + 1, stop));
      if (!isParamValue(value)) return undefined;
      params.push({ name, value });
    }
    at = stop;
  }
  return params;
}

/** token / host / quoted-string; a host may be an IPv6 reference, and real ones hold colons and other URI characters. */
function isParamValue(value: string): boolean {
  if (value.length === 0) return false;
  if (value.charCodeAt(0) === 0x22) return endOfQuoted(value, 0, value.length) === value.length;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code <= 0x20 || code === 0x22 || code === 0x2c || code === 0x3c || code === 0x3e || code === 0x7f)
      return false;
  }
  return true;
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
