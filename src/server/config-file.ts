import { type Document, isCollection, isMap, isScalar, LineCounter, type Node, parseDocument } from "yaml";
import { z } from "zod";
import type { ConfigProblem } from "./config-error.js";
import { type ConfigFile, configSchema } from "./config-schema.js";
import { nearest } from "./nearest.js";

/** Path to a value in the file: `["auth", "algorithms", 0]`. */
export type ConfigPath = readonly (string | number)[];

/** A configuration file that is well-formed by itself. */
export interface ReadConfig {
  readonly config: ConfigFile;
  /** Line on which a value stands; `null` when the file does not name it. */
  lineOf(path: ConfigPath): number | null;
}

/** Most problems told at a time. */
const MOST_PROBLEMS = 20;

/**
 * Reads the text of a YAML configuration file. Every key is checked, and one that is not known is refused by name with the
 * nearest known one.
 * @returns the configuration, or every problem found, in the order of the file
 */
export function readConfig(text: string): ReadConfig | { readonly problems: readonly ConfigProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const lineAt = (offset: number): number => lines.linePos(offset).line;
  const flaw = document.errors[0];
  if (flaw !== undefined) {
    return { problems: [{ line: lineAt(flaw.pos[0]), text: `no valid YAML: ${firstLine(flaw.message)}` }] };
  }
  const data = toData(document);
  if ("problem" in data) return { problems: [{ line: 1, text: data.problem }] };
  const lineOf = (path: ConfigPath): number | null => {
    const offset = offsetOf(document, path);
    return offset === undefined ? null : lineAt(offset);
  };
  const checked = configSchema.safeParse(data.value);
  if (checked.success) return { config: checked.data, lineOf };
  const problems = worthTelling(checked.error.issues, data.value).flatMap((issue) =>
    tell(issue, [], data.value, lineOf),
  );
  problems.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  return { problems: problems.slice(0, MOST_PROBLEMS) };
}

/** The configuration of an empty file: the defaults. */
export function defaultConfig(): ReadConfig {
  return { config: configSchema.parse({}), lineOf: () => null };
}

/** `expires.min`, `listen[1]`: a path as people read it. */
export function showPath(path: ConfigPath): string {
  return path.reduce<string>(
    (shown, step) =>
      typeof step === "number" ? `${shown}[${step}]` : shown === "" ? step : `${shown}.${step}`,
    "",
  );
}

function toData(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    // aliases are few in honest files; the bound keeps a small file from growing without end
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    return { value: value ?? {} };
  } catch (error) {
    return { problem: firstLine(error instanceof Error ? error.message : String(error)) };
  }
}

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return (end < 0 ? text : text.slice(0, end)).trim();
}

/** Where a value's key (or the value itself, in a list) starts in the file; the nearest one around it when it is not there. */
function offsetOf(document: Document, path: ConfigPath): number | undefined {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of path) {
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair === undefined) return offset;
      offset = (pair.key as Node).range?.[0] ?? offset;
      node = pair.value;
    } else if (isCollection(node)) {
      node = node.items[Number(step)];
      if (node === undefined) return offset;
      offset = (node as Node).range?.[0] ?? offset;
    } else return offset;
  }
  return offset;
}

type Issue = z.core.$ZodIssue;

/** One problem of the schema in words of the file. */
function tell(
  issue: Issue,
  above: ConfigPath,
  data: unknown,
  lineOf: (path: ConfigPath) => number | null,
): ConfigProblem[] {
  const path: ConfigPath = [
    ...above,
    ...issue.path.map((step) => (typeof step === "number" ? step : String(step))),
  ];
  if (issue.code === "unrecognized_keys") {
    const known = knownKeys(path);
    return issue.keys.map((key) => {
      const near = nearest(key, known);
      const hint = near === undefined ? `; known here: ${known.join(", ")}` : `; did you mean "${near}"?`;
      return { line: lineOf([...path, key]), text: `unknown key "${showPath([...path, key])}"${hint}` };
    });
  }
  if (issue.code === "invalid_union") {
    const inside = bestBranch(issue.errors, valueAt(data, path));
    if (inside !== undefined) return inside.flatMap((deeper) => tell(deeper, path, data, lineOf));
  }
  const where = path.length === 0 ? "the file" : showPath(path);
  return [{ line: lineOf(path) ?? 1, text: `${where}: ${words(issue, valueAt(data, path))}` }];
}

/** A misspelt key is told by its name; that the right one is missing says nothing more. */
function worthTelling(issues: readonly Issue[], data: unknown): readonly Issue[] {
  const unknownAt = issues
    .filter(({ code }) => code === "unrecognized_keys")
    .map(({ path }) => path.join("."));
  return issues.filter(
    ({ path }) => valueAt(data, path) !== undefined || !unknownAt.includes(path.slice(0, -1).join(".")),
  );
}

/** What the alternative that was most likely meant has to say: the one whose shape fits and whose content does not. */
function bestBranch(branches: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const fitting = branches.filter((issues) => issues.every((issue) => fitsShape(issue)));
  if (typeof value === "string")
    return fitting.find((issues) => issues.every(({ code }) => code === "custom"));
  const named = fitting.find((issues) => issues.every(({ code }) => code !== "unrecognized_keys"));
  const chosen = named ?? fitting[0];
  return chosen === undefined ? undefined : worthTelling(chosen, value);
}

function fitsShape(issue: Issue): boolean {
  return issue.path.length > 0 || (issue.code !== "invalid_type" && issue.code !== "invalid_value");
}

function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "keys and values",
};

function words(issue: Issue, value: unknown): string {
  switch (issue.code) {
    case "invalid_type":
      if (value === undefined) return "is missing";
      return `expected ${KINDS[issue.expected] ?? issue.expected}, found ${kindOf(value)}`;
    case "invalid_value":
      return `expected ${issue.values.map(String).join(", ")}${hintOf(value, issue.values)}`;
    case "too_small":
      if (issue.origin === "array") return "the list is empty";
      if (issue.origin === "string") return `needs at least ${issue.minimum} characters`;
      return `must be ${issue.minimum} or more`;
    case "too_big":
      if (issue.origin === "array") return `takes at most ${issue.maximum} entries`;
      if (issue.origin === "string") return `takes at most ${issue.maximum} characters`;
      return `must be ${issue.maximum} or less`;
    default:
      return issue.message;
  }
}

function hintOf(value: unknown, known: readonly unknown[]): string {
  if (typeof value !== "string") return `, found ${kindOf(value)}`;
  const near = nearest(value, known.map(String));
  return near === undefined ? "" : `; did you mean "${near}"?`;
}

/** What a value is, in words that never repeat it: it may be a credential. */
function kindOf(value: unknown): string {
  if (value === null) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "number") return Number.isInteger(value) ? "a number" : "a number that is not whole";
  return KINDS[typeof value] ?? typeof value;
}

/** Keys that the schema knows at a path, over all alternatives. */
function knownKeys(path: ConfigPath): string[] {
  let schemas: z.core.$ZodType[] = [configSchema];
  for (const step of path) schemas = schemas.flatMap(unwrap).flatMap((schema) => child(schema, step));
  const keys = schemas
    .flatMap(unwrap)
    .flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : []));
  return [...new Set(keys)];
}

function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return unwrap(schema.unwrap());
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(unwrap);
  return [schema];
}

function child(schema: z.core.$ZodType, step: string | number): z.core.$ZodType[] {
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodObject) {
    const found: z.core.$ZodType | undefined = schema.shape[step];
    return found === undefined ? [] : [found];
  }
  return [];
}
