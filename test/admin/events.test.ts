import { afterEach, describe, expect, test } from "vitest";
import { type EventSink, eventHub } from "../../src/admin/event-stream.js";
import { type AdminListener, startAdmin } from "../../src/admin/listener.js";
import type { LocationStore } from "../../src/location/store.js";
import { NO_LOG } from "../../src/port/log.js";
import { memoryStore } from "../../src/storage/memory.js";
import { manualClock } from "../../src/testing/clock.js";
import { bindingAt, harness, LOCAL } from "./harness.js";

/** A reader that takes what it is given, or stops to. */
function reader(): EventSink & {
  readonly taken: string[];
  takes: boolean;
  resume(): void;
  state: "open" | "ended" | "aborted";
} {
  let wake: () => void = () => {};
  return {
    taken: [],
    takes: true,
    state: "open",
    write(text) {
      this.taken.push(text);
      return this.takes;
    },
    onceWritable(callback) {
      wake = callback;
    },
    resume() {
      this.takes = true;
      wake();
    },
    end() {
      this.state = "ended";
    },
    abort() {
      this.state = "aborted";
    },
  };
}

const clock = manualClock();

async function bind(store: LocationStore, aor: string): Promise<void> {
  await store.update(aor, () => ({ bindings: [bindingAt(clock.nowMs())], outcome: undefined }));
}

function everybody(): boolean {
  return true;
}

describe("event hub", () => {
  test("an event is named after its kind and holds the contact as the API shows it", async () => {
    const store = memoryStore({ clock });
    const sink = reader();
    eventHub(store).open(sink, everybody);
    await bind(store, "sip:alice@example.com");
    expect(sink.taken[0]).toBe("retry: 3000\n\n");
    const [, name, data] = /^event: (.*)\ndata: (.*)\n\n$/.exec(sink.taken[1]!)!;
    expect(name).toBe("registered");
    expect(JSON.parse(data!)).toMatchObject({
      kind: "registered",
      aor: "sip:alice@example.com",
      at: "2026-01-01T00:00:00.000Z",
      contact: { uri: "sip:alice@192.0.2.7:5060;transport=udp", expires: 60, q: 1 },
    });
  });

  test("each reader gets what it asked for, and nothing once it left", async () => {
    const store = memoryStore({ clock });
    const hub = eventHub(store);
    const all = reader();
    const one = reader();
    hub.open(all, everybody);
    const leave = hub.open(one, (aor) => aor === "sip:bob@example.com");
    await bind(store, "sip:alice@example.com");
    await bind(store, "sip:bob@example.com");
    expect([all.taken.length, one.taken.length]).toEqual([3, 2]);
    leave();
    await store.update("sip:bob@example.com", () => ({ bindings: [], outcome: undefined }));
    expect([all.taken.length, one.taken.length]).toEqual([4, 2]);
  });

  test("a slow reader loses what does not fit, and is told how much", async () => {
    const store = memoryStore({ clock });
    const sink = reader();
    eventHub(store).open(sink, everybody);
    sink.takes = false;
    for (let i = 0; i < 1500; i++) await bind(store, `sip:u${i}@example.com`);
    // one was under way when it stopped, a thousand wait
    expect(sink.taken).toHaveLength(2);
    sink.resume();
    const late = sink.taken[2]!;
    expect(late.match(/^event: registered$/gm)).toHaveLength(1000);
    expect(late.endsWith('event: dropped\ndata: {"count":499}\n\n')).toBe(true);
    await bind(store, "sip:last@example.com");
    expect(sink.taken).toHaveLength(4);
  });

  test("a reader that takes nothing for four beats is given up", () => {
    const hub = eventHub(memoryStore({ clock }));
    const stuck = reader();
    const lively = reader();
    stuck.takes = false;
    hub.open(stuck, everybody);
    hub.open(lively, everybody);
    for (let i = 0; i < 4; i++) {
      expect(stuck.state).toBe("open");
      hub.beat();
    }
    expect([stuck.state, lively.state]).toEqual(["aborted", "open"]);
    expect(lively.taken.filter((text) => text === ":\n\n")).toHaveLength(4);
  });

  test("readers are bounded; closing ends them all", () => {
    const hub = eventHub(memoryStore({ clock }));
    const readers = Array.from({ length: 64 }, reader);
    for (const sink of readers) {
      expect(hub.hasRoom()).toBe(true);
      hub.open(sink, everybody);
    }
    expect(hub.hasRoom()).toBe(false);
    hub.close();
    expect(new Set(readers.map(({ state }) => state))).toEqual(new Set(["ended"]));
    expect(hub.hasRoom()).toBe(true);
  });
});

describe("GET /api/v1/events over HTTP", () => {
  let listener: AdminListener | undefined;
  afterEach(() => listener?.close());

  async function stream(query = "") {
    const { backend, bind: add } = await harness();
    listener = await startAdmin({ ...LOCAL, port: 0 }, backend, NO_LOG);
    const response = await fetch(`http://${listener.address}/api/v1/events${query}`);
    const chunks = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    let seen = "";
    const until = async (text: string): Promise<string> => {
      while (!seen.includes(text)) {
        const { value, done } = await chunks.read();
        if (done) throw new Error(`the stream ended without ${text}`);
        seen += value;
      }
      return seen;
    };
    return { response, until, add, chunks };
  }

  test("events arrive as they happen", async () => {
    const { response, until, add } = await stream();
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    expect(response.headers.get("cache-control")).toBe("no-store");
    await until("retry: 3000");
    await add("sip:alice@example.com");
    expect(await until("alice")).toContain("event: registered\ndata: {");
  });

  test.each(["?domain=two.example", "?aor=bob@two.example"])("%s", async (query) => {
    const { until, add } = await stream(query);
    await add("sip:alice@example.com");
    await add("sip:bob@two.example");
    expect(await until("bob")).not.toContain("alice@example.com");
  });

  test("closing the interface ends the stream", async () => {
    const { until, chunks } = await stream();
    await until("retry");
    await listener!.close();
    expect((await chunks.read()).done).toBe(true);
  });

  test("no address-of-record: 400", async () => {
    const { app } = await harness();
    expect((await app.inject("/api/v1/events?aor=a%20b@c")).statusCode).toBe(400);
  });
});

test("an address in use is told by the system's code", async () => {
  const { backend } = await harness();
  const first = await startAdmin({ ...LOCAL, port: 0 }, backend, NO_LOG);
  const port = Number(first.address.split(":")[1]);
  await expect(startAdmin({ ...LOCAL, port }, backend, NO_LOG)).rejects.toMatchObject({ code: "EADDRINUSE" });
  await first.close();
});
