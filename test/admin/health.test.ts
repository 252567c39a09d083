import { expect, test } from "vitest";
import { harness } from "./harness.js";

test("/healthz, /readyz while ready", async () => {
  const { app } = await harness();
  expect((await app.inject("/healthz")).statusCode).toBe(200);
  const ready = await app.inject("/readyz");
  expect([ready.statusCode, ready.json()]).toEqual([200, { status: "ready" }]);
});

test("/readyz says why not; /healthz stays 200", async () => {
  const { app } = await harness(undefined, { readiness: () => "the store cannot be written" });
  const ready = await app.inject("/readyz");
  expect([ready.statusCode, ready.json()]).toEqual([503, { error: "the store cannot be written" }]);
  expect((await app.inject("/healthz")).statusCode).toBe(200);
  expect((await app.inject("/api/v1/status")).json()).toMatchObject({
    ready: false,
    problem: "the store cannot be written",
  });
});

test("/metrics reads its sources anew at each scrape", async () => {
  let count = 0;
  const { app } = await harness(undefined, {
    metrics: [
      {
        name: "rollcall_registrations_total",
        help: "REGISTER requests by result",
        kind: "counter",
        labels: ["result"],
        read: () => [{ labels: { result: "ok" }, value: ++count * 10 }],
      },
      {
        name: "rollcall_bindings",
        help: "Bindings",
        kind: "gauge",
        read: async () => [{ value: 7 - count }],
      },
    ],
  });
  for (const [ok, bindings] of [
    [10, 6],
    [20, 5],
  ]) {
    const response = await app.inject("/metrics");
    expect(response.headers["content-type"]).toMatch(/^text\/plain; version=0.0.4/);
    expect(response.body).toContain(`\nrollcall_registrations_total{result="ok"} ${ok}\n`);
    expect(response.body).toContain(`\nrollcall_bindings ${bindings}\n`);
    expect(response.body).toContain("# TYPE rollcall_registrations_total counter\n");
  }
});

test("/metrics shows the process, but not what has to look at every socket", async () => {
  const { app } = await harness();
  const { body } = await app.inject("/metrics");
  expect(body).toContain("\nrollcall_process_open_fds ");
  expect(body).toContain("\nrollcall_nodejs_eventloop_lag_seconds ");
  expect(body).not.toContain("rollcall_nodejs_active_");
});

test("/metrics shows how values spread", async () => {
  let observe: (value: number) => void = () => {};
  let isWatched = false;
  const { app } = await harness(undefined, {
    metrics: [
      {
        name: "rollcall_store_commit_seconds",
        help: "How long a commit took",
        kind: "histogram",
        buckets: [0.001, 0.01],
        watch(told) {
          observe = told;
          isWatched = true;
          return () => {
            isWatched = false;
          };
        },
      },
    ],
  });
  for (const seconds of [0.0005, 0.005, 0.5]) observe(seconds);
  const { body } = await app.inject("/metrics");
  expect(body).toContain('rollcall_store_commit_seconds_bucket{le="0.01"} 2\n');
  expect(body).toContain("rollcall_store_commit_seconds_count 3\n");
  await app.close();
  expect(isWatched).toBe(false);
});

test("every metric is called rollcall_something", async () => {
  const { app } = await harness();
  const names = (await app.inject("/metrics")).body.match(/^[a-z_]+/gm) ?? [];
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !name.startsWith("rollcall_"))).toEqual([]);
});

test("/openapi.json names every path of the contract", async () => {
  const { app } = await harness();
  const { openapi, paths } = (await app.inject("/openapi.json")).json();
  expect(openapi).toBe("3.1.0");
  const operations = Object.entries(paths as Record<string, object>).map(([path, methods]) => [
    path,
    Object.keys(methods),
  ]);
  expect(Object.fromEntries(operations)).toMatchObject({
    "/healthz": ["get"],
    "/readyz": ["get"],
    "/metrics": ["get"],
    "/api/v1/bindings": ["get"],
    "/api/v1/bindings/{aor}": ["get", "delete"],
    "/api/v1/bindings/{aor}/explain": ["get"],
    "/api/v1/events": ["get"],
    "/api/v1/users/{aor}": ["get", "put", "delete"],
  });
});

test("the status page and what it loads are served from here, and the page has no inline script or style", async () => {
  const { app } = await harness();
  const page = await app.inject("/");
  expect(page.headers["content-type"]).toBe("text/html; charset=utf-8");
  const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url!);
  expect(loaded).toContain("/status.js");
  for (const url of loaded) {
    expect(url.startsWith("/")).toBe(true);
    expect((await app.inject(url)).statusCode).toBe(200);
  }
  expect(page.body).not.toMatch(/<style|<script>|\son[a-z]+=|\sstyle=/);
});
