import { z } from "zod";
import { configSchema } from "./config-schema.js";

/** The part of JSON Schema that the configuration uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly additionalProperties?: Schema | boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

/** JSON schema of the configuration file, for editors. */
export function configJsonSchema(): string {
  const schema = z.toJSONSchema(configSchema, { io: "input" });
  const titled = { $schema: schema.$schema, title: "Rollcall configuration", ...schema };
  return `${JSON.stringify(titled, null, 2)}\n`;
}

/** The configuration reference, in Markdown: every key with its values, its default and what it means. */
export function configReference(): string {
  const root = JSON.parse(configJsonSchema()) as Schema;
  return `${INTRODUCTION}\n${section("", root)}\n`;
}

const INTRODUCTION = `# Configuration

\`rollcall serve --config FILE\` reads a YAML file. Every key may be left out, every key is checked, and one that is not known
is refused by its line and name. Flags win over the file. Paths in the file are relative to its folder. \`rollcall check
--config FILE\` says whether a file is good without starting anything; SIGHUP makes a running server read it again.

For completion in an editor, name the schema in the first line of the file:

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/rollcall/docs/config.schema.json
listen: [udp:0.0.0.0:5060, tcp:0.0.0.0:5060, tls:0.0.0.0:5061, wss:0.0.0.0:5067]
domains: [example.com]
tls: { cert: ./cert.pem, key: ./key.pem }
accounts: [store, { htdigest: ./users.htdigest }]
\`\`\`

This page is written from the schema by \`scripts/write-config-docs.mjs\`.
`;

/** A table of the keys of one map, and below it the tables of those that are maps themselves. */
function section(path: string, schema: Schema): string {
  const properties = Object.entries(schema.properties ?? {});
  let out = path === "" ? "" : `\n## \`${path}\`\n\n${schema.description ?? ""}\n\n`;
  out += "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const [name, property] of properties) {
    const isRequired = schema.required?.includes(name) === true;
    out += `| \`${name}\` | ${valuesOf(property)} | ${isRequired ? "required" : defaultOf(property)} | ${cell(property.description ?? "")} |\n`;
  }
  for (const [name, property] of properties) {
    for (const [suffix, inner] of mapsIn(property)) {
      const described =
        inner.description === undefined ? { ...inner, description: property.description ?? "" } : inner;
      out += section(`${path === "" ? "" : `${path}.`}${name}${suffix}`, described);
    }
  }
  return out;
}

/** The maps that a value is, holds, or may be, with `[]` for those in a list. Alternatives of one key are told in the value itself. */
function mapsIn(schema: Schema): (readonly [string, Schema])[] {
  if (schema.properties !== undefined) return [["", schema]];
  if (schema.items !== undefined) {
    return mapsIn(schema.items).map(([suffix, inner]) => [`[]${suffix}`, inner]);
  }
  return (schema.anyOf ?? []).filter((option) => !hasOneKey(option)).flatMap(mapsIn);
}

function hasOneKey({ properties }: Schema): boolean {
  return properties !== undefined && Object.keys(properties).length === 1;
}

function valuesOf(schema: Schema): string {
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(code).join(", ");
  if (schema.anyOf !== undefined) return schema.anyOf.map(alternative).join(" or ");
  switch (schema.type) {
    case "array":
      return schema.items?.type === "object"
        ? "list of maps, keys below"
        : `list of ${valuesOf(schema.items ?? {})}`;
    case "object":
      return schema.properties === undefined ? mapOf(schema) : "keys below";
    case "boolean":
      return "`true`, `false`";
    case "integer":
      return rangeOf(schema);
    default:
      return "text";
  }
}

function mapOf({ additionalProperties: values }: Schema): string {
  return typeof values === "object" && values.type === "array" ? "map of lists" : "map of text";
}

function alternative(schema: Schema): string {
  return hasOneKey(schema) ? `\`{ ${Object.keys(schema.properties ?? {})[0]}: … }\`` : valuesOf(schema);
}

/** Bounds that mean something; the largest safe integer and the like do not. */
function rangeOf({ minimum, maximum }: Schema): string {
  const isBounded = maximum !== undefined && maximum < 4_294_967_295;
  return isBounded ? `${minimum ?? 0} to ${maximum}` : `whole number, ${minimum ?? 0} or more`;
}

function defaultOf({ default: value, type, properties }: Schema): string {
  if (value === undefined || (type === "object" && properties !== undefined)) return "";
  return typeof value === "object" && Object.keys(value ?? {}).length === 0
    ? "none"
    : code(Array.isArray(value) ? value.join(", ") : value);
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
