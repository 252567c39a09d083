import { describe, expect, test } from "vitest";
import type { Binding } from "../../src/location/binding.js";
import type { LocationStore } from "../../src/location/store.js";
import type { GruuTarget } from "../../src/proxy/hooks.js";
import type { UserState } from "../../src/proxy/options.js";
import { stage } from "../support/proxy-stage.js";

const INVITE = { method: "INVITE", uri: "sip:bob@example.com" };

describe("D3 a user who cannot be called", () => {
  test.each<[UserState, number]>([
    ["unknown", 404],
    ["known", 480],
    ["gone", 410],
  ])("%s: %i", async (state, status) => {
    const asked: string[] = [];
    const on = await stage({
      proxy: {
        userState: (aor) => {
          asked.push(aor);
          return state;
        },
      },
    });
    const alice = on.phone("alice");
    alice.request({ ...INVITE, uri: "sip:B%6Fb@EXAMPLE.com:5060;x=y" });
    await on.pass(10);
    expect(alice.statuses).toEqual([status]);
    expect(asked).toEqual(["sip:Bob@example.com"]);
  });

  test("who asks is told along, for what is to be hidden from strangers", async () => {
    const callers: unknown[] = [];
    const on = await stage({
      identified: ["alice"],
      proxy: {
        userState: (_, caller) => {
          callers.push(caller);
          return caller === undefined ? "known" : "unknown";
        },
      },
    });
    const [alice, stranger] = [on.phone("alice"), on.phone("stranger")];
    alice.request(INVITE);
    stranger.request(INVITE);
    await on.pass(10);
    expect(callers).toEqual([{ user: "alice", realm: "example.com" }, undefined]);
    expect([alice.statuses, stranger.statuses]).toEqual([[404], [480]]);
  });

  test("asked later: the caller hears 100 meanwhile, and repeats nothing into the chain", async () => {
    const on = await stage({ proxy: { userState: async () => "known" as const } });
    const alice = on.phone("alice");
    alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await on.pass(10);
    expect(alice.statuses.filter((status) => status >= 200)).toEqual([480]);
    expect(on.proxy.counts()).toMatchObject({ pending: 0 });
  });

  test("nobody to ask: 404 without a record, 480 with one of expired bindings", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    alice.request(INVITE);
    await on.pass(10);
    on.bind("bob", bob, { expiresAtMs: on.clock.nowMs() + 100 });
    await on.pass(200);
    alice.request({ ...INVITE, cseq: 2 });
    await on.pass(10);
    expect(alice.statuses).toEqual([404, 480]);
    expect(bob.messages).toEqual([]);
  });

  test("an expired binding is not called beside a live one", async () => {
    const on = await stage();
    const [alice, old, bob] = [on.phone("alice"), on.phone("old"), on.phone("bob")];
    on.bind("bob", old, { expiresAtMs: on.clock.nowMs() });
    on.bind("bob", bob);
    alice.request(INVITE);
    await on.pass(10);
    expect(old.messages).toEqual([]);
    expect(bob.requests).toHaveLength(1);
  });

  test("C9 a binding that pings found unreachable is not called; 480 when there is no other", async () => {
    const on = await stage({ proxy: { isReachable: (_aor, { callId }) => callId !== "register-dead" } });
    const [alice, dead, bob] = [on.phone("alice"), on.phone("dead"), on.phone("bob")];
    on.bind("bob", dead);
    alice.request(INVITE);
    await on.pass(10);
    on.bind("bob", bob);
    alice.request({ ...INVITE, cseq: 2 });
    await on.pass(10);
    expect(alice.statuses).toEqual([480, 100]);
    expect(dead.messages).toEqual([]);
    expect(bob.requests).toHaveLength(1);
  });

  test("the answers are the same each time the request comes, and need no ACK (§8.2.7)", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    for (let i = 0; i < 3; i++) alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await on.pass(10);
    alice.request({
      ...INVITE,
      method: "ACK",
      branch: "z9hG4bKsame",
      to: alice.lastResponse().headers.get("to") ?? "",
    });
    await on.pass(60_000);
    expect(alice.statuses).toEqual([404, 404, 404]);
    expect(new Set(alice.responses.map(({ toTag }) => toTag)).size).toBe(1);
    expect(on.dispatcher.transactions.counts().servers).toBe(0);
  });

  test("a name longer than any address-of-record: 404", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    alice.request({ ...INVITE, uri: `sip:${"b".repeat(2000)}@example.com` });
    await on.pass(10);
    expect(alice.statuses).toEqual([404]);
  });
});

