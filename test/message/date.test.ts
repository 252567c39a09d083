import { describe, expect, it } from "vitest";
import { createDateWriter } from "../../src/message/date.js";

describe("RFC 3261 §20.17 SIP-date", () => {
  it.each([
    [Date.UTC(2010, 10, 13, 23, 29, 0), "Sat, 13 Nov 2010 23:29:00 GMT"],
    [Date.UTC(2024, 1, 29, 0, 0, 59, 999), "Thu, 29 Feb 2024 00:00:59 GMT"],
    [0, "Thu, 01 Jan 1970 00:00:00 GMT"],
  ])("%i is %s", (ms, expected) => {
    expect(createDateWriter()(ms)).toBe(expected);
  });

  it("follows the time second by second, also backwards", () => {
    const write = createDateWriter();
    const seconds = [1_000, 1_999, 2_000, 61_000, 1_500].map((ms) => write(ms).slice(20, 25));
    expect(seconds).toEqual(["00:01", "00:01", "00:02", "01:01", "00:01"].map((time) => time));
  });
});
