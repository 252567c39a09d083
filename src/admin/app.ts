import swagger from "@fastify/swagger";
import Fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { StoreError } from "../location/store.js";
import type { Log } from "../port/log.js";
import type { Access, AccessFacts, Refusal } from "./access.js";
import type { AdminBackend } from "./backend.js";
import { bindingRoutes } from "./binding-routes.js";
import { eventRoutes } from "./event-routes.js";
import { healthRoutes } from "./health-routes.js";
import { pageRoutes } from "./page-routes.js";
import { userRoutes } from "./user-routes.js";

export interface AdminAppOptions {
  readonly backend: AdminBackend;
  readonly access: Access;
  readonly log: Log;
}

/** Paths that tell nothing but whether the server lives: probes of an orchestrator ask for them without a login. */
const WITHOUT_LOGIN: ReadonlySet<string> = new Set(["/healthz", "/readyz"]);

const BODY_OCTETS = 16 * 1024;
const REQUEST_MS = 10_000;

/** The admin interface as a fastify instance that listens nowhere yet; closing it ends its event streams. */
export async function adminApp({ backend, access, log }: AdminAppOptions): Promise<FastifyInstance> {
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_OCTETS,
    requestTimeout: REQUEST_MS,
    connectionTimeout: 0,
    keepAliveTimeout: 5_000,
    forceCloseConnections: true,
    return503OnClosing: true,
    exposeHeadRoutes: true,
    routerOptions: { maxParamLength: 2048, ignoreTrailingSlash: true },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true } },
  });
  app.server.maxConnections = 256;
  app.server.headersTimeout = REQUEST_MS;

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(SAFE_HEADERS);
    const facts = factsOf(request);
    const path = request.url.split("?", 1)[0]!;
    const refusal =
      access.refuseOrigin(facts) ??
      (WITHOUT_LOGIN.has(path) ? undefined : access.refuseLogin(facts, backend.nowMs()));
    if (refusal === undefined) return;
    return reply.code(refusal.status).headers(refusalHeaders(refusal)).send({ error: refusal.reason });
  });
  app.setErrorHandler<Error & { readonly statusCode?: number }>((error, request, reply) => {
    if (error instanceof StoreError) {
      return reply
        .code(503)
        .header("retry-after", "5")
        .send({ error: `the store: ${error.message}` });
    }
    const status = error.statusCode ?? 500;
    if (status < 500) return reply.code(status).send({ error: error.message });
    log.error(
      { method: request.method, path: request.routeOptions.url, error: error.message },
      "an admin request failed",
    );
    return reply.code(500).send({ error: "internal error" });
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: "no such page" }));

  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "Rollcall admin interface", version: backend.version },
      components: {
        securitySchemes: {
          bearer: { type: "http", scheme: "bearer" },
          basic: { type: "http", scheme: "basic" },
        },
      },
    },
  });
  await app.register(async (routes) => {
    healthRoutes(routes, backend);
    bindingRoutes(routes, backend);
    userRoutes(routes, backend);
    eventRoutes(routes, backend);
    pageRoutes(routes, backend);
    routes.get("/openapi.json", { schema: { hide: true } }, async () => app.swagger());
  });
  return app;
}

const SAFE_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

function refusalHeaders({ status }: Refusal): Readonly<Record<string, string>> {
  if (status === 401) return { "www-authenticate": 'Basic realm="rollcall", charset="UTF-8"' };
  return status === 429 ? { "retry-after": "60" } : {};
}

function factsOf(request: FastifyRequest): AccessFacts {
  const { host, origin, authorization } = request.headers;
  const fetchSite = request.headers["sec-fetch-site"];
  return {
    method: request.method,
    address: request.ip,
    host,
    origin,
    fetchSite: typeof fetchSite === "string" ? fetchSite : undefined,
    authorization,
  };
}
