import { describe, expect, it } from "vitest";
import type { AuthOutcome } from "../../src/auth/attempts.js";
import { parseMessage } from "../../src/message/parse.js";
import type { Flow } from "../../src/port/leg.js";
import { Guard } from "../../src/server/guard.js";
import type { GuardOptions } from "../../src/server/guard-options.js";
import { manualClock } from "../../src/testing/clock.js";
import { answering, recordingLeg, request, rig, udpFlow } from "./authorize-rig.js";

const OUTSIDE = "203.0.113.9";

function guarded(options: Omit<GuardOptions, "clock"> = {}) {
  const clock = manualClock();
  const warnings: object[] = [];
  const quiet = (): void => {};
  const log = { debug: quiet, info: quiet, error: quiet, warn: (facts: object) => void warnings.push(facts) };
  const guard = new Guard({ clock, log, ...options });
  const { leg } = recordingLeg();
  const closed: Flow[] = [];
  const closing = { ...leg, disconnect: (flow: Flow) => void closed.push(flow) };
  const plain = request();
  return {
    clock,
    guard,
    warnings,
    closed,
    /** Hands one datagram with a request over: is it heard? */
    hears: (from: Flow): boolean =>
      guard.admits(from, from.transport) && guard.receive(plain, closing, from) === undefined,
    /** Hands a request over that came by a connection which is open already. */
    speaks: (from: Flow): boolean => guard.receive(plain, closing, from) === undefined,
    tell: (outcome: AuthOutcome, from: Flow, user: string, returnRoutable = true): void =>
      guard.report({ outcome, from, user, returnRoutable }),
  };
}

function tcpFlow(address = OUTSIDE, port = 40_000): Flow {
  return {
    ...udpFlow(address, port),
    transport: "tcp",
    token: `tcp:${address}:${port}:1`,
    isConnection: true,
  };
}

/** So many different users fail from there. */
function scan({ tell }: ReturnType<typeof guarded>, from: Flow, users: number, returnRoutable = true): void {
  for (let i = 0; i < users; i++) tell("wrong", from, `user${i}`, returnRoutable);
}

