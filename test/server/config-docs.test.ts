import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { configJsonSchema, configReference } from "../../src/server/config-docs.js";

const docs = new URL("../../docs/", import.meta.url);

test.each([
  ["config.schema.json", configJsonSchema],
  ["configuration.md", configReference],
])("docs/%s is what scripts/write-config-docs.mjs writes now", (file, generate) => {
  expect(readFileSync(new URL(file, docs), "utf8")).toBe(generate());
});

test("every key is described", () => {
  const undescribed: string[] = [];
  const walk = (path: string, schema: unknown): void => {
    if (typeof schema !== "object" || schema === null) return;
    const { properties, items, anyOf } = schema as Record<string, unknown>;
    for (const [name, property] of Object.entries(properties ?? {})) {
      const inner = `${path}.${name}`;
      if (typeof (property as { description?: unknown }).description !== "string") undescribed.push(inner);
      walk(inner, property);
    }
    walk(path, items);
    for (const option of (anyOf as unknown[] | undefined) ?? []) walk(path, option);
  };
  walk("", JSON.parse(configJsonSchema()));
  expect(undescribed).toEqual([]);
});
