import type { FastifyInstance } from "fastify";
import { aorIn } from "./aor-param.js";
import type { AdminBackend } from "./backend.js";
import { eventHub } from "./event-stream.js";
import { HttpError } from "./http-error.js";
import { errorSchema } from "./schemas.js";

const BEAT_MS = 15_000;

/** `/api/v1/events`: every change of a binding as it happens. */
export function eventRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const hub = eventHub(backend.store);
  const beat = setInterval(() => hub.beat(), BEAT_MS);
  beat.unref();
  app.addHook("preClose", async () => {
    clearInterval(beat);
    hub.close();
  });

  app.get<{ Querystring: { readonly aor?: string; readonly domain?: string } }>(
    "/api/v1/events",
    {
      exposeHeadRoute: false,
      schema: {
        summary:
          "Changes of bindings as server-sent events: registered, refreshed, removed, expired, flow-closed",
        description:
          "A reader that is too slow misses events, and is told how many by an event named dropped.",
        tags: ["events"],
        produces: ["text/event-stream"],
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            aor: { type: "string", maxLength: 512, description: "Only this address-of-record" },
            domain: { type: "string", maxLength: 255, description: "Only this domain" },
          },
        },
        response: { "4xx": errorSchema, "5xx": errorSchema },
      },
    },
    async ({ query }, reply) => {
      const filter = filterOf(query);
      if (!hub.hasRoom()) throw new HttpError(503, "too many event streams are open");
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      raw.writeHead(200, { "content-type": "text/event-stream", "x-accel-buffering": "no" });
      const stop = hub.open(
        {
          write: (text) => raw.write(text),
          onceWritable: (callback) => raw.once("drain", callback),
          end: () => raw.end(),
          abort: () => raw.destroy(),
        },
        filter,
      );
      raw.on("close", stop);
      raw.on("error", stop);
      reply.hijack();
    },
  );
}

function filterOf(query: { readonly aor?: string; readonly domain?: string }): (aor: string) => boolean {
  const only = query.aor === undefined ? undefined : aorIn(query.aor);
  const domain = query.domain?.toLowerCase();
  return (aor) => (only === undefined || aor === only) && (domain === undefined || domainOf(aor) === domain);
}

/** Host of an address-of-record's key, its port left out. */
function domainOf(aor: string): string {
  const host = aor.slice(Math.max(aor.indexOf("@"), aor.indexOf(":")) + 1);
  return host.replace(/:\d+$/, "");
}
