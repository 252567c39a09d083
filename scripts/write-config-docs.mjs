// Writes docs/configuration.md and docs/config.schema.json from the schema: npm run build && node scripts/write-config-docs.mjs
import { writeFileSync } from "node:fs";
import { configJsonSchema, configReference } from "../dist/server/config-docs.js";

const docs = new URL("../docs/", import.meta.url);
writeFileSync(new URL("config.schema.json", docs), configJsonSchema());
writeFileSync(new URL("configuration.md", docs), configReference());
