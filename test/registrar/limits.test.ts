import { describe, expect, it } from "vitest";
import { contactsOf, parseRequest, registerText, rig, testFlow } from "./rig.js";
import { slowStore } from "./slow-store.js";

const contact = (n: number) => `<sip:alice@192.0.2.${n}>`;

const uris = async (r: ReturnType<typeof rig>) =>
  (await r.bindings()).map(({ uri }) => uri.slice("sip:alice@192.0.2.".length));

/** Registers contacts 1 to `count`, each under a Call-ID of its own, a second apart. */
async function fill(r: ReturnType<typeof rig>, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    expect((await r.register({ contacts: [contact(n)], callId: `c${n}` })).status).toBe(200);
    r.clock.advance(1000);
  }
}

describe("A10: contacts of one address-of-record", () => {
  it.each([403, 503] as const)("reject with %i: the set is as before", async (status) => {
    const r = rig({ maxContacts: 2, overLimit: { action: "reject", status } });
    await fill(r, 2);
    const answer = await r.register({ contacts: [contact(3)], callId: "c3" });
    expect(answer.status).toBe(status);
    expect(answer.headers.has("retry-after")).toBe(status === 503);
    expect(await uris(r)).toEqual(["1", "2"]);
  });

  it("403 unless told otherwise", async () => {
    const r = rig({ maxContacts: 1 });
    await fill(r, 1);
    expect((await r.register({ contacts: [contact(2)], callId: "c2" })).status).toBe(403);
  });

  it("a full set may be refreshed, emptied, and changed in one request", async () => {
    const r = rig({ maxContacts: 2 });
    await fill(r, 2);
    expect((await r.register({ contacts: [contact(2)], callId: "c2", cseq: 2 })).status).toBe(200);
    const swap = await r.register({ contacts: [`${contact(1)};expires=0`, contact(3)], callId: "c3" });
    expect(swap.status).toBe(200);
    expect(await uris(r)).toEqual(["2", "3"]);
    expect((await r.register({ contacts: ["*"], expires: 0, callId: "all" })).status).toBe(200);
  });

  it("a set that is larger than a limit set later may be refreshed, but not grow", async () => {
    const before = rig({ maxContacts: 3 });
    await fill(before, 3);
    const r = rig({ store: before.store, maxContacts: 2 });
    expect((await r.register({ contacts: [contact(2)], callId: "c2", cseq: 2 })).status).toBe(200);
    expect((await r.register({ contacts: [contact(4)], callId: "c4" })).status).toBe(403);
    expect(await uris(r)).toEqual(["1", "2", "3"]);
  });

  it("expired bindings do not count", async () => {
    const r = rig({ maxContacts: 1, expireEvery: 0 });
    await r.register({ contacts: [contact(1)], expires: 60, callId: "c1" });
    r.clock.advance(60_000);
    expect((await r.register({ contacts: [contact(2)], callId: "c2" })).status).toBe(200);
    expect(await uris(r)).toEqual(["2"]);
  });

  it("evict-oldest: the ones refreshed longest ago make room", async () => {
    const r = rig({ maxContacts: 3, overLimit: { action: "evict-oldest" } });
    await fill(r, 3);
    await r.register({ contacts: [contact(1)], callId: "c1", cseq: 2 });
    r.clock.advance(1000);
    const answer = await r.register({ contacts: [contact(4), contact(5)], callId: "c4" });
    expect(answer.status).toBe(200);
    expect(contactsOf(answer)).toHaveLength(3);
    expect(await uris(r)).toEqual(["1", "4", "5"]);
  });

  it("evict-oldest never takes what the request itself brings", async () => {
    const r = rig({ maxContacts: 2, overLimit: { action: "evict-oldest" } });
    await fill(r, 2);
    expect((await r.register({ contacts: [contact(3), contact(4), contact(5)], callId: "c" })).status).toBe(
      403,
    );
    expect(await uris(r)).toEqual(["1", "2"]);
  });

  it("evict-unreachable: bindings on closed connections make room, and no others", async () => {
    const alive = new Set(["c-1", "c-2"]);
    const r = rig({
      maxContacts: 2,
      overLimit: { action: "evict-unreachable" },
      isReachable: ({ flow }) => flow === null || alive.has(flow),
    });
    for (const n of [1, 2]) {
      const from = testFlow({ transport: "tcp", token: `c-${n}` });
      await r.register({ contacts: [contact(n)], callId: `c${n}` }, from);
    }
    expect((await r.register({ contacts: [contact(3)], callId: "c3" })).status).toBe(403);
    alive.delete("c-1");
    expect((await r.register({ contacts: [contact(3)], callId: "c3" })).status).toBe(200);
    expect(await uris(r)).toEqual(["2", "3"]);
  });

  it("reachable, unless told otherwise, is what needs no connection or has a live one", async () => {
    const r = rig({ maxContacts: 2, overLimit: { action: "evict-unreachable" } });
    await r.register({ contacts: [contact(1)], callId: "c1" });
    await r.register(
      { contacts: [contact(2)], callId: "c2" },
      testFlow({ transport: "tls", token: "from-before-a-restart" }),
    );
    expect((await r.register({ contacts: [contact(3)], callId: "c3" })).status).toBe(200);
    expect(await uris(r)).toEqual(["1", "3"]);
  });

  it("evict-unreachable never takes what the request itself brings", async () => {
    const r = rig({ maxContacts: 1, overLimit: { action: "evict-unreachable" }, isReachable: () => false });
    await r.register({ contacts: [contact(1)], callId: "c1" });
    expect((await r.register({ contacts: [contact(2)], callId: "c2" })).status).toBe(200);
    expect((await r.register({ contacts: [contact(3), contact(4)], callId: "c3" })).status).toBe(403);
    expect(await uris(r)).toEqual(["2"]);
  });

  it("right under concurrent REGISTERs: of five at once, two are bound", async () => {
    const store = slowStore();
    const r = rig({ store, maxContacts: 2 });
    const statuses = [1, 2, 3, 4, 5].map((n) =>
      r.registrar.receive(
        parseRequest(registerText({ contacts: [contact(n)], callId: `c${n}` })),
        r.leg,
        testFlow(),
      ),
    );
    while (store.waiting() > 0) await store.release();
    expect(await Promise.all(statuses.map((status) => Promise.resolve(status)))).toEqual([
      200, 200, 403, 403, 403,
    ]);
    expect(await uris(r)).toEqual(["1", "2"]);
  });
});

describe("A10: contacts of one request", () => {
  it.each([
    [2, 200],
    [3, 403],
  ])("at most two: %i is %i", async (count, status) => {
    const r = rig({ maxContactsPerRequest: 2 });
    const contacts = Array.from({ length: count }, (_, n) => contact(n + 1));
    expect((await r.register({ contacts: [contacts.join(", ")] })).status).toBe(status);
    expect(await r.bindings()).toHaveLength(status === 200 ? count : 0);
  });
});