describe("FEATURES B7: floods", () => {
  it("a source may send its burst at once, and from then on so many a second", () => {
    const { hears, clock, guard } = guarded({ requestsPerSecond: 10, burst: 100 });
    const heard = (times: number): number => {
      let count = 0;
      // each from another port: no flow has a share left over
      for (let i = 0; i < times; i++) if (hears(udpFlow(OUTSIDE, 1024))) count++;
      return count;
    };
    // the share of one flow comes on top
    expect(heard(1000)).toBeLessThanOrEqual(110);
    clock.advance(60_000);
    let later = 0;
    for (let second = 0; second < 10; second++) {
      clock.advance(1000);
      later += heard(1000);
    }
    expect(later).toBeLessThanOrEqual(100 + 10 * 10 + 20);
    expect(guard.counters.rate).toBeGreaterThan(9000);
  });

  it("heals by itself", () => {
    const { hears, clock } = guarded({ requestsPerSecond: 10, burst: 100 });
    const flood = udpFlow(OUTSIDE, 1024);
    for (let i = 0; i < 10_000; i++) hears(flood);
    expect(hears(flood)).toBe(false);
    clock.advance(60_000);
    for (let i = 0; i < 50; i++) expect(hears(flood)).toBe(true);
  });

  it("one source has no effect on another", () => {
    const { hears } = guarded({ requestsPerSecond: 10, burst: 20 });
    for (let i = 0; i < 1000; i++) hears(udpFlow(OUTSIDE));
    for (let i = 0; i < 20; i++) expect(hears(udpFlow("203.0.113.10"))).toBe(true);
  });

  it("what is no request costs less, but not nothing", () => {
    const { guard } = guarded({ requestsPerSecond: 10, burst: 100 });
    const { leg } = recordingLeg();
    const parsed = parseMessage("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK1\r\n\r\n");
    if (!parsed.ok) throw new Error(parsed.reason);
    expect(guard.receive(parsed.message, leg, udpFlow(OUTSIDE))).toBeUndefined();
    let admitted = 0;
    for (let i = 0; i < 10_000; i++) if (guard.admits({ address: OUTSIDE, port: 1 }, "udp")) admitted++;
    expect(admitted).toBeGreaterThan(400);
    expect(admitted).toBeLessThan(900);
  });

  it("1,250 phones a second that register behind one address are never dropped", async () => {
    const clock = manualClock();
    const guard = new Guard({ clock });
    const { ask, challenge, authorize } = rig({ clock, watcher: guard });
    const { leg } = recordingLeg();
    const answer = answering(await challenge());
    expect((await ask(answer)).status).toBeUndefined();
    const plain = request();
    const phones = 1250;
    let heard = 0;
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < phones; i++) {
        const from = udpFlow(OUTSIDE, 1024 + second * phones + i);
        // the challenge, and the answer that proves a user
        for (const packet of [plain, answer])
          if (guard.admits(from, "udp") && guard.receive(packet, leg, from) === undefined) heard++;
        guard.report({ outcome: "challenged", from, user: null, returnRoutable: false });
        guard.report({ outcome: "accepted", from, user: `user${i}`, returnRoutable: true });
      }
      clock.advance(1000);
    }
    expect(heard).toBe(20 * phones * 2);
    expect(guard.counters.rate).toBe(0);
    authorize.close();
  });

  it("a phone gone mad does not use up what its neighbours behind the same address need", () => {
    const { hears, clock } = guarded({ requestsPerSecond: 100, burst: 400 });
    let neighbour = 0;
    for (let second = 0; second < 30; second++) {
      for (let i = 0; i < 380; i++) hears(udpFlow(OUTSIDE, 6666));
      // a neighbour comes up once a second, on a flow of its own, with two requests
      for (let i = 0; i < 2; i++) if (hears(udpFlow(OUTSIDE, 20_000 + second))) neighbour++;
      clock.advance(1000);
    }
    expect(neighbour).toBe(60);
  });

  it("a flow that proved a user and then floods silences no other that did, nor newcomers", () => {
    const { hears, tell, clock } = guarded({ requestsPerSecond: 100, burst: 400 });
    const mad = udpFlow(OUTSIDE, 6666);
    const phone = udpFlow(OUTSIDE, 5060);
    for (const flow of [mad, phone]) tell("accepted", flow, `user${flow.port}`);
    let flooded = 0;
    let called = 0;
    let newcomers = 0;
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 5000; i++) if (hears(mad)) flooded++;
      for (let i = 0; i < 8; i++) if (hears(phone)) called++;
      if (hears(udpFlow(OUTSIDE, 20_000 + second))) newcomers++;
      clock.advance(1000);
    }
    expect(called).toBe(160);
    expect(newcomers).toBe(20);
    // its source's budget and its own share
    expect(flooded).toBeLessThan(400 + 20 * 100 + 40 + 20 * 10);
  });

  it("nor does one over a connection silence another connection", () => {
    const { speaks, tell } = guarded({ requestsPerSecond: 10, burst: 100 });
    const mad = tcpFlow(OUTSIDE, 1);
    const phone = tcpFlow(OUTSIDE, 2);
    for (const flow of [mad, phone]) tell("accepted", flow, `user${flow.port}`);
    for (let i = 0; i < 1000; i++) speaks(mad);
    expect(speaks(mad)).toBe(false);
    for (let i = 0; i < 40; i++) expect(speaks(phone)).toBe(true);
    expect(speaks(phone)).toBe(false);
  });

  it("proving a user again gives a flow no new share", () => {
    const { hears, tell } = guarded({ requestsPerSecond: 10, burst: 20 });
    const mad = udpFlow(OUTSIDE, 6666);
    tell("accepted", mad, "alice");
    for (let i = 0; i < 200; i++) hears(mad);
    tell("accepted", mad, "alice");
    let more = 0;
    for (let i = 0; i < 200; i++) if (hears(mad)) more++;
    expect(more).toBeLessThan(5);
  });

  it("what is dropped over a connection does not close it, and connections cost more than requests", () => {
    const { guard, hears, closed } = guarded({ requestsPerSecond: 10, burst: 100 });
    let opened = 0;
    for (let i = 0; i < 1000; i++) if (guard.admits({ address: OUTSIDE, port: i + 1 }, "tcp")) opened++;
    expect(opened).toBeLessThanOrEqual(45);
    expect(hears(tcpFlow())).toBe(false);
    expect(closed).toEqual([]);
  });
});