describe("which address-of-record a Request-URI means (§16.5, §10.3)", () => {
  test.each([
    "sip:bob@example.com",
    "sip:b%6fb@EXAMPLE.COM",
    "sip:bob@example.com:5060;transport=tcp",
    "sip:bob:password@example.com",
  ])("%s is bob", async (uri) => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request({ ...INVITE, uri });
    await on.pass(10);
    expect(alice.statuses).toEqual([100]);
  });

  test("a port of ours in it does not matter", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    on.bind("bob", bob);
    alice.request({ ...INVITE, uri: "sip:bob@example.com:8080" });
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
  });

  test("users of our address are ours too", async () => {
    const on = await stage();
    const [alice, bob] = [on.phone("alice"), on.phone("bob")];
    const made = (await on.store.read("sip:bob@example.com")).length;
    expect(made).toBe(0);
    on.bind("bob", bob);
    const [binding] = await on.store.read("sip:bob@example.com");
    await on.store.update("sip:bob@192.0.2.1", () => ({
      bindings: [binding as Binding],
      outcome: undefined,
    }));
    alice.request({ ...INVITE, uri: "sip:bob@192.0.2.1:5060" });
    await on.pass(10);
    expect(bob.requests).toHaveLength(1);
  });

  test("what names the server itself is left to the chain", async () => {
    const on = await stage();
    const alice = on.phone("alice");
    alice.request({ ...INVITE, method: "OPTIONS", uri: "sip:example.com" });
    alice.request({ ...INVITE, method: "OPTIONS", uri: "sip:192.0.2.1:5060" });
    await on.pass(10);
    expect(alice.statuses).toEqual([200, 200]);
  });
});

describe("F2 trouble with the store is never shown as a user who is not there", () => {
  function broken(read: LocationStore["read"]): LocationStore {
    const never = (): never => {
      throw new Error("not asked");
    };
    return {
      read,
      update: never,
      expire: never,
      scan: never,
      count: never,
      watch: never,
      close: never,
    };
  }

  test.each<[string, LocationStore["read"]]>([
    [
      "it throws",
      () => {
        throw new Error("disk");
      },
    ],
    ["it rejects", () => Promise.reject(new Error("network"))],
  ])("%s: 503 with Retry-After", async (_what, read) => {
    const on = await stage({ proxy: { store: broken(read) } });
    const alice = on.phone("alice");
    alice.request(INVITE);
    await on.pass(10);
    const response = alice.lastResponse();
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  });

  test("a store that answers later: 100 at once, the call when it has", async () => {
    const on = await stage();
    let release: (bindings: readonly Binding[]) => void = () => {};
    const late = await stage({
      proxy: {
        store: broken(
          () =>
            new Promise((resolve) => {
              release = resolve;
            }),
        ),
      },
    });
    const [alice, bob] = [late.phone("alice"), late.phone("bob")];
    alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await late.pass(400);
    alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await late.pass(400);
    expect(alice.statuses).toEqual([100, 100]);
    on.bind("bob", bob);
    release(await on.store.read("sip:bob@example.com"));
    await late.pass(10);
    bob.reply(bob.lastRequest("INVITE"), 200);
    await late.pass(10);
    expect(alice.statuses).toEqual([100, 100, 200]);
    expect(bob.requests).toHaveLength(1);
  });

  test("a CANCEL while the store is asked: 487, and nobody is called", async () => {
    const on = await stage();
    let release: (bindings: readonly Binding[]) => void = () => {};
    const late = await stage({
      proxy: {
        store: broken(
          () =>
            new Promise((resolve) => {
              release = resolve;
            }),
        ),
      },
    });
    const [alice, bob] = [late.phone("alice"), late.phone("bob")];
    alice.request({ ...INVITE, branch: "z9hG4bKsame" });
    await late.pass(10);
    alice.request({ ...INVITE, method: "CANCEL", branch: "z9hG4bKsame" });
    await late.pass(10);
    on.bind("bob", bob);
    release(await on.store.read("sip:bob@example.com"));
    await late.pass(10);
    expect(alice.statuses).toEqual([100, 200, 487]);
    expect(bob.messages).toEqual([]);
  });
});

describe("C7 GRUUs (RFC 5627 §6.1)", () => {
  const gruu = (target: GruuTarget) => ({
    resolveGruu: ({ params }: { readonly params: readonly { readonly value: string | null }[] }) =>
      params.some(({ value }) => value === "urn:one")
        ? target
        : ({ ok: false, status: 404, reason: "Not Found", headers: [] } as const),
  });

  test("lead to the bindings that they mean, one after the other", async () => {
    const on = await stage({
      proxy: gruu({
        ok: true,
        aor: "sip:bob@example.com",
        bindings: (live) => ({ ok: true, value: live.filter(({ callId }) => callId === "register-mobile") }),
      }),
    });
    const [alice, desk, mobile] = [on.phone("alice"), on.phone("desk"), on.phone("mobile")];
    on.bind("bob", desk);
    on.bind("bob", mobile);
    alice.request({ ...INVITE, uri: "sip:bob@example.com;gr=urn:one" });
    await on.pass(10);
    expect(mobile.requests).toHaveLength(1);
    expect(desk.messages).toEqual([]);
  });

  test("that are none of ours: 404; whose phone is away: as the extension says", async () => {
    const on = await stage({
      proxy: gruu({
        ok: true,
        aor: "sip:bob@example.com",
        bindings: () => ({ ok: false, status: 480, reason: "Temporarily Unavailable", headers: [] }),
      }),
    });
    const alice = on.phone("alice");
    alice.request({ ...INVITE, uri: "sip:bob@example.com;gr=urn:two" });
    alice.request({ ...INVITE, uri: "sip:bob@example.com;gr=urn:one" });
    await on.pass(10);
    expect(alice.statuses).toEqual([404, 480]);
  });
});
