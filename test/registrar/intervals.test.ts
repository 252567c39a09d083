import { describe, expect, it } from "vitest";
import { rig } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

const seconds = (r: ReturnType<typeof rig>, expiresAtMs: number) => (expiresAtMs - r.clock.nowMs()) / 1000;

describe("A5: intervals (RFC 3261 §10.2.1.1, §10.3 step 7)", () => {
  it.each([
    ["the parameter over the header", `${PHONE};expires=60`, 120, 60],
    ["the header over the default", PHONE, 120, 120],
    ["the default when nothing is asked for", PHONE, undefined, 300],
    ["the maximum, by parameter", `${PHONE};expires=301`, undefined, 300],
    ["the maximum, by header", PHONE, 86_400, 300],
    ["the minimum itself", `${PHONE};expires=30`, undefined, 30],
    ["leading zeros", `${PHONE};expires=0060`, undefined, 60],
    ["a quoted number", `${PHONE};expires="60"`, undefined, 60],
  ])("%s", async (_what, contact, expires, granted) => {
    const r = rig();
    const answer = await r.register({ contacts: [contact], ...(expires === undefined ? {} : { expires }) });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("contact")).toBe(`${PHONE};expires=${granted}`);
    expect((await r.bindings()).map(({ expiresAtMs }) => seconds(r, expiresAtMs))).toEqual([granted]);
  });

  it.each([
    ["a word", "expires=soon"],
    ["a negative number", "expires=-1"],
    ["a fraction", "expires=60.5"],
    ["a date of RFC 2543", 'expires="Thu, 01 Dec 1994 16:00:00 GMT"'],
    ["no value", "expires"],
    ["an empty value", "expires="],
    ["a hexadecimal number", "expires=0x3C"],
  ])("%s is taken as 3600 (§10.2, §20.10)", async (_what, parameter) => {
    const r = rig({ maxExpires: 7200 });
    const answer = await r.register({ contacts: [`${PHONE};${parameter}`], expires: 60 });
    expect(answer.headers.get("contact")).toBe(`${PHONE};expires=3600`);
  });

  it.each(["soon", "-1", "3600.5", ""])("a malformed Expires header %j is taken as 3600", async (expires) => {
    const r = rig({ maxExpires: 7200 });
    expect((await r.register({ contacts: [PHONE], expires })).headers.get("contact")).toBe(
      `${PHONE};expires=3600`,
    );
  });

  it.each(["4294967295", "4294967296", "4294967356", "18446744073709551616", "9".repeat(400)])(
    "%s seconds do not overflow",
    async (asked) => {
      const r = rig();
      const answer = await r.register({ contacts: [`${PHONE};expires=${asked}`] });
      expect(answer.headers.get("contact")).toBe(`${PHONE};expires=300`);
    },
  );

  it("values past 2^32-1 count as 2^32-1 where no maximum is lower", async () => {
    const r = rig({ maxExpires: 2 ** 40 });
    const answer = await r.register({ contacts: [`${PHONE};expires=4294967296`] });
    expect(answer.headers.get("contact")).toBe(`${PHONE};expires=4294967295`);
  });

  it.each([
    ["1 second", 30, 1, 423],
    ["below the minimum", 30, 29, 423],
    ["the minimum", 30, 30, 200],
    ["below a minimum of more than an hour, itself below an hour", 7200, 3599, 423],
    ["below the minimum, but an hour: never too brief", 7200, 3600, 200],
    ["a removal", 30, 0, 200],
    ["1 second with the check off", 0, 1, 200],
  ])("%s: min %i, asked %i, answered %i", async (_what, minExpires, asked, status) => {
    const r = rig({ minExpires, maxExpires: 86_400 });
    const answer = await r.register({ contacts: [PHONE], expires: asked });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("min-expires")).toBe(status === 423 ? String(minExpires) : undefined);
  });

  it("after a 423 with the Min-Expires it named, it works (§10.2.8)", async () => {
    const r = rig();
    const refused = await r.register({ contacts: [PHONE], expires: 5, cseq: 1 });
    const min = refused.headers.get("min-expires")!;
    expect((await r.register({ contacts: [PHONE], expires: min, cseq: 2 })).status).toBe(200);
  });

  it("options: the default of its own, and a maximum below the usual minimum", async () => {
    const own = rig({ maxExpires: 7200, defaultExpires: 1800 });
    expect((await own.register({ contacts: [PHONE] })).headers.get("contact")).toBe(`${PHONE};expires=1800`);
    const brief = rig({ maxExpires: 10 });
    expect((await brief.register({ contacts: [PHONE], expires: 10 })).status).toBe(200);
  });
});