/** A source in the midst of a flood, a millisecond at a time. */
function flooded(options: Omit<GuardOptions, "clock">) {
  const world = guarded(options);
  const { guard, hears, speaks, clock } = world;
  let port = 1024;
  return {
    ...world,
    /** Lets a flow send so many requests a second for so long, and others do something after each second; how many are heard? */
    flood: (
      perSecond: number,
      seconds: number,
      flowOf: (n: number) => Flow,
      second = (): void => {},
    ): number => {
      let heard = 0;
      let sent = 0;
      for (let ms = 1; ms <= seconds * 1000; ms++) {
        clock.advance(1);
        for (; sent < (ms * perSecond) / 1000; sent++) if (hears(flowOf(sent))) heard++;
        if (ms % 1000 === 0) second();
      }
      return heard;
    },
    /** So many new flows over UDP send a request and the answer to its challenge; how many requests are heard? */
    newcomers: (count: number): number => {
      let heard = 0;
      for (let i = 0; i < count; i++, port++)
        for (let request = 0; request < 2; request++) if (hears(udpFlow(OUTSIDE, port))) heard++;
      return heard;
    },
    /** The same over connections of their own. */
    connections: (count: number): number => {
      let heard = 0;
      for (let i = 0; i < count; i++, port++) {
        if (!guard.admits({ address: OUTSIDE, port }, "tcp")) continue;
        for (let request = 0; request < 2; request++) if (speaks(tcpFlow(OUTSIDE, port))) heard++;
      }
      return heard;
    },
  };
}

describe("FEATURES B7: one flow that floods silences nobody else at its source", () => {
  const mad = udpFlow(OUTSIDE, 666);

  it.each([
    { requestsPerSecond: 50, burst: 100, times: 2 },
    { requestsPerSecond: 50, burst: 100, times: 6 },
    { requestsPerSecond: 50, burst: 100, times: 100 },
    { requestsPerSecond: 1500, burst: 6000, times: 2 },
    { requestsPerSecond: 1500, burst: 6000, times: 8 },
  ])("$times times $requestsPerSecond a second, for long", ({ requestsPerSecond, burst, times }) => {
    const { flood, newcomers, connections, clock, hears, guard } = flooded({ requestsPerSecond, burst });
    const rate = times * requestsPerSecond;
    const first = flood(rate, 8, () => mad);
    const due = Math.min(8 * rate, burst + 8 * requestsPerSecond);
    // what is due to the source, and the share of one flow
    expect(first).toBeGreaterThanOrEqual(due - 2);
    expect(first).toBeLessThanOrEqual(due + 10 + 8);
    let newFlows = 0;
    let newConnections = 0;
    const later = flood(
      rate,
      20,
      () => mad,
      () => {
        newFlows += newcomers(10);
        newConnections += connections(1);
      },
    );
    expect(newFlows).toBe(20 * 10 * 2);
    expect(newConnections).toBe(20 * 2);
    expect(later).toBeGreaterThanOrEqual(20 * requestsPerSecond * 0.9);
    // nothing of the flood is left when it ends
    clock.advance((burst / requestsPerSecond) * 1000 + 1000);
    expect(guard.explain(OUTSIDE)).toMatchObject({ verdict: "heard", budget: burst });
    for (let i = 0; i < burst; i++) expect(hears(udpFlow(OUTSIDE, 667))).toBe(true);
  });

  it("what is no request spends no more than the share of its flow either", () => {
    const { guard, newcomers, connections } = flooded({ requestsPerSecond: 50, burst: 100 });
    let admitted = 0;
    for (let i = 0; i < 100_000; i++) if (guard.admits(mad, "udp")) admitted++;
    expect(admitted).toBeLessThanOrEqual(4 * (100 + 10));
    expect([newcomers(10), connections(2)]).toEqual([20, 4]);
  });

  it("nor does what is no request, on a flow that proved a user", () => {
    const { guard, tell } = flooded({ requestsPerSecond: 50, burst: 100 });
    tell("accepted", mad, "alice");
    let admitted = 0;
    for (let i = 0; i < 100_000; i++) if (guard.admits(mad, "udp")) admitted++;
    expect(admitted).toBeLessThanOrEqual(4 * (100 + 40));
  });

  it("a connection that floods silences neither other connections nor datagrams", () => {
    const { speaks, newcomers, connections, clock } = flooded({ requestsPerSecond: 50, burst: 100 });
    let heard = 0;
    for (let second = 0; second < 20; second++) {
      for (let i = 0; i < 5000; i++) if (speaks(tcpFlow(OUTSIDE, 1))) heard++;
      expect([newcomers(5), connections(2)]).toEqual([10, 4]);
      clock.advance(1000);
    }
    expect(heard).toBeLessThanOrEqual(100 + 20 * 50 + 10 + 20);
  });

  it("wrong passwords, which cost more, leave no debt that lasts", () => {
    const { hears, tell, clock, newcomers } = flooded({ requestsPerSecond: 50, burst: 100 });
    for (let i = 0; i < 100; i++) {
      hears(mad);
      tell("wrong", mad, "alice");
    }
    expect(newcomers(5)).toBe(10);
    clock.advance(1100);
    expect(hears(udpFlow(OUTSIDE, 667))).toBe(true);
  });

  it("hundreds of flows that flood leave newcomers theirs, once they are known", () => {
    const { flood, newcomers } = flooded({ requestsPerSecond: 50, burst: 100 });
    const botnet = (n: number): Flow => udpFlow(OUTSIDE, 50_000 + (n % 300));
    flood(3000, 5, botnet);
    let heard = 0;
    flood(3000, 20, botnet, () => {
      heard += newcomers(5);
    });
    expect(heard).toBe(20 * 5 * 2);
  });
});

