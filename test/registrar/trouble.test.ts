import { describe, expect, it } from "vitest";
import { type LocationStore, StoreError, type StoreErrorCode } from "../../src/location/store.js";
import { memoryStore } from "../../src/storage/memory.js";
import { rig, testFlow } from "./rig.js";

const PHONE = "<sip:alice@192.0.2.7:5060>";

/** A memory store whose updates and reads fail while `fault` is set, at once or later. */
function faulty(later: boolean): { store: LocationStore; fault: Error | undefined } {
  const inner = memoryStore();
  const state: { store: LocationStore; fault: Error | undefined } = { store: inner, fault: undefined };
  const fail = <T>(or: () => T): T => {
    const { fault } = state;
    if (fault === undefined) return or();
    if (later) return Promise.reject(fault) as T;
    throw fault;
  };
  state.store = {
    update: (aor, change) => fail(() => inner.update(aor, change)),
    read: (aor) => fail(() => inner.read(aor)),
    expire: (nowMs) => inner.expire(nowMs),
    scan: (options) => inner.scan(options),
    count: () => inner.count(),
    watch: (listener) => inner.watch(listener),
    close: () => inner.close(),
  };
  return state;
}

describe.each([
  ["at once", false],
  ["later", true],
])("F2: store trouble, told %s, is 500 or 503 with Retry-After", (_when, later) => {
  it.each<[StoreErrorCode | "other", number]>([
    ["full", 503],
    ["read-only", 503],
    ["unavailable", 503],
    ["overloaded", 503],
    ["locked", 503],
    ["closed", 503],
    ["damaged", 500],
    ["newer-version", 500],
    ["other", 500],
  ])("%s: %i, and never an empty set", async (code, status) => {
    const state = faulty(later);
    const r = rig({ store: state.store });
    await r.register({ contacts: [PHONE] });
    state.fault = code === "other" ? new Error("disk") : new StoreError(code, "told by the test");
    for (const parts of [{ contacts: [PHONE], cseq: 2 }, {}, { contacts: ["*"], expires: 0, cseq: 2 }]) {
      const answer = await r.register(parts);
      expect(answer.status).toBe(status);
      expect(Number(answer.headers.get("retry-after"))).toBeGreaterThanOrEqual(5);
      expect(answer.headers.has("contact")).toBe(false);
    }
    await expect(r.registrar.query("sip:alice@example.com")).rejects.toBe(state.fault);
    state.fault = undefined;
    expect(await r.registrar.query("sip:alice@example.com")).toEqual(["sip:alice@192.0.2.7:5060"]);
  });

  it("C3: a connection that dies meanwhile loses its bindings as soon as the store takes changes again", async () => {
    const state = faulty(later);
    const r = rig({ store: state.store, expireEvery: 0 });
    const flow = testFlow({ transport: "tcp", token: "tcp:1" });
    r.dispatcher.open(flow, r.leg);
    for (const name of ["alice", "bob", "carol"])
      await r.register({ to: `<sip:${name}@example.com>`, contacts: [PHONE] }, flow);
    state.fault = new StoreError("full", "told by the test");
    r.dispatcher.kill(flow);
    // the store says so later
    await Promise.resolve();
    await r.registrar.expire();
    expect(await r.store.count()).toMatchObject({ bindings: 3 });
    state.fault = undefined;
    await r.registrar.expire();
    expect(await r.store.count()).toMatchObject({ bindings: 0 });
  });

  it("phones are told different moments to come back", async () => {
    const state = faulty(later);
    const r = rig({ store: state.store });
    state.fault = new StoreError("overloaded", "told by the test");
    const moments = new Set<string | undefined>();
    for (let cseq = 1; cseq <= 40; cseq++)
      moments.add((await r.register({ contacts: [PHONE], cseq })).headers.get("retry-after"));
    expect(moments.size).toBeGreaterThan(5);
    expect([...moments].every((moment) => Number(moment) >= 5 && Number(moment) < 30)).toBe(true);
  });

  it("what could not be stored holds no connection open, and a death that cannot be stored breaks nothing", async () => {
    const state = faulty(later);
    const r = rig({ store: state.store });
    const flow = testFlow({ transport: "tcp", token: "tcp:1" });
    state.fault = new StoreError("full", "told by the test");
    await r.register({ contacts: [PHONE] }, flow);
    expect(r.leg.retained.size).toBe(0);
    state.fault = undefined;
    await r.register({ contacts: [PHONE], cseq: 2 }, flow);
    state.fault = new StoreError("full", "told by the test");
    expect(() => r.dispatcher.kill(flow)).not.toThrow();
  });
});
