import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { httpAccounts } from "../../src/storage/http-accounts.js";

const md5 = "0123456789abcdef0123456789abcdef";

describe("accounts that an HTTP service knows", () => {
  const asked: {
    readonly headers: IncomingMessage["headers"];
    readonly body: unknown;
    readonly method: string | undefined;
  }[] = [];
  let answer: (response: ServerResponse) => void = () => {};
  let server: Server;
  let url = "";

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8");
      request.on("data", (chunk: string) => {
        body += chunk;
      });
      request.on("end", () => {
        asked.push({ headers: request.headers, body: JSON.parse(body), method: request.method });
        answer(response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/ha1`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const says =
    (status: number, body: string, headers: Record<string, string> = {}) =>
    (response: ServerResponse): void => {
      response.writeHead(status, headers);
      response.end(body);
    };

  it("asks with POST for a user, in UTF-8, with the headers it was given", async () => {
    answer = says(200, JSON.stringify({ ha1: md5.toUpperCase() }));
    const accounts = httpAccounts({ url, headers: { authorization: "Bearer t" } });
    expect(await accounts.ha1("j\u00c3\u00a4s", "example.com", "MD5")).toBe(md5);
    expect(asked.at(-1)).toMatchObject({
      method: "POST",
      headers: { authorization: "Bearer t", "content-type": "application/json" },
      body: { user: "j\u00e4s", realm: "example.com", algorithm: "MD5" },
    });
  });

  it("asks by Basic authentication with what the URL holds, and never shows it", async () => {
    answer = says(404, "");
    const withUser = (userinfo: string) => url.replace("://", `://${userinfo}@`);
    await httpAccounts({ url: withUser("op:s%40c%2Fret%C3%A4") }).ha1("a", "b", "MD5");
    // RFC 7617 §2.1: UTF-8
    const expected = Buffer.from("op:s@c/ret\u00e4", "utf8").toString("base64");
    expect(asked.at(-1)?.headers.authorization).toBe(`Basic ${expected}`);
    const headers = { authorization: "Bearer t" };
    await httpAccounts({ url: withUser("op"), headers }).ha1("a", "b", "MD5");
    expect(asked.at(-1)?.headers.authorization).toBe("Bearer t");
    const nowhere = httpAccounts({ url: "http://op:hunter2@127.0.0.1:1/" });
    const failure = await Promise.resolve(nowhere.ha1("a", "b", "MD5")).then(String, (error: unknown) =>
      JSON.stringify([String(error), error, (error as Error).stack, String((error as Error).cause)]),
    );
    expect(failure).toContain("failed");
    expect(failure).not.toContain("hunter2");
  });

  it("404 is a user that is not known", async () => {
    answer = says(404, "no such user");
    expect(await httpAccounts({ url }).ha1("carol", "example.com", "MD5")).toBeNull();
  });

  it("an HA1 of null is a user without one of this algorithm", async () => {
    answer = says(200, JSON.stringify({ ha1: null }));
    expect(await httpAccounts({ url }).ha1("carol", "example.com", "MD5")).toBe(false);
  });

  it.each([
    ["500", says(500, ""), /answered 500/],
    ["401", says(401, ""), /answered 401/],
    ["no JSON", says(200, md5), /no HA1 of MD5/],
    ["null", says(200, "null"), /no HA1 of MD5/],
    ["another field", says(200, JSON.stringify({ password: "hunter2" })), /no HA1 of MD5/],
    ["an HA1 of another length", says(200, JSON.stringify({ ha1: md5 + md5 })), /no HA1 of MD5/],
    ["no hexadecimal", says(200, JSON.stringify({ ha1: "x".repeat(32) })), /no HA1 of MD5/],
    ["more than it needs", says(200, JSON.stringify({ ha1: md5, pad: "x".repeat(10_000) })), /too long/],
    ["a redirect", says(302, "", { location: "http://127.0.0.1:1/" }), /fetch failed/],
    ["nothing, for too long", () => {}, /timeout|aborted/i],
  ])("%s is trouble, and no unknown user", async (_, how, message) => {
    answer = how;
    const asking = Promise.resolve(httpAccounts({ url, timeoutMs: 300 }).ha1("alice", "example.com", "MD5"));
    const failure = await asking.then(String, (error: unknown) => String(error));
    expect(failure).toMatch(message);
    expect(failure).not.toContain("hunter2");
  });

  it.each(["ftp://example.com/", "nonsense"])("%s is no such URL", (text) => {
    expect(() => httpAccounts({ url: text })).toThrow(TypeError);
  });
});
