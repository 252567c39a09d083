import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import type { AdminBackend } from "./backend.js";
import { overviewSchema } from "./schemas.js";

/** The files of the status page: nothing is built, and nothing comes from another place. */
const FILES = [
  { url: "/", file: "index.html", type: "text/html; charset=utf-8" },
  { url: "/status.js", file: "status.js", type: "text/javascript; charset=utf-8" },
  { url: "/status.css", file: "status.css", type: "text/css; charset=utf-8" },
  { url: "/favicon.svg", file: "favicon.svg", type: "image/svg+xml" },
] as const;

/** The status page, and the few figures at its head. */
export function pageRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const folder = new URL("../../dashboard/", import.meta.url);
  for (const { url, file, type } of FILES) {
    const content = readFileSync(new URL(file, folder), "utf8");
    app.get(url, { schema: { hide: true } }, async (_request, reply) => reply.type(type).send(content));
  }
  app.get(
    "/api/v1/status",
    { schema: { summary: "The server at a glance", tags: ["health"], response: { 200: overviewSchema } } },
    async () => {
      const ready = backend.readiness();
      const { aors, bindings } = await backend.store.count();
      return {
        version: backend.version,
        ready: ready === true,
        problem: ready === true ? null : ready,
        aors,
        bindings,
      };
    },
  );
}