describe("FEATURES B7: floods of invented flows", () => {
  it("are heard half as much beyond the budget of their source at most, and silence no connection and nobody who proved a user", () => {
    const world = flooded({ requestsPerSecond: 50, burst: 100, capacity: 1000 });
    const { flood, connections, guard, hears, tell } = world;
    const phone = udpFlow(OUTSIDE, 5060);
    tell("accepted", phone, "alice");
    let spoken = 0;
    let called = 0;
    let most = 0;
    const heard = flood(
      5000,
      20,
      (n) => udpFlow(OUTSIDE, 6000 + (n % 59_000)),
      () => {
        spoken += connections(3);
        for (let i = 0; i < 8; i++) if (hears(phone)) called++;
        most = Math.max(most, guard.tracked);
      },
    );
    expect(heard).toBeLessThanOrEqual(1.5 * (100 + 20 * 50));
    expect(heard).toBeGreaterThanOrEqual(100 + 20 * 50 - 20 * 8);
    expect(spoken).toBe(20 * 3 * 2);
    expect(called).toBe(20 * 8);
    expect(most).toBeLessThanOrEqual(5000);
  });

  it("a phone that sends again as RFC 3261 §17.1.2.2 has it stays ahead of hundreds that flood", () => {
    const { flood, hears } = flooded({ requestsPerSecond: 50, burst: 100 });
    const botnet = (n: number): Flow => udpFlow(OUTSIDE, 50_000 + (n % 800));
    const waits = [0, 0.5, 1, 2, 4, 4, 4];
    let late = 0;
    for (let port = 1024; port < 1034; port++) {
      const wait = waits.find((seconds) => {
        flood(3000, seconds, botnet);
        return hears(udpFlow(OUTSIDE, port));
      });
      if (wait === undefined || wait > 1) late++;
    }
    expect(late).toBeLessThanOrEqual(1);
  });

  it("a flood of connections leaves those that are open what they have to say, and datagrams theirs", () => {
    const { guard, speaks, newcomers, clock } = flooded({ requestsPerSecond: 50, burst: 100 });
    let opened = 0;
    let spoken = 0;
    let heard = 0;
    for (let second = 0; second < 20; second++) {
      for (let port = 1024; port < 3024; port++) {
        if (!guard.admits({ address: OUTSIDE, port }, "tcp")) continue;
        opened++;
        if (speaks(tcpFlow(OUTSIDE, port + 3000 * second))) spoken++;
      }
      heard += newcomers(5);
      clock.advance(1000);
    }
    expect(opened).toBeLessThanOrEqual((1.5 * (100 + 20 * 50)) / 5);
    expect(opened).toBeGreaterThanOrEqual((20 * 50) / 6);
    expect([spoken, heard]).toEqual([opened, 200]);
  });

  it("1,500 connections of one source are let in at once by default, and then some 450 a second", () => {
    const { guard, clock } = flooded({});
    const opened = (): number => {
      let count = 0;
      for (let i = 0; i < 5000; i++) if (guard.admits({ address: OUTSIDE, port: 1024 + i }, "tcp")) count++;
      return count;
    };
    expect(Math.abs(opened() - 1500)).toBeLessThanOrEqual(5);
    clock.advance(1000);
    expect(Math.abs(opened() - 450)).toBeLessThanOrEqual(5);
  });
});

