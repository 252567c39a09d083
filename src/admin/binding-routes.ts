import type { FastifyInstance } from "fastify";
import { utf8Octets } from "../auth/digest.js";
import { accountOfAor } from "../server/user-account.js";
import { aorIn, cursorOfKey, keyOfCursor } from "./aor-param.js";
import type { AdminBackend } from "./backend.js";
import { type AorView, aorView } from "./contact.js";
import { explain } from "./explain.js";
import { HttpError } from "./http-error.js";
import { removeBindings } from "./remove.js";
import { aorPageSchema, aorParam, aorSchema, errorSchema, explanationSchema } from "./schemas.js";

interface ListQuery {
  readonly domain?: string;
  readonly q?: string;
  readonly cursor?: string;
  readonly limit: number;
}

interface AorParams {
  readonly aor: string;
}

/** Store pages that one request may walk over expired records for; behind them the caller goes on with the cursor. */
const MOST_PAGES = 20;

/** `/api/v1/bindings`: who is registered, and from where. */
export function bindingRoutes(app: FastifyInstance, backend: AdminBackend): void {
  app.get<{ Querystring: ListQuery }>(
    "/api/v1/bindings",
    {
      schema: {
        summary: "Registered addresses-of-record, in the order of their names",
        tags: ["bindings"],
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            domain: { type: "string", maxLength: 255, description: "Only of this domain" },
            q: { type: "string", maxLength: 255, description: "Only those that contain this text" },
            cursor: { type: "string", maxLength: 2048, description: "Where the page before ended" },
            limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
          },
        },
        response: { 200: aorPageSchema, "4xx": errorSchema },
      },
    },
    async ({ query }) => listBindings(backend, query),
  );

  app.get<{ Params: AorParams }>(
    "/api/v1/bindings/:aor",
    {
      schema: {
        summary: "One address-of-record",
        tags: ["bindings"],
        params: aorParam,
        response: { 200: aorSchema, "4xx": errorSchema },
      },
    },
    async ({ params }) => {
      const aor = aorIn(params.aor);
      const view = aorView(aor, await backend.store.read(aor), backend.nowMs());
      if (view === undefined) throw new HttpError(404, "not registered");
      return view;
    },
  );

  app.delete<{ Params: AorParams; Querystring: { readonly contact?: string } }>(
    "/api/v1/bindings/:aor",
    {
      schema: {
        summary: "Takes every binding of an address-of-record away, or the one of a contact",
        tags: ["bindings"],
        params: aorParam,
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            contact: { type: "string", maxLength: 2048, description: "Contact URI; all when not given" },
          },
        },
        response: { 204: { type: "null", description: "Removed" }, "4xx": errorSchema },
      },
    },
    async ({ params, query }, reply) => {
      const removed = await removeBindings(backend.store, aorIn(params.aor), {
        nowMs: backend.nowMs(),
        ...(query.contact === undefined ? {} : { contact: utf8Octets(query.contact) }),
      });
      if (removed === 0)
        throw new HttpError(404, query.contact === undefined ? "not registered" : "no such contact");
      return reply.code(204).send();
    },
  );

  app.get<{ Params: AorParams }>(
    "/api/v1/bindings/:aor/explain",
    {
      schema: {
        summary: "Why a phone can or cannot be reached now",
        tags: ["bindings"],
        params: aorParam,
        response: { 200: explanationSchema, "4xx": errorSchema },
      },
    },
    async ({ params }) => {
      const aor = aorIn(params.aor);
      const account = accountOfAor(aor, backend.realm());
      return explain(aor, await backend.store.read(aor), {
        nowMs: backend.nowMs(),
        hasAccount:
          account === undefined ? undefined : await backend.accounts?.has(account.user, account.realm),
        isFlowAlive: backend.isFlowAlive,
        reachability: backend.reachability,
        lostSinceMs: backend.lostSinceMs,
      });
    },
  );
}

async function listBindings(backend: AdminBackend, query: ListQuery) {
  const nowMs = backend.nowMs();
  const items: AorView[] = [];
  let after = query.cursor === undefined ? undefined : keyOfCursor(query.cursor);
  for (let page = 0; page < MOST_PAGES && items.length < query.limit; page++) {
    const { records, next } = await backend.store.scan({
      limit: query.limit - items.length,
      ...(query.domain === undefined ? {} : { domain: utf8Octets(query.domain.toLowerCase()) }),
      ...(query.q === undefined ? {} : { search: utf8Octets(query.q) }),
      ...(after === undefined ? {} : { after }),
    });
    for (const { aor, bindings } of records) {
      const view = aorView(aor, bindings, nowMs);
      if (view !== undefined) items.push(view);
    }
    after = next ?? undefined;
    if (next === null) break;
  }
  return { items, next: after === undefined ? null : cursorOfKey(after) };
}
