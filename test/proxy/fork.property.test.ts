import fc from "fast-check";
import { expect, test } from "vitest";
import type { SipRequest } from "../../src/message/message.js";
import type { Phone } from "../support/phone.js";
import { type Stage, stage } from "../support/proxy-stage.js";

/** What one phone does with a call. */
interface Manner {
  /** Preference of its contact, thousandths. */
  readonly qMilli: number;
  /** Says 180 first. */
  readonly rings: boolean;
  /** Its final response; `null`: none, unless it is cancelled. */
  readonly final: number | null;
  readonly afterMs: number;
  /** Does it heed a CANCEL? */
  readonly heeds: boolean;
}

const manners: fc.Arbitrary<Manner> = fc.record({
  qMilli: fc.constantFrom(1000, 500, 0),
  rings: fc.boolean(),
  final: fc.constantFrom(null, 200, 302, 404, 408, 430, 486, 503, 600),
  afterMs: fc.constantFrom(1, 10, 500, 40_000),
  heeds: fc.boolean(),
});

function behave(on: Stage, phone: Phone, manner: Manner): void {
  let done = false;
  let invite: SipRequest | undefined;
  phone.onRequest = (request) => {
    if (request.method === "CANCEL") {
      phone.reply(request, 200);
      if (manner.heeds && !done && invite !== undefined) {
        done = true;
        phone.reply(invite, 487);
      }
    }
    if ((request.method !== "INVITE" && request.method !== "MESSAGE") || invite !== undefined) return;
    invite = request;
    if (manner.rings) phone.reply(request, 180);
    if (manner.final === null) return;
    const { final } = manner;
    on.clock.after(manner.afterMs, () => {
      if (done) return;
      done = true;
      phone.reply(request, final);
    });
  };
}

const story = fc.record({
  method: fc.constantFrom("INVITE", "INVITE", "MESSAGE"),
  phones: fc.array(manners, { minLength: 1, maxLength: 5 }),
  cancelAfterMs: fc.option(fc.constantFrom(0, 5, 100, 1_000, 50_000)),
});

test("§16.7 whatever the phones do: one answer goes back, losers are cancelled, and nothing is left", async () => {
  await fc.assert(
    fc.asyncProperty(story, async ({ method, phones: all, cancelAfterMs }) => {
      const on = await stage();
      const alice = on.phone("alice");
      const phones = all.map((manner, i) => {
        const phone = on.phone(`p${i}`);
        on.bind("bob", phone, { qMilli: manner.qMilli });
        behave(on, phone, manner);
        return phone;
      });
      const call = { method, uri: "sip:bob@example.com", branch: "z9hG4bKcall" };
      alice.request(call);
      if (cancelAfterMs !== null && method === "INVITE")
        on.clock.after(cancelAfterMs, () => alice.request({ ...call, method: "CANCEL" }));
      await on.pass(700_000);

      const finals = alice.responses.filter(({ status, cseq }) => status >= 200 && cseq?.method === method);
      // the same non-2xx comes again until it is acknowledged, which this caller never does
      const distinct = new Set(finals.map(({ text }) => text));
      const wins = finals.filter(({ status }) => status < 300).length;
      if (method === "INVITE") {
        expect(distinct.size).toBeGreaterThan(0);
        if (wins > 0) expect(finals.every(({ status }) => status < 300)).toBe(true);
        else expect(distinct.size).toBe(1);
      } else {
        expect(finals.length).toBeLessThanOrEqual(1);
        expect(finals.map(({ status }) => status)).not.toContain(408);
      }
      expect(finals.map(({ status }) => status)).not.toContain(430);
      expect(finals.map(({ status }) => status)).not.toContain(503);

      for (const [i, phone] of phones.entries()) {
        const { rings, final, afterMs } = all[i] as Manner;
        const asked = phone.requests.map((request) => request.method);
        // §9.1: nobody is cancelled who has said nothing yet
        if (asked.includes("CANCEL")) expect(rings).toBe(true);
        // who rings for ever was told to stop
        if (method === "INVITE" && asked.includes("INVITE") && rings && (final === null || afterMs > 200_000))
          expect(asked).toContain("CANCEL");
      }
      expect(on.dispatcher.transactions.counts()).toMatchObject({ servers: 0, clients: 0 });
      expect(on.proxy.counts().pending).toBe(0);
      expect(on.clock.pending()).toBe(0);
    }),
    { numRuns: 60 },
  );
});
