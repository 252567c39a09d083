import { describe, expect, test } from "vitest";
import { StoreError } from "../../src/location/store.js";
import { harness } from "./harness.js";

describe("GET /api/v1/bindings/{aor}", () => {
  test("has the shape of the contract", async () => {
    const { app, bind, clock } = await harness();
    await bind("sip:alice@example.com", {
      userAgent: "Phone/1",
      instance: "<urn:uuid:1>",
      regId: 1,
      qMilli: 700,
      path: ["<sip:edge.example.com;lr>"],
    });
    clock.advance(19_400);
    const response = await app.inject("/api/v1/bindings/alice@example.com");
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      aor: "sip:alice@example.com",
      contacts: [
        {
          uri: "sip:alice@192.0.2.7:5060;transport=udp",
          expires: 41,
          q: 0.7,
          callId: "call-1",
          cseq: 12,
          userAgent: "Phone/1",
          received: "udp:198.51.100.4:61002",
          path: ["<sip:edge.example.com;lr>"],
          instance: "<urn:uuid:1>",
          regId: 1,
          registeredAt: "2026-01-01T00:00:00.000Z",
          updatedAt: "2026-01-01T00:00:00.000Z",
        },
      ],
    });
  });

  test("absent facts are null, lists are []", async () => {
    const { app, bind } = await harness();
    await bind("sip:alice@example.com");
    const [contact] = (await app.inject("/api/v1/bindings/alice@example.com")).json().contacts;
    expect(contact).toMatchObject({ q: 1, userAgent: null, path: [], instance: null, regId: null });
  });

  test.each([
    ["alice@example.com", 200],
    ["sip:alice@example.com", 200],
    ["sips:alice@EXAMPLE.com", 200],
    ["sip%3Aalice%40example.com", 200],
    ["bob@example.com", 404],
    ["Alice@example.com", 404],
    ["a%20b@example.com", 400],
    ["sip:alice:pw@example.com", 400],
  ])("%s: %i", async (path, status) => {
    const { app, bind } = await harness();
    await bind("sip:alice@example.com");
    const response = await app.inject(`/api/v1/bindings/${path}`);
    expect(response.statusCode).toBe(status);
    if (status !== 200) expect(response.json()).toEqual({ error: expect.any(String) });
  });

  test("what has expired is gone", async () => {
    const { app, bind, clock } = await harness();
    await bind("sip:alice@example.com");
    clock.advance(60_000);
    expect((await app.inject("/api/v1/bindings/alice@example.com")).statusCode).toBe(404);
  });

  test("a user part in UTF-8 is read and shown as such", async () => {
    const { app, bind } = await harness();
    await bind(`sip:${Buffer.from("jörg").toString("latin1")}@example.com`);
    const response = await app.inject(`/api/v1/bindings/${encodeURIComponent("jörg@example.com")}`);
    expect(response.json()).toMatchObject({ aor: "sip:jörg@example.com" });
  });
});

