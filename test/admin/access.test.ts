import { describe, expect, test } from "vitest";
import { harness, LOCAL } from "./harness.js";

const TOKEN = "0123456789abcdef";
const basic = (user: string, password: string) =>
  `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;

describe("without a login: names of the loopback alone", () => {
  test.each([
    ["127.0.0.1:8060", 200],
    ["localhost:8060", 200],
    ["LOCALHOST", 200],
    ["[::1]:8060", 200],
    ["127.8.8.8", 200],
    ["phones.example.com", 200],
    ["evil.example", 421],
    ["127.0.0.1.evil.example", 421],
    ["localhost.evil.example:8060", 421],
    ["[::2]:80", 421],
  ])("Host: %s", async (host, status) => {
    const { app } = await harness({ ...LOCAL, hosts: ["phones.example.com"] });
    expect((await app.inject({ url: "/api/v1/status", headers: { host } })).statusCode).toBe(status);
    expect((await app.inject({ url: "/healthz", headers: { host } })).statusCode).toBe(status);
  });
});

describe("with a login", () => {
  const policy = { host: "0.0.0.0", token: TOKEN, basic: { user: "op", password: "longenough" }, hosts: [] };
  test.each([
    ["nothing", undefined, 401],
    ["the token", `Bearer ${TOKEN}`, 200],
    ["the scheme in other case", `bearer ${TOKEN}`, 200],
    ["the token as any user's password", basic("x", TOKEN), 200],
    ["user and password", basic("op", "longenough"), 200],
    ["another token", `Bearer ${TOKEN}x`, 401],
    ["the password as a token", "Bearer longenough", 401],
    ["another password", basic("op", "longenougH"), 401],
    ["another user", basic("po", "longenough"), 401],
    ["no colon", `Basic ${Buffer.from("op").toString("base64")}`, 401],
    ["another scheme", `Digest ${TOKEN}`, 401],
    ["empty", "", 401],
  ])("%s", async (_, authorization, status) => {
    const { app } = await harness(policy);
    const headers = { host: "anything.example", ...(authorization === undefined ? {} : { authorization }) };
    for (const url of ["/", "/metrics", "/openapi.json", "/api/v1/bindings", "/api/v1/status", "/nowhere"]) {
      const response = await app.inject({ url, headers });
      if (url === "/nowhere") expect(response.statusCode).toBe(status === 200 ? 404 : 401);
      else expect(response.statusCode).toBe(status);
      if (status === 401) expect(response.headers["www-authenticate"]).toMatch(/^Basic /);
    }
  });

  test("probes need none, and nothing changes without one", async () => {
    const { app, bind, store } = await harness(policy);
    await bind("sip:alice@example.com");
    expect((await app.inject("/healthz")).statusCode).toBe(200);
    expect((await app.inject("/readyz")).statusCode).toBe(200);
    const url = "/api/v1/bindings/alice@example.com";
    expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(401);
    expect(await store.read("sip:alice@example.com")).toHaveLength(1);
  });

  test("an address that fails too often has to wait a minute", async () => {
    const { app, clock } = await harness(policy);
    const attempt = async (authorization: string, remoteAddress = "192.0.2.1") =>
      (await app.inject({ url: "/metrics", headers: { authorization }, remoteAddress })).statusCode;
    for (let i = 0; i < 20; i++) expect(await attempt("Bearer wrong")).toBe(401);
    expect(await attempt(`Bearer ${TOKEN}`)).toBe(429);
    expect(await attempt(`Bearer ${TOKEN}`, "192.0.2.2")).toBe(200);
    clock.advance(60_001);
    expect(await attempt(`Bearer ${TOKEN}`)).toBe(200);
  });
});

describe("pages of other sites change nothing", () => {
  const url = "/api/v1/bindings/alice@example.com";
  test.each([
    ["no browser", {}, 204],
    ["the page itself", { origin: "http://localhost:80", "sec-fetch-site": "same-origin" }, 204],
    ["an older browser, the page itself", { origin: "http://localhost:80" }, 204],
    ["another site", { origin: "http://evil.example", "sec-fetch-site": "cross-site" }, 403],
    ["another port of this machine", { origin: "http://localhost:81", "sec-fetch-site": "same-site" }, 403],
    ["an older browser, another site", { origin: "http://evil.example" }, 403],
    ["a sandboxed page", { origin: "null" }, 403],
  ])("%s", async (_, headers, status) => {
    const { app, bind } = await harness();
    await bind("sip:alice@example.com");
    expect(
      (await app.inject({ method: "DELETE", url, headers: { host: "localhost:80", ...headers } })).statusCode,
    ).toBe(status);
  });

  test("no answer may be read by them, framed or kept", async () => {
    const { app } = await harness();
    for (const path of ["/", "/api/v1/status", "/nowhere"]) {
      const { headers } = await app.inject(path);
      expect(headers["access-control-allow-origin"]).toBeUndefined();
      expect(headers["x-frame-options"]).toBe("DENY");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers["content-security-policy"]).toContain("default-src 'self'");
    }
  });
});

test("a body beyond the bound is refused", async () => {
  const { app } = await harness();
  const payload = { password: "x".repeat(20_000) };
  expect((await app.inject({ method: "PUT", url: "/api/v1/users/a@b.example", payload })).statusCode).toBe(
    413,
  );
});
