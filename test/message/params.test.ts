import { describe, expect, it } from "vitest";
import { hasParam, param, parseParams, rawParam, writeParams } from "../../src/message/params.js";

describe("RFC 3261 §25.1 generic-param", () => {
  it.each([
    ["", []],
    [";lr", [{ name: "lr", value: null }]],
    [";Tag=aB", [{ name: "tag", value: "aB" }]],
    [
      " ; q = 0.7 ; EXPIRES\t=\t60 ",
      [
        { name: "q", value: "0.7" },
        { name: "expires", value: "60" },
      ],
    ],
    ["+", undefined],
    [';x="a;b=c, \\" <d>"', [{ name: "x", value: '"a;b=c, \\" <d>"' }]],
    [';+sip.instance="<urn:uuid:1>"', [{ name: "+sip.instance", value: '"<urn:uuid:1>"' }]],
    [";received=[2001:db8::9]", [{ name: "received", value: "[2001:db8::9]" }]],
    [";received=2001:db8::9:255", [{ name: "received", value: "2001:db8::9:255" }]],
    [";url=sip:a@h?b=c", [{ name: "url", value: "sip:a@h?b=c" }]],
    [";", undefined],
    [";;a", undefined],
    [";a;", undefined],
    [";a=", undefined],
    [";=a", undefined],
    [";a b", undefined],
    [";a=b c", undefined],
    [';a="b', undefined],
    [';a="b"c', undefined],
    [';a=b"c"', undefined],
    [';"a"=b', undefined],
    [";a=b,c", undefined],
    [";a=<b>", undefined],
    ["a=b", undefined],
    [";a=\x01", undefined],
    [";a".repeat(101), undefined],
  ])("%j", (text, expected) => {
    expect(parseParams(text)).toEqual(expected);
  });

  it("takes as many as the limit says", () => {
    expect(parseParams(";a".repeat(100))).toHaveLength(100);
  });
});

describe("a parameter by its name", () => {
  const params = parseParams(';tag=1;lr;x="a \\"b\\"";tag=2')!;

  it("is the first of that name, its quotes undone or kept", () => {
    expect(param(params, "tag")).toBe("1");
    expect(param(params, "x")).toBe('a "b"');
    expect(rawParam(params, "x")).toBe('"a \\"b\\""');
  });

  it("tells one without a value from one that is not there", () => {
    expect([param(params, "lr"), rawParam(params, "lr"), hasParam(params, "lr")]).toEqual(["", null, true]);
    expect([param(params, "q"), rawParam(params, "q"), hasParam(params, "q")]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });

  it("is written as it was read", () => {
    expect(writeParams(params)).toBe(';tag=1;lr;x="a \\"b\\"";tag=2');
  });
});