describe("FEATURES B7: guessing one user's password", () => {
  it("after so many wrong ones further tries are not looked at, until time has passed", () => {
    const { guard, tell, clock } = guarded({ attempts: 5, attemptSeconds: 30 });
    const from = udpFlow(OUTSIDE);
    for (let i = 0; i < 5; i++) {
      expect(guard.mayTry(from, "alice")).toBe(true);
      tell("wrong", from, "alice");
    }
    expect(guard.mayTry(from, "alice")).toBe(false);
    clock.advance(29_999);
    expect(guard.mayTry(from, "alice")).toBe(false);
    clock.advance(1);
    expect(guard.mayTry(from, "alice")).toBe(true);
    tell("wrong", from, "alice");
    expect(guard.mayTry(from, "alice")).toBe(false);
    clock.advance(5 * 30_000);
    for (let i = 0; i < 5; i++) {
      expect(guard.mayTry(from, "alice")).toBe(true);
      tell("wrong", from, "alice");
    }
    expect(guard.counters.throttled).toBe(3);
  });

  it("touches neither other users there nor the user elsewhere", () => {
    const { guard, tell } = guarded();
    for (let i = 0; i < 50; i++) tell("wrong", udpFlow(OUTSIDE), "alice");
    expect(guard.mayTry(udpFlow(OUTSIDE), "bob")).toBe(true);
    expect(guard.mayTry(udpFlow("203.0.113.10"), "alice")).toBe(true);
    expect(guard.mayTry(udpFlow(OUTSIDE), "alice")).toBe(false);
  });

  it("does not lock out the phone of that user behind the same address, on the flow that it proved itself on", () => {
    const { guard, tell, clock } = guarded();
    const phone = udpFlow(OUTSIDE, 5060);
    tell("accepted", phone, "alice");
    for (let i = 0; i < 50; i++) tell("wrong", udpFlow(OUTSIDE, 6666), "alice");
    expect(guard.mayTry(udpFlow(OUTSIDE, 6666), "alice")).toBe(false);
    expect(guard.mayTry(phone, "alice")).toBe(true);
    // the flow of one user is no way in for guessing another's password
    for (let i = 0; i < 50; i++) tell("wrong", phone, "bob");
    expect(guard.mayTry(phone, "bob")).toBe(false);
    clock.advance(3 * 3_600_000);
    for (let i = 0; i < 50; i++) tell("wrong", udpFlow(OUTSIDE, 6666), "alice");
    expect(guard.mayTry(phone, "alice")).toBe(false);
  });

  it("a right one takes back what the wrong ones did", () => {
    const { guard, tell } = guarded();
    const from = udpFlow(OUTSIDE);
    for (let i = 0; i < 4; i++) tell("wrong", from, "alice");
    tell("accepted", from, "alice");
    for (let i = 0; i < 4; i++) tell("wrong", udpFlow(OUTSIDE, 7), "alice");
    expect(guard.mayTry(udpFlow(OUTSIDE, 7), "alice")).toBe(true);
  });

  it("wrong answers to a challenge that went elsewhere lock out nobody who answers a challenge of its own", () => {
    const { guard, tell, clock } = guarded();
    const owner = udpFlow(OUTSIDE);
    for (let i = 0; i < 50; i++) tell("wrong", owner, "alice", false);
    expect(guard.mayTry(owner, "alice", "here")).toBe(true);
    // but forging addresses is no way to go on guessing, from whichever it seems to be
    expect(guard.mayTry(owner, "alice", "elsewhere")).toBe(false);
    expect(guard.mayTry(udpFlow("203.0.113.10"), "alice", "elsewhere")).toBe(false);
    expect(guard.mayTry(owner, "bob", "elsewhere")).toBe(true);
    // a connection cannot be forged
    expect(guard.mayTry(tcpFlow(), "alice", "elsewhere")).toBe(true);
    clock.advance(30_000);
    expect(guard.mayTry(owner, "alice", "elsewhere")).toBe(true);
  });

  it("holds with a real authoriser: forged packets with the nonce of their sender do not lock the owner out", async () => {
    const clock = manualClock();
    const guard = new Guard({ clock });
    const { ask } = rig({ clock, watcher: guard });
    const owner = udpFlow(OUTSIDE, 5060);
    const nonce = (await ask(request(), udpFlow("198.51.100.66"))).challenges[0]!;
    for (let i = 0; i < 20; i++) await ask(answering(nonce, { password: `guess${i}` }), owner);
    const own = (await ask(request(), owner)).challenges[0]!;
    expect((await ask(answering(own), owner)).context.identity?.user).toBe("alice");
  });

  it("counts each long name by itself", () => {
    const { guard, tell } = guarded();
    const long = "x".repeat(2000);
    for (let i = 0; i < 50; i++) tell("wrong", udpFlow(OUTSIDE), `${long}a`);
    expect(guard.mayTry(udpFlow(OUTSIDE), `${long}a`)).toBe(false);
    expect(guard.mayTry(udpFlow(OUTSIDE), `${long}b`)).toBe(true);
  });

  it("holds with a real authoriser: the right guess is not taken either, and the answers do not tell", async () => {
    const clock = manualClock();
    const guard = new Guard({ clock });
    const { ask, challenge } = rig({ clock, watcher: guard });
    const from = udpFlow(OUTSIDE, 5555);
    for (let i = 0; i < 5; i++) {
      const nonce = (await ask(request(), from)).challenges[0]!;
      expect((await ask(answering(nonce, { password: `guess${i}` }), from)).status).toBe(401);
    }
    const nonce = (await ask(request(), from)).challenges[0]!;
    expect((await ask(answering(nonce, {}), from)).status).toBe(401);
    // another source is another matter
    expect((await ask(answering(await challenge()))).status).toBeUndefined();
    clock.advance(30_000);
    const later = (await ask(request(), from)).challenges[0]!;
    expect((await ask(answering(later), from)).status).toBeUndefined();
  });
});

