import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import type { LocationEventKind } from "../../src/location/store.js";
import { SipResponse } from "../../src/message/message.js";
import type { Delivery, Draft } from "../../src/proxy/deliver.js";
import { Pinger, type PingerOptions, type PingFindings, type Reachability } from "../../src/proxy/ping.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { responseOf } from "../support/texts.js";

const AOR = "sip:bob@example.com";

function binding(name: string, difference: Partial<Binding> = {}): Binding {
  return {
    uri: `sip:${name}@10.0.0.1:5060`,
    params: "",
    expiresAtMs: 10_000_000_000_000,
    qMilli: 1000,
    callId: name,
    cseq: 1,
    userAgent: null,
    received: "udp:198.51.100.1:1024",
    flow: null,
    path: [],
    instance: null,
    regId: null,
    registeredAtMs: 0,
    updatedAtMs: 0,
    ...difference,
  };
}

function answer(status: number): Delivery {
  const response = responseOf(`SIP/2.0 ${status} X\r\nVia: SIP/2.0/UDP h\r\n\r\n`);
  if (!(response instanceof SipResponse)) throw new Error("no response");
  return { kind: "delivered", response };
}

const SILENCE: Delivery = {
  kind: "unreachable",
  rejection: { ok: false, status: 408, reason: "Request Timeout", headers: [] },
};

interface Bench {
  readonly clock: ManualClock;
  readonly pinger: Pinger;
  readonly pings: { readonly atMs: number; readonly draft: Draft; readonly binding: Binding }[];
  readonly changes: Reachability[];
  /** What the phones do from now on, after this many milliseconds. */
  behave(delivery: Delivery | Error, delayMs?: number): void;
  pass(ms: number): Promise<void>;
}

/** @param known bindings that are there before it starts */
function bench(options: Partial<PingerOptions> = {}, known: readonly Binding[] = []): Bench {
  const clock = manualClock(0);
  const pings: Bench["pings"] = [];
  const changes: Reachability[] = [];
  let now: { delivery: Delivery | Error; delayMs: number } = { delivery: answer(200), delayMs: 20 };
  const pinger = new Pinger({
    clock,
    entropy: seededEntropy(3),
    from: "sip:example.com",
    deliver(draft, to) {
      pings.push({ atMs: clock.nowMs(), draft, binding: to });
      const { delivery, delayMs } = now;
      return new Promise((resolve, reject) => {
        clock.after(delayMs, () => (delivery instanceof Error ? reject(delivery) : resolve(delivery)));
      });
    },
    changed: (change) => void changes.push(change),
    ...options,
  });
  for (const one of known) pinger.add(AOR, one);
  pinger.start();
  return {
    clock,
    pinger,
    pings,
    changes,
    behave(delivery, delayMs = 20) {
      now = { delivery, delayMs };
    },
    async pass(ms) {
      for (let left = ms; left > 0; left -= 10) {
        clock.advance(Math.min(10, left));
        for (let i = 0; i < 3; i++) await Promise.resolve();
      }
    },
  };
}

