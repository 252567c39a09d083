import fc from "fast-check";
import { expect, test } from "vitest";
import type { SipRequest } from "../../src/message/message.js";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

/** Repeats its 2xx until the ACK comes, as a user agent does (RFC 3261 §13.3.1.4). */
function callee(on: Stage, phone: Phone, final: number): void {
  let acked = false;
  let firstMs: number | undefined;
  phone.onRequest = (request) => {
    switch (request.method) {
      case "INVITE":
        phone.reply(request, 180);
        on.clock.after(2_000, () => answer(request, 500));
        break;
      case "ACK":
        acked = true;
        break;
      default:
        phone.reply(request, 200);
    }
  };
  function answer(invite: SipRequest, intervalMs: number): void {
    firstMs ??= on.clock.nowMs();
    if (acked || on.clock.nowMs() - firstMs > 32_000) return;
    phone.reply(invite, final);
    on.clock.after(intervalMs, () => answer(invite, Math.min(intervalMs * 2, 4_000)));
  }
}

/** Repeats its INVITE until it hears something, and acknowledges whatever final response comes (§13.2.2.4, §17.1.1). */
function caller(on: Stage, phone: Phone): void {
  const text = phone.write({ method: "INVITE", uri: "sip:bob@example.com", branch: "z9hG4bKstorm" });
  const send = (intervalMs: number): void => {
    if (phone.responses.length > 0 || intervalMs > 32_000) return;
    phone.send(text);
    on.clock.after(intervalMs, () => send(intervalMs * 2));
  };
  send(500);
  let seen = 0;
  const watch = (): void => {
    for (const response of phone.responses.slice(seen)) {
      if (response.status < 200 || response.cseq?.method !== "INVITE") continue;
      const ok = response.status < 300;
      phone.request({
        method: "ACK",
        uri: ok ? (response.headers.get("contact") ?? "").slice(1, -1) : "sip:bob@example.com",
        to: response.headers.get("to") ?? "",
        branch: ok ? `z9hG4bKack${phone.responses.length}` : "z9hG4bKstorm",
        routes: ok ? (response.headers.list("record-route") ?? []).reverse() : [],
      });
    }
    seen = phone.responses.length;
    on.clock.after(50, watch);
  };
  watch();
}

test("§17 calls over a network that loses a tenth and mixes up the rest: each ends as its callee says", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.constantFrom(200, 486), async (seed, final) => {
      const on = await stage({ seed, network: { loss: 0.1, latencyMs: 120 } });
      const [alice, bob] = [on.phone("alice"), on.phone("bob")];
      on.bind("bob", bob);
      callee(on, bob, final);
      caller(on, alice);
      await on.pass(50_000);
      const finals = alice.responses.filter(({ status }) => status >= 200);
      expect(finals.length).toBeGreaterThan(0);
      expect(new Set(finals.map(({ status }) => status))).toEqual(new Set([final]));
      expect(bob.requests.some(({ method }) => method === "ACK")).toBe(true);
      await on.pass(70_000);
      expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
      expect(on.proxy.counts().pending).toBe(0);
    }),
    { numRuns: 25 },
  );
});