describe("FEATURES B7: a source where many users fail", () => {
  it("is banned: nothing from there is heard, and nothing answered", () => {
    const world = guarded({ banUsers: 16 });
    const { guard, hears, warnings } = world;
    scan(world, udpFlow(OUTSIDE), 40);
    expect(guard.bans()).toEqual([expect.objectContaining({ source: OUTSIDE })]);
    for (const port of [5060, 5061]) {
      expect(guard.admits({ address: OUTSIDE, port }, "udp")).toBe(false);
      expect(guard.admits({ address: OUTSIDE, port }, "tcp")).toBe(false);
    }
    expect(hears(udpFlow(OUTSIDE))).toBe(false);
    expect(hears(udpFlow("203.0.113.10"))).toBe(true);
    expect(guard.counters.banned).toBe(5);
    expect(warnings).toHaveLength(1);
  });

  it("its connections are closed when they speak", () => {
    const world = guarded({ banUsers: 16 });
    const { guard, closed } = world;
    const from = tcpFlow();
    scan(world, from, 40, false);
    const { leg } = recordingLeg();
    const closing = { ...leg, disconnect: (flow: Flow) => void closed.push(flow) };
    expect(guard.receive(request(), closing, from)).toBe(0);
    expect(closed).toEqual([from]);
  });

  it("heals by itself; each further ban is twice as long, up to an hour", () => {
    const world = guarded({ banUsers: 4, banSeconds: 300 });
    const { guard, clock, hears } = world;
    for (const seconds of [300, 600, 1200, 2400, 3600, 3600]) {
      scan(world, udpFlow(OUTSIDE), 20);
      const before = guard.explain(OUTSIDE)!.bannedUntilMs!;
      clock.advance(seconds * 1000 - 1);
      expect(hears(udpFlow(OUTSIDE))).toBe(false);
      clock.advance(1);
      expect(hears(udpFlow(OUTSIDE))).toBe(true);
      expect(clock.nowMs()).toBeGreaterThanOrEqual(before);
    }
    clock.advance(86_400_000);
    scan(world, udpFlow(OUTSIDE), 20);
    clock.advance(300_000);
    expect(hears(udpFlow(OUTSIDE))).toBe(true);
  });

  it("is not banned for one user, however often that fails", () => {
    const world = guarded();
    for (let i = 0; i < 100_000; i++) world.tell("wrong", udpFlow(OUTSIDE, i & 0xffff), "alice");
    expect(world.guard.bans()).toEqual([]);
    world.clock.advance(60_000);
    expect(world.hears(udpFlow(OUTSIDE, 20_000))).toBe(true);
  });

  it("is not banned while users prove themselves there: many phones share an address", () => {
    const world = guarded();
    const { guard, tell, clock } = world;
    tell("accepted", udpFlow(OUTSIDE, 5060), "carol");
    scan(world, udpFlow(OUTSIDE, 6666), 500);
    expect(guard.bans()).toEqual([]);
    clock.advance(3_600_000);
    scan(world, udpFlow(OUTSIDE, 6666), 500);
    expect(guard.bans()).toHaveLength(1);
  });

  it("is heard on the flows that proved a user, for two hours", () => {
    const world = guarded({ banSeconds: 10_000 });
    const { guard, tell, clock, hears } = world;
    tell("accepted", udpFlow(OUTSIDE, 5060), "carol");
    clock.advance(3_600_000);
    scan(world, udpFlow(OUTSIDE, 6666), 40);
    expect(hears(udpFlow(OUTSIDE, 5060))).toBe(true);
    expect(hears(udpFlow(OUTSIDE, 5061))).toBe(false);
    clock.advance(3_600_000);
    expect(hears(udpFlow(OUTSIDE, 5060))).toBe(false);
    expect(guard.explain(OUTSIDE)?.verdict).toBe("banned");
  });

  it("failures that are far apart in time do not add up", () => {
    const { guard, tell, clock } = guarded({ banUsers: 16 });
    for (let i = 0; i < 200; i++) {
      tell("wrong", udpFlow(OUTSIDE), `user${i}`);
      clock.advance(60_000);
    }
    expect(guard.bans()).toEqual([]);
  });

  it("cannot be got banned by others who forge its address: they do not see its challenges", () => {
    const world = guarded();
    scan(world, udpFlow(OUTSIDE), 500, false);
    expect(world.guard.bans()).toEqual([]);
    // over a connection the address is proved
    scan(world, tcpFlow(), 500, false);
    expect(world.guard.bans()).toHaveLength(1);
  });

  it("holds with a real authoriser, forged addresses included", async () => {
    const clock = manualClock();
    const guard = new Guard({ clock });
    const { ask } = rig({ clock, watcher: guard });
    const scanner = udpFlow("198.51.100.66", 6666);
    const victim = udpFlow(OUTSIDE, 5060);
    for (let i = 0; i < 40; i++) {
      const nonce = (await ask(request(), scanner)).challenges[0]!;
      await ask(answering(nonce, { user: `user${i}` }), victim);
    }
    expect(guard.bans()).toEqual([]);
    for (let i = 0; i < 40; i++) {
      const nonce = (await ask(request(), scanner)).challenges[0]!;
      await ask(answering(nonce, { user: `user${i}` }), scanner);
    }
    expect(guard.bans().map(({ source }) => source)).toEqual(["198.51.100.66"]);
  });

  it("an IPv6 source is its whole /64", () => {
    const world = guarded();
    for (let i = 0; i < 40; i++) world.tell("wrong", udpFlow(`2001:db8:0:1::${i}`), `user${i}`);
    expect(world.hears(udpFlow("2001:db8:0:1:ffff::1"))).toBe(false);
    expect(world.hears(udpFlow("2001:db8:0:2::1"))).toBe(true);
  });

  it("can be lifted by hand", () => {
    const world = guarded();
    scan(world, udpFlow(OUTSIDE), 40);
    expect(world.guard.lift(OUTSIDE)).toBe(true);
    expect(world.hears(udpFlow(OUTSIDE))).toBe(true);
    expect(world.guard.lift(OUTSIDE)).toBe(false);
  });
});

