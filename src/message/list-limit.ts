import { indexOutside } from "./grammar.js";

const COMMA = 0x2c;

/**
 * Does a list that others must read in turn (Via, Contact, Route, Record-Route, Path) have more than `most` elements over
 * all its lines (RFC 3261 §7.3.1)? A message like that is refused before anybody pays for it.
 * @param spans of the lines, as in `FieldSpans`
 */
export function hasLongList(
  text: string,
  names: readonly string[],
  spans: readonly number[],
  most: number,
): boolean {
  if (!mayHaveLongList(text, names, spans, most)) return false;
  return LISTS.some((name) => isLonger(text, names, spans, { name, most }));
}

const LISTS = ["via", "contact", "route", "record-route", "path"] as const;

function isList(name: string): boolean {
  switch (name) {
    case "via":
    case "contact":
    case "route":
    case "record-route":
    case "path":
      return true;
    default:
      return false;
  }
}

/** The cheap look that nearly every message passes: all lists' lines and commas together, wherever the commas stand. */
function mayHaveLongList(
  text: string,
  names: readonly string[],
  spans: readonly number[],
  most: number,
): boolean {
  let total = 0;
  let comma = -1;
  for (let i = 0; i < names.length; i++) {
    if (!isList(names[i]!)) continue;
    total++;
    const end = spans[i * 3 + 2]!;
    // the next comma is looked for once, however many lines lack one
    if (comma < spans[i * 3 + 1]!) comma = commaFrom(text, spans[i * 3 + 1]!);
    for (; comma < end && total <= most; comma = commaFrom(text, comma + 1)) total++;
    if (total > most) return true;
  }
  return false;
}

/** Index of a comma at or after `from`, or behind the whole text. */
function commaFrom(text: string, from: number): number {
  const index = text.indexOf(",", from);
  return index < 0 ? text.length : index;
}

function isLonger(
  text: string,
  names: readonly string[],
  spans: readonly number[],
  { name, most }: { readonly name: string; readonly most: number },
): boolean {
  let elements = 0;
  for (let i = names.indexOf(name); i >= 0; i = names.indexOf(name, i + 1)) {
    const value = text.slice(spans[i * 3 + 1]!, spans[i * 3 + 2]!);
    elements++;
    let at = indexOutside(value, COMMA, 0);
    for (; at >= 0 && elements <= most; at = indexOutside(value, COMMA, at + 1)) elements++;
    if (elements > most) return true;
  }
  return false;
}
