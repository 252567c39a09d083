import { printable } from "../admin/text.js";

/** A column of a table for people. */
export interface Column {
  readonly title: string;
  readonly align?: "right";
}

/** Lays rows under each other as they come: widths are those of the rows seen so far, and never shrink. */
export interface Table {
  /** The lines of some rows, each with its line end; the head comes with the first. */
  lines(rows: readonly (readonly string[])[]): string;
}

/** Widest a column is padded to; longer texts stick out. */
const MOST_PADDING = 60;

/** A table that is written in parts, so that it may be of any length. */
export function table(columns: readonly Column[]): Table {
  const widths = columns.map(({ title }) => title.length);
  let isFirst = true;
  const line = (cells: readonly string[]): string => {
    let out = "";
    for (let i = 0; i < columns.length; i++) {
      const cell = cells[i] ?? "";
      const gap = " ".repeat(Math.max(0, widths[i]! - width(cell)));
      out += columns[i]!.align === "right" ? gap + cell : cell + gap;
      if (i < columns.length - 1) out += "  ";
    }
    return `${out.trimEnd()}\n`;
  };
  return {
    lines(rows) {
      const safe = rows.map((cells) => cells.map(printable));
      for (const cells of safe) {
        cells.forEach((cell, i) => {
          widths[i] = Math.max(widths[i]!, Math.min(width(cell), MOST_PADDING));
        });
      }
      const head = isFirst ? line(columns.map(({ title }) => title)) : "";
      isFirst = false;
      return head + safe.map(line).join("");
    },
  };
}

/** Places that a text takes: code points, which is right for all but wide and combining ones. */
function width(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