describe("lists", () => {
  it("loopback is never limited nor banned, when nothing is said", () => {
    for (const address of ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"]) {
      const world = guarded({ requestsPerSecond: 1, burst: 1 });
      const from = udpFlow(address);
      scan(world, from, 500);
      for (let i = 0; i < 10_000; i++) if (!world.hears(from)) throw new Error(`${address} was dropped`);
      for (let i = 0; i < 50; i++) world.tell("wrong", from, "alice");
      expect(world.guard.mayTry(from, "alice")).toBe(true);
      expect(world.guard.explain(address)?.verdict).toBe("allowed");
    }
  });

  it("loopback is like any other, when the list says so", () => {
    const world = guarded({ allow: [] });
    scan(world, udpFlow("127.0.0.1"), 40);
    expect(world.hears(udpFlow("127.0.0.1"))).toBe(false);
  });

  it("what is denied is not heard, also inside what is allowed", () => {
    const { guard, hears, closed } = guarded({
      allow: ["203.0.113.0/24"],
      deny: ["203.0.113.9", "2001:db8::/32"],
    });
    expect(hears(udpFlow("203.0.113.8"))).toBe(true);
    expect(hears(udpFlow(OUTSIDE))).toBe(false);
    expect(hears(udpFlow("2001:db8:5::1"))).toBe(false);
    expect(guard.counters.denied).toBe(2);
    // a connection from before the list was changed
    const { leg } = recordingLeg();
    const closing = { ...leg, disconnect: (flow: Flow) => void closed.push(flow) };
    expect(guard.receive(request(), closing, tcpFlow())).toBe(0);
    expect(closed).toHaveLength(1);
  });

  it("can be replaced; a bad one changes nothing", () => {
    const { guard, hears } = guarded();
    guard.setLists({ deny: [OUTSIDE] });
    expect(hears(udpFlow(OUTSIDE))).toBe(false);
    expect(() => guard.setLists({ deny: [], allow: ["nonsense"] })).toThrow(TypeError);
    expect(hears(udpFlow(OUTSIDE))).toBe(false);
    guard.setLists({ deny: [] });
    expect(hears(udpFlow(OUTSIDE))).toBe(true);
    expect(hears(udpFlow("127.0.0.1"))).toBe(true);
  });
});