describe("C9 NAT ping", () => {
  test("an OPTIONS to each binding once in every interval", async () => {
    const on = bench({ intervalSec: 10 });
    on.pinger.add(AOR, binding("bob"));
    await on.pass(35_000);
    const times = on.pings.map(({ atMs }) => atMs);
    expect(times).toHaveLength(4);
    expect(times.slice(1).map((time, i) => time - (times[i] ?? 0))).toEqual([10_000, 10_000, 10_000]);
    const { draft } = on.pings[0]!;
    expect(draft.method).toBe("OPTIONS");
    expect(draft.headers.map(({ name }) => name)).toEqual(["From", "To", "Call-ID", "CSeq", "Accept"]);
    const ids = on.pings.map(
      ({ draft: { headers } }) => headers.find(({ name }) => name === "Call-ID")?.value,
    );
    expect(new Set(ids).size).toBe(4);
  });

  test("spread evenly over the interval, whenever the phones came", async () => {
    const on = bench({ intervalSec: 10 });
    for (let i = 0; i < 100; i++) on.pinger.add(AOR, binding(`p${i}`));
    await on.pass(10_000);
    const perSecond = new Map<number, number>();
    for (const { atMs } of on.pings) perSecond.set(atMs, (perSecond.get(atMs) ?? 0) + 1);
    expect([...perSecond.values()]).toEqual(Array.from({ length: 10 }, () => 10));
  });

  test("the round trip is kept", async () => {
    const on = bench({ intervalSec: 1 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(answer(200), 70);
    await on.pass(1_500);
    expect(on.pinger.get(AOR, bob)).toMatchObject({
      roundTripMs: 70,
      misses: 0,
      reachable: true,
      testedAtMs: 1_070,
    });
  });

  test.each([200, 404, 405, 480, 481, 500, 603])("%i is an answer", async (status) => {
    const on = bench({ intervalSec: 1, misses: 1 });
    on.pinger.add(AOR, binding("bob"));
    on.behave(answer(status));
    await on.pass(3_000);
    expect(on.changes).toEqual([]);
  });

  test.each<[string, Delivery | Error]>([
    ["silence", SILENCE],
    ["a dead flow", { kind: "flow-dead" }],
    ["408 of a proxy in the Path", answer(408)],
    ["430 of a proxy in the Path", answer(430)],
    ["503 of a proxy in the Path", answer(503)],
    ["504 of a proxy in the Path", answer(504)],
    ["our own failure", new Error("bug")],
  ])(
    "%s is none: after three of them the binding is unreachable, and says so once",
    async (_what, delivery) => {
      const on = bench({ intervalSec: 1 });
      const bob = binding("bob");
      on.pinger.add(AOR, bob);
      on.behave(delivery);
      await on.pass(2_900);
      expect(on.pinger.isReachable(AOR, bob)).toBe(true);
      expect(on.changes).toEqual([]);
      await on.pass(5_000);
      expect(on.pinger.isReachable(AOR, bob)).toBe(false);
      expect(on.changes).toHaveLength(1);
      expect(on.changes[0]).toMatchObject({ aor: AOR, binding: bob, reachable: false, misses: 3 });
    },
  );

  test("an answer, or a REGISTER, makes it reachable again, and says so", async () => {
    const on = bench({ intervalSec: 1, misses: 1 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(SILENCE);
    await on.pass(1_500);
    on.behave(answer(200));
    await on.pass(1_500);
    on.behave(SILENCE);
    await on.pass(1_500);
    on.pinger.heed({ kind: "refreshed", aor: AOR, binding: { ...bob, cseq: 2 }, atMs: 0 });
    expect(on.changes.map(({ reachable }) => reachable)).toEqual([false, true, false, true]);
    expect(on.changes.at(-1)?.binding.cseq).toBe(2);
  });

  test("an answer that was missed while a REGISTER came does not count against it", async () => {
    const on = bench({ intervalSec: 100, misses: 1 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(SILENCE, 500);
    await on.pass(1_200);
    on.pinger.heed({ kind: "refreshed", aor: AOR, binding: { ...bob, cseq: 2 }, atMs: 0 });
    await on.pass(1_000);
    expect(on.pinger.isReachable(AOR, bob)).toBe(true);
  });

  test.each<LocationEventKind>(["removed", "expired", "flow-closed"])("%s: pinged no more", async (kind) => {
    const on = bench({ intervalSec: 1 });
    const bob = binding("bob");
    on.pinger.heed({ kind: "registered", aor: AOR, binding: bob, atMs: 0 });
    await on.pass(1_500);
    on.pinger.heed({ kind, aor: AOR, binding: bob, atMs: 0 });
    await on.pass(5_000);
    expect(on.pings).toHaveLength(1);
    expect(on.pinger.get(AOR, bob)).toBeUndefined();
    expect(on.pinger.isReachable(AOR, bob)).toBe(true);
  });

  test("nor when it has expired and nobody said so", async () => {
    const on = bench({ intervalSec: 1 });
    on.pinger.add(AOR, binding("bob", { expiresAtMs: 1_500 }));
    await on.pass(5_000);
    expect(on.pings).toHaveLength(1);
  });

  test("bindings over a connection or with a Path are left alone, unless asked for", async () => {
    const odd = [binding("ws", { flow: "ws:1:1" }), binding("edge", { path: ["<sip:edge;lr>"] })];
    const usual = bench({ intervalSec: 1 });
    const all = bench({ intervalSec: 1, wants: () => true });
    for (const one of odd) {
      usual.pinger.add(AOR, one);
      all.pinger.add(AOR, one);
    }
    await usual.pass(1_500);
    await all.pass(1_500);
    expect(usual.pings).toHaveLength(0);
    expect(all.pings).toHaveLength(2);
  });

  test("a binding that is refreshed over a connection is pinged no more", async () => {
    const on = bench({ intervalSec: 1 });
    on.pinger.add(AOR, binding("bob"));
    on.pinger.heed({ kind: "refreshed", aor: AOR, binding: binding("bob", { flow: "tcp:1:1" }), atMs: 0 });
    await on.pass(3_000);
    expect(on.pings).toHaveLength(0);
  });

  test("one answer is waited for at a time for each binding; where there is no room for all, they take turns", async () => {
    const on = bench({ intervalSec: 1, maxUnderWay: 2 });
    for (let i = 0; i < 5; i++) on.pinger.add(AOR, binding(`p${i}`));
    on.behave(SILENCE, 32_000);
    await on.pass(10_000);
    const perPhone = new Map<string, number>();
    for (const { binding: to } of on.pings) perPhone.set(to.uri, (perPhone.get(to.uri) ?? 0) + 1);
    expect([...perPhone.values()]).toEqual([4, 4, 4, 4, 4]);
  });

  test("a ping is missed when the next is due: N misses take N intervals", async () => {
    const on = bench({ intervalSec: 3, misses: 2 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(SILENCE, 32_000);
    await on.pass(6_900);
    expect(on.pings.map(({ atMs }) => atMs)).toEqual([1_000, 4_000]);
    expect(on.pinger.get(AOR, bob)).toMatchObject({ misses: 1, testedAtMs: 4_000, reachable: true });
    await on.pass(200);
    expect(on.pinger.get(AOR, bob)).toMatchObject({ misses: 2, testedAtMs: 7_000, reachable: false });
    // the first two time out by themselves in the end, and are not missed once more
    await on.pass(1_000);
    on.behave(answer(200));
    await on.pass(40_000);
    expect(on.changes.map(({ reachable }) => reachable)).toEqual([false, true]);
    expect(on.pinger.get(AOR, bob)).toMatchObject({ misses: 0, roundTripMs: 20 });
  });

  test("or after 32 s, when the next is due later", async () => {
    const on = bench({ intervalSec: 60, misses: 1 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(SILENCE, 32_000);
    await on.pass(32_900);
    expect(on.pinger.isReachable(AOR, bob)).toBe(true);
    await on.pass(200);
    expect(on.pinger.isReachable(AOR, bob)).toBe(false);
  });

  test("an answer that comes when the next is out already counts, with its own round trip", async () => {
    const on = bench({ intervalSec: 3, misses: 1 });
    const bob = binding("bob");
    on.pinger.add(AOR, bob);
    on.behave(answer(200), 4_000);
    await on.pass(4_500);
    expect(on.pinger.get(AOR, bob)).toMatchObject({ misses: 1, reachable: false });
    await on.pass(700);
    expect(on.pinger.get(AOR, bob)).toMatchObject({ misses: 0, reachable: true, roundTripMs: 4_000 });
  });

  test("the next pinger goes on with what the last one found, of those that are still there", async () => {
    const findings: PingFindings = new Map();
    const [bob, gone] = [binding("bob"), binding("gone")];
    const first = bench({ intervalSec: 1, misses: 3, findings });
    first.pinger.add(AOR, bob);
    first.pinger.add(AOR, gone);
    await first.pass(1_500);
    first.behave(SILENCE);
    await first.pass(4_000);
    const found = { reachable: false, misses: 4, roundTripMs: 20 };
    expect(first.pinger.get(AOR, bob)).toMatchObject(found);
    first.pinger.close();

    const second = bench({ intervalSec: 1, misses: 3, findings }, [bob]);
    expect(second.pinger.get(AOR, bob)).toMatchObject(found);
    expect(findings.size).toBe(1);
    await second.pass(1_500);
    expect(second.changes.map(({ reachable }) => reachable)).toEqual([true]);
  });

  test("a bound on how many are pinged", async () => {
    const on = bench({ intervalSec: 1, maxBindings: 1 });
    on.pinger.add(AOR, binding("one"));
    on.pinger.add(AOR, binding("two"));
    await on.pass(1_500);
    expect(on.pings).toHaveLength(1);
    expect(on.pinger.isReachable(AOR, binding("two"))).toBe(true);
  });

  test("close stops it, and pings under way are not heard", async () => {
    const on = bench({ intervalSec: 1, misses: 1 });
    on.pinger.add(AOR, binding("bob"));
    on.behave(SILENCE, 500);
    await on.pass(1_200);
    on.pinger.close();
    await on.pass(10_000);
    expect(on.pings).toHaveLength(1);
    expect(on.changes).toEqual([]);
    expect(on.clock.pending()).toBe(0);
  });
});
