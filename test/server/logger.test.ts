import { describe, expect, test } from "vitest";
import { serverLog } from "../../src/server/logger.js";
import { withoutCredentials } from "../../src/server/without-credentials.js";

function lines(level: "debug" | "info" | "warn" | "error" = "debug") {
  const written: string[] = [];
  const log = serverLog({ level, isTerminal: false, stream: { write: (line) => written.push(line) } });
  return { log, written, entries: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("a line is JSON with time, level in words, facts and msg", () => {
  const { log, entries } = lines();
  log.info({ listeners: ["udp:127.0.0.1:5060"] }, "ready");
  expect(entries()).toEqual([
    {
      level: "info",
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      pid: process.pid,
      listeners: ["udp:127.0.0.1:5060"],
      msg: "ready",
    },
  ]);
});

test("the level holds, and may change", () => {
  const { log, entries } = lines("warn");
  log.debug({}, "a");
  log.info({}, "b");
  log.warn({}, "c");
  log.setLevel("debug");
  log.debug({}, "d");
  log.error({}, "e");
  expect(entries().map(({ msg }) => msg)).toEqual(["c", "d", "e"]);
});

test("the line that scripts wait for comes at any level, and changes none", () => {
  const { log, entries } = lines("error");
  log.always({ admin: null }, "ready");
  log.info({}, "other");
  expect(entries().map(({ level, msg }) => [level, msg])).toEqual([["info", "ready"]]);
});

describe("no credentials", () => {
  test.each([
    ["a password", { password: "s3cret" }],
    ["one level down", { user: { password: "s3cret" } }],
    ["an HA1", { ha1: "s3cret" }],
    ["a bearer token", { token: "s3cret" }],
    ["a header fact", { headers: { authorization: "s3cret" } }],
    [
      "inside a message",
      {
        text: 'REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username="a", response="s3cret"\r\nTo: x\r\n',
      },
    ],
    [
      "a folded header is cut at its fold, and the text goes on",
      { text: 'proxy-authorization:Digest response="s3cret"' },
    ],
    ["the password of a URL", { error: "cannot reach postgres://op:s3cret@db/x" }],
    ["one that holds what it may not", { error: "no URL: http://u:a@b/s3cret@127.0.0.1/x" }],
    ["one with a slash first", { error: "no URL: http://u:b/s3cret@127.0.0.1/x" }],
    ["one of digits", { error: "no URL: http://u:12@s3cret@127.0.0.1/x" }],
    ["of the second of two", { error: "http://a/,http://u:s3cret@b/" }],
    ["of no user", { error: "http://:s3cret@b/" }],
  ])("%s", (_, facts) => {
    const { log, written } = lines();
    log.info(facts, "something");
    expect(written.join("")).not.toContain("s3cret");
    expect(JSON.parse(written[0]!)).toMatchObject({ msg: "something" });
  });

  test.each([
    "http://127.0.0.1:8060/api/v1/users/alice@example.com",
    "http://[::1]:8060/api/v1/users/alice@example.com",
    "http://example.com/a:b@c",
    "http://127.0.0.1:8060 alice@example.com",
    "sip:alice:b@example.com",
  ])("%s holds none", (text) => {
    expect(withoutCredentials(JSON.stringify({ text }))).toBe(JSON.stringify({ text }));
  });

  test("a long line without any takes no time to speak of", () => {
    const text = "://a:b".repeat(200_000);
    expect(withoutCredentials(text)).toBe(text);
    expect(withoutCredentials(`${text}@`).length).toBeLessThan(100);
  });

  test("what follows the header stays", () => {
    const line = JSON.stringify({ text: 'Authorization: Digest a="b\\\\c"\r\nTo: <sip:a@b>\r\n', msg: "m" });
    expect(JSON.parse(withoutCredentials(line))).toEqual({
      text: "Authorization: [redacted]\r\nTo: <sip:a@b>\r\n",
      msg: "m",
    });
  });
});