describe("explain", () => {
  it("says how a source is treated, and why", () => {
    const world = guarded({ requestsPerSecond: 10, burst: 100, deny: ["192.0.2.0/24"] });
    const { guard, clock, tell, hears } = world;
    expect(guard.explain("nonsense")).toBeUndefined();
    expect(guard.explain("192.0.2.1")).toMatchObject({
      verdict: "denied",
      why: expect.stringContaining("deny list"),
    });
    expect(guard.explain(OUTSIDE)).toEqual({
      source: OUTSIDE,
      verdict: "heard",
      why: "nothing is held against it",
      bannedUntilMs: null,
      lastSuccessMs: null,
      failingUsers: 0,
      budget: 100,
      dropped: 0,
    });
    tell("accepted", udpFlow(OUTSIDE), "alice");
    expect(guard.explain(OUTSIDE)).toMatchObject({ lastSuccessMs: clock.nowMs() });
    for (let i = 0; i < 300; i++) hears(udpFlow(OUTSIDE, i + 1));
    expect(guard.explain(OUTSIDE)).toMatchObject({ verdict: "limited", budget: 0 });
    clock.advance(3_700_000);
    scan(world, udpFlow(OUTSIDE), 40);
    hears(udpFlow(OUTSIDE, 1));
    const view = guard.explain(OUTSIDE)!;
    expect(view).toMatchObject({ verdict: "banned", bannedUntilMs: clock.nowMs() + 300_000 });
    expect(view.why).toContain("300 s");
    expect(view.dropped).toBeGreaterThan(0);
    // a look changes nothing: a source that nobody knows is not made known by asking for it
    const before = guard.tracked;
    guard.explain("198.51.100.200");
    expect(guard.tracked).toBe(before);
  });
});

describe("bounded memory", () => {
  it("at any number of forged sources, users and ports", () => {
    const world = guarded({ capacity: 1000, requestsPerSecond: 1, burst: 1 });
    const { guard, hears, tell } = world;
    let most = 0;
    for (let i = 0; i < 30_000; i++) {
      const from = udpFlow(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, (i % 60_000) + 1);
      hears(from);
      hears(from);
      tell("wrong", from, `user${i}`);
      tell("accepted", from, `user${i}`);
      most = Math.max(most, guard.tracked);
    }
    expect(most).toBeLessThanOrEqual(5000);
    expect(most).toBeGreaterThan(1000);
  });
});

describe("options that cannot be", () => {
  it.each([
    ["an option nobody knows", { rate: 5 }, /unknown option rate/],
    ["a rate of nothing", { requestsPerSecond: 0 }, /requestsPerSecond/],
    ["no number", { burst: Number.NaN }, /burst/],
    ["more users than can be told apart", { banUsers: 64 }, /banUsers/],
    ["no network", { allow: ["everything"] }, /everything/],
  ])("%s", (_, options, message) => {
    const make = (): Guard =>
      new Guard({ clock: manualClock(), ...(options as Omit<GuardOptions, "clock">) });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });

  it("no clock", () => {
    expect(() => new Guard({} as GuardOptions)).toThrow(/clock is mandatory/);
  });
});
