import { expect, test } from "vitest";
import { harness } from "./harness.js";

const url = "/api/v1/users/alice@example.com";
const view = { aor: "sip:alice@example.com", user: "alice", realm: "example.com" };

test("PUT makes an account, then changes its password; GET shows it; DELETE takes it away", async () => {
  const { app, backend } = await harness();
  expect((await app.inject(url)).statusCode).toBe(404);
  const made = await app.inject({ method: "PUT", url, payload: { password: "secret" } });
  expect([made.statusCode, made.json()]).toEqual([201, view]);
  // RFC 7616 §3.4.2: MD5(alice:example.com:secret)
  expect(await backend.accounts?.ha1("alice", "example.com", "MD5")).toBe("b1726872c344b6dc8365b774f8fd6412");
  const changed = await app.inject({ method: "PUT", url, payload: { password: "other" } });
  expect([changed.statusCode, changed.json()]).toEqual([200, view]);
  expect(await backend.accounts?.ha1("alice", "example.com", "MD5")).not.toBe(
    "b1726872c344b6dc8365b774f8fd6412",
  );
  expect((await app.inject(url)).json()).toEqual(view);
  expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(204);
  expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(404);
});

test("RFC 3261 §25.1: a user with what a URI holds as an escape alone", async () => {
  const { app, backend } = await harness();
  // the path is unescaped once
  const escaped = "/api/v1/users/o%2522brien%255C@example.com";
  const made = await app.inject({ method: "PUT", url: escaped, payload: { password: "secret" } });
  const shown = { aor: "sip:o%22brien%5C@example.com", user: 'o"brien\\', realm: "example.com" };
  expect([made.statusCode, made.json()]).toEqual([201, shown]);
  expect(await backend.accounts?.has('o"brien\\', "example.com")).toBe(true);
  expect((await app.inject(escaped)).json()).toEqual(shown);
  expect((await app.inject("/api/v1/users")).json().items).toEqual([shown]);
});

test("the realm of the server is the realm of its accounts", async () => {
  const { app, backend } = await harness(undefined, { realm: () => "Acme" });
  const made = await app.inject({ method: "PUT", url, payload: { password: "secret" } });
  expect(made.json()).toEqual({ aor: "sip:alice@Acme", user: "alice", realm: "Acme" });
  expect(await backend.accounts?.has("alice", "Acme")).toBe(true);
});

test.each([
  ["no password", {}],
  ["an empty one", { password: "" }],
  ["too long a one", { password: "x".repeat(1025) }],
  ["more than a password", { password: "x", admin: true }],
])("PUT with %s: 400", async (_, payload) => {
  const { app } = await harness();
  expect((await app.inject({ method: "PUT", url, payload })).statusCode).toBe(400);
  expect((await app.inject(url)).statusCode).toBe(404);
});

test("an address without a user: 400", async () => {
  const { app } = await harness();
  expect((await app.inject("/api/v1/users/example.com")).statusCode).toBe(400);
});

test("accounts that are kept elsewhere: 409", async () => {
  const { app } = await harness(undefined, { accounts: null });
  expect((await app.inject(url)).statusCode).toBe(409);
});

test("the list goes over pages and shows no hash", async () => {
  const { app } = await harness();
  for (const user of ["a", "b", "c"]) {
    await app.inject({ method: "PUT", url: `/api/v1/users/${user}@example.com`, payload: { password: "p" } });
  }
  const first = (await app.inject("/api/v1/users?limit=2")).json();
  const second = (await app.inject(`/api/v1/users?limit=2&cursor=${first.next}`)).json();
  expect([...first.items, ...second.items]).toEqual(
    ["a", "b", "c"].map((user) => ({ aor: `sip:${user}@example.com`, user, realm: "example.com" })),
  );
  expect(second.next).toBeNull();
  expect((await app.inject("/api/v1/users?cursor=e30")).statusCode).toBe(400);
});
