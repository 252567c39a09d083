import type { FastifyInstance } from "fastify";
import type { AccountName, AccountStore } from "../auth/source.js";
import { nodeHasher } from "../server/hasher.js";
import { accountOfAor, ha1sOf, type UserAccount } from "../server/user-account.js";
import { aorIn } from "./aor-param.js";
import type { AdminBackend } from "./backend.js";
import { HttpError } from "./http-error.js";
import { aorParam, errorSchema, userPageSchema, userSchema } from "./schemas.js";
import { userView } from "./user-view.js";

interface AorParams {
  readonly aor: string;
}

/** `/api/v1/users`: accounts of the embedded store. */
export function userRoutes(app: FastifyInstance, backend: AdminBackend): void {
  const hasher = nodeHasher();

  app.get<{ Querystring: { readonly cursor?: string; readonly limit: number } }>(
    "/api/v1/users",
    {
      schema: {
        summary: "Accounts of the embedded store, by realm and user",
        tags: ["users"],
        querystring: {
          type: "object",
          additionalProperties: false,
          properties: {
            cursor: { type: "string", maxLength: 2048 },
            limit: { type: "integer", minimum: 1, maximum: 1000, default: 100 },
          },
        },
        response: { 200: userPageSchema, "4xx": errorSchema },
      },
    },
    async ({ query }) => {
      const page = await accountsOf(backend).list({
        limit: query.limit,
        ...(query.cursor === undefined ? {} : { after: nameOfCursor(query.cursor) }),
      });
      return {
        items: page.accounts.map(userView),
        next: page.next === null ? null : cursorOfName(page.next),
      };
    },
  );

  app.get<{ Params: AorParams }>(
    "/api/v1/users/:aor",
    {
      schema: {
        summary: "One account",
        tags: ["users"],
        params: aorParam,
        response: { 200: userSchema, "4xx": errorSchema },
      },
    },
    async ({ params }) => {
      const name = nameIn(params.aor, backend);
      if (!(await accountsOf(backend).has(name.user, name.realm))) throw new HttpError(404, "no such user");
      return userView(name);
    },
  );

  app.put<{ Params: AorParams; Body: { readonly password: string } }>(
    "/api/v1/users/:aor",
    {
      schema: {
        summary: "Makes an account, or gives it another password",
        tags: ["users"],
        params: aorParam,
        body: {
          type: "object",
          additionalProperties: false,
          required: ["password"],
          properties: { password: { type: "string", minLength: 1, maxLength: 1024 } },
        },
        response: { 200: userSchema, 201: userSchema, "4xx": errorSchema },
      },
    },
    async ({ params, body }, reply) => {
      const accounts = accountsOf(backend);
      const name = nameIn(params.aor, backend);
      const existed = await accounts.has(name.user, name.realm);
      await accounts.set(name.user, name.realm, ha1sOf(hasher, name, body.password));
      return reply.code(existed ? 200 : 201).send(userView(name));
    },
  );

  app.delete<{ Params: AorParams }>(
    "/api/v1/users/:aor",
    {
      schema: {
        summary: "Takes an account away; its bindings stay until they expire",
        tags: ["users"],
        params: aorParam,
        response: { 204: { type: "null", description: "Removed" }, "4xx": errorSchema },
      },
    },
    async ({ params }, reply) => {
      const name = nameIn(params.aor, backend);
      if (!(await accountsOf(backend).remove(name.user, name.realm)))
        throw new HttpError(404, "no such user");
      return reply.code(204).send();
    },
  );
}

function accountsOf(backend: AdminBackend): AccountStore {
  if (backend.accounts === null) throw new HttpError(409, "accounts are not kept in the embedded store here");
  return backend.accounts;
}

function nameIn(aor: string, backend: AdminBackend): UserAccount {
  const name = accountOfAor(aorIn(aor), backend.realm());
  if (name === undefined)
    throw new HttpError(400, "an account needs a user part; expected alice@example.com");
  return name;
}

function cursorOfName({ user, realm }: AccountName): string {
  return Buffer.from(JSON.stringify([user, realm]), "utf8").toString("base64url");
}

function nameOfCursor(cursor: string): AccountName {
  try {
    const pair: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
    if (Array.isArray(pair) && typeof pair[0] === "string" && typeof pair[1] === "string") {
      return { user: pair[0], realm: pair[1] };
    }
  } catch {
    // told below, with everything else that is no cursor
  }
  throw new HttpError(400, "no cursor of this interface");
}
