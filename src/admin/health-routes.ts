import type { FastifyInstance } from "fastify";
import type { AdminBackend } from "./backend.js";
import { adminMetrics } from "./metrics.js";
import { errorSchema } from "./schemas.js";

const statusSchema = { type: "object", properties: { status: { type: "string" } } };

/** `/healthz`, `/readyz` and `/metrics`. */
export function healthRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const metrics = adminMetrics(backend.metrics);
  app.addHook("onClose", async () => metrics.close());

  app.get(
    "/healthz",
    { schema: { summary: "Does the process live?", tags: ["health"], response: { 200: statusSchema } } },
    async () => ({ status: "ok" }),
  );
  app.get(
    "/readyz",
    {
      schema: {
        summary: "Is every listener bound and the store open?",
        tags: ["health"],
        response: { 200: statusSchema, 503: errorSchema },
      },
    },
    async (_request, reply) => {
      const ready = backend.readiness();
      return ready === true ? { status: "ready" } : reply.code(503).send({ error: ready });
    },
  );
  app.get(
    "/metrics",
    { schema: { summary: "Prometheus text", tags: ["health"], produces: ["text/plain"] } },
    async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()),
  );
}