describe("GET /api/v1/bindings", () => {
  const users = ["a@one.example", "b@one.example", "c@two.example", "d@two.example", "e@two.example"];
  async function filled() {
    const all = await harness();
    for (const user of users) await all.bind(`sip:${user}`);
    return all;
  }

  test.each([
    ["", users],
    ["?domain=two.example", users.slice(2)],
    ["?domain=TWO.example", users.slice(2)],
    ["?domain=o.example", []],
    ["?q=B@ONE", ["b@one.example"]],
    ["?limit=2", users.slice(0, 2)],
  ])("%s", async (query, expected) => {
    const { app } = await filled();
    const { items } = (await app.inject(`/api/v1/bindings${query}`)).json();
    expect(items.map(({ aor }: { aor: string }) => aor)).toEqual(expected.map((user) => `sip:${user}`));
  });

  test("cursors lead over all pages, each record once", async () => {
    const { app } = await filled();
    const seen: string[] = [];
    let cursor: string | null = "";
    while (cursor !== null) {
      const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
      const page = (await app.inject(`/api/v1/bindings?limit=2${query}`)).json();
      seen.push(...page.items.map(({ aor }: { aor: string }) => aor));
      cursor = page.next;
    }
    expect(seen).toEqual(users.map((user) => `sip:${user}`));
  });

  test("records that expired fill no page", async () => {
    const { app, bind, clock } = await filled();
    clock.advance(60_000);
    await bind("sip:z@one.example");
    const page = (await app.inject("/api/v1/bindings?limit=2")).json();
    expect(page.items).toHaveLength(1);
    expect(page.items[0].aor).toBe("sip:z@one.example");
    expect(page.next).toBeNull();
  });

  test.each(["?limit=0", "?limit=1001", "?limit=x", "?cursor=%21", "?nonsense=1"])(
    "%s: 400",
    async (query) => {
      const { app } = await harness();
      expect((await app.inject(`/api/v1/bindings${query}`)).statusCode).toBe(400);
    },
  );
});

describe("DELETE /api/v1/bindings/{aor}", () => {
  test("takes all bindings away", async () => {
    const { app, bind, store } = await harness();
    await bind("sip:alice@example.com");
    await bind("sip:alice@example.com", { uri: "sip:alice@192.0.2.8" });
    const url = "/api/v1/bindings/alice@example.com";
    expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(204);
    expect(await store.read("sip:alice@example.com")).toEqual([]);
    expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(404);
  });

  test.each([
    ["sip:alice@192.0.2.8", 204, 1],
    // §19.1.4: an escape of an unreserved character is that character
    ["sip:%61lice@192.0.2.8", 204, 1],
    ["sip:alice@192.0.2.9", 404, 2],
  ])("?contact=%s", async (contact, status, left) => {
    const { app, bind, store } = await harness();
    await bind("sip:alice@example.com");
    await bind("sip:alice@example.com", { uri: "sip:alice@192.0.2.8" });
    const url = `/api/v1/bindings/alice@example.com?contact=${encodeURIComponent(contact)}`;
    expect((await app.inject({ method: "DELETE", url })).statusCode).toBe(status);
    expect(await store.read("sip:alice@example.com")).toHaveLength(left);
  });
});

test("GET /api/v1/bindings/{aor}/explain asks account and flow", async () => {
  const { app, bind } = await harness(undefined, { isFlowAlive: (token) => token === "open" });
  await bind("sip:alice@example.com", { flow: "open", received: "tcp:198.51.100.4:1" });
  await bind("sip:alice@example.com", {
    flow: "gone",
    received: "ws:198.51.100.4:2",
    uri: "sip:x@y.invalid",
  });
  const answer = (await app.inject("/api/v1/bindings/alice@example.com/explain")).json();
  expect(answer).toMatchObject({ aor: "sip:alice@example.com", reachable: "yes" });
  expect(answer.contacts.map(({ reachable }: { reachable: string }) => reachable)).toEqual(["yes", "no"]);
  const unknown = (await app.inject("/api/v1/bindings/bob@example.com/explain")).json();
  expect(unknown).toMatchObject({ reachable: "no", contacts: [] });
  expect(unknown.summary).toContain("no account");
});

test("trouble with the store is 503 and never an empty answer", async () => {
  const fail = () => {
    throw new StoreError("unavailable", "the disk is gone");
  };
  const { app, store } = await harness();
  const broken = await harness(undefined, { store: { ...store, read: fail, scan: fail, count: fail } });
  for (const url of ["/api/v1/bindings", "/api/v1/bindings/alice@example.com", "/api/v1/status"]) {
    const response = await broken.app.inject(url);
    expect(response.statusCode).toBe(503);
    expect(response.headers["retry-after"]).toBe("5");
    expect(response.json()).toEqual({ error: "the store: the disk is gone" });
  }
  await app.close();
});
