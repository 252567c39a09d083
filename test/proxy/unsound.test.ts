import { expect, test } from "vitest";
import { stage } from "../support/proxy-stage.js";

/** A response with one thing changed, by the phone that gives it. */
test.each<[string, RegExp, string]>([
  ["without Call-ID", /Call-ID: .*\r\n/, ""],
  ["with another Call-ID", /Call-ID: .*\r\n/, "Call-ID: another\r\n"],
  ["without To", /To: .*\r\n/, ""],
  ["with a malformed To", /To: .*\r\n/, "To: <sip:\r\n"],
  ["without From", /From: .*\r\n/, ""],
  ["with a malformed From", /From: .*\r\n/, "From: <sip:\r\n"],
  ["with another From tag", /tag=alice/, "tag=mallory"],
  ["with another CSeq number", /CSeq: 1 /, "CSeq: 2 "],
])("RFC 3261 §8.2.6.2: a final response %s ends no call, and is counted", async (_what, from, to) => {
  for (const status of [200, 600]) {
    const on = await stage();
    const [alice, bad, good] = [on.phone("alice"), on.phone("bad"), on.phone("good")];
    on.bind("bob", bad);
    on.bind("bob", good);
    alice.request({ method: "INVITE", uri: "sip:bob@example.com" });
    await on.pass(10);
    const via = bad.lastRequest("INVITE").headers.all("via");
    const lines = [
      `SIP/2.0 ${status} No`,
      ...via.map((value) => `Via: ${value}`),
      "From: <sip:alice@example.com>;tag=alice",
      "To: <sip:bob@example.com>;tag=bad",
      "Call-ID: call-of-alice",
      "CSeq: 1 INVITE",
      "Contact: <sip:bad@192.0.2.3>",
      "Content-Length: 0",
    ];
    const whole = `${lines.join("\r\n")}\r\n\r\n`;
    const spoilt = whole.replace(from, to);
    expect(spoilt).not.toBe(whole);
    bad.send(spoilt);
    await on.pass(10);
    expect(alice.statuses).toEqual([100]);
    expect(good.requests.map(({ method }) => method)).toEqual(["INVITE"]);
    expect(on.dispatcher.transactions.counts().unsound).toBe(1);
    good.reply(good.lastRequest("INVITE"), 200);
    await on.pass(10);
    expect(alice.statuses).toEqual([100, 200]);
  }
});
