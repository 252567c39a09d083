import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { LmdbEnvironment } from "../../src/storage/lmdb-environment.js";
import { LmdbLocations } from "../../src/storage/lmdb-locations.js";
import { aBinding } from "../../src/testing/bindings.js";
import { manualClock } from "../../src/testing/clock.js";

const folder = mkdtempSync(join(tmpdir(), "rollcall-records-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const clock = manualClock(1_000_000);
let made = 0;
function open() {
  const environment = LmdbEnvironment.open({ path: join(folder, String(++made)), clock });
  const locations = new LmdbLocations({ environment, clock, release: () => environment.close() });
  return { environment, locations };
}
const until = (expiresAtMs: number) => () => ({ bindings: [aBinding({ expiresAtMs })], outcome: null });

test("A12: expiry looks at what is due, however much is stored", async () => {
  const { environment, locations } = open();
  await Promise.all(
    Array.from({ length: 2_000 }, async (_, i) =>
      locations.update(`sip:u${i}@h`, until(2_000_000 + i * 500)),
    ),
  );
  const due = (second: number) => environment.records.alarms(second, undefined, 1_000).map(({ aor }) => aor);
  expect(due(1_999)).toEqual([]);
  expect(due(2_000)).toEqual(["sip:u0@h", "sip:u1@h"]);
  expect(await locations.expire(2_001_000)).toBe(3);
  expect(due(2_001)).toEqual(["sip:u3@h"]);
  await locations.close();
});

test("A12: a refresh leaves the alarm alone, and the alarm that rings too early is set anew, once", async () => {
  const { environment, locations } = open();
  const alarms = () => environment.records.alarms(10_000, undefined, 10).map(({ second }) => second);
  await locations.update("sip:a@h", until(2_000_000));
  for (const refreshed of [3_000_000, 4_000_000, 5_000_000])
    await locations.update("sip:a@h", until(refreshed));
  expect(alarms()).toEqual([2_000]);
  expect(await locations.expire(2_000_000)).toBe(0);
  expect(alarms()).toEqual([5_000]);
  await locations.update("sip:a@h", until(3_500_000));
  expect(alarms()).toEqual([3_500]);
  await locations.update("sip:a@h", () => ({ bindings: [], outcome: null }));
  expect(alarms()).toEqual([]);
  await locations.close();
});

test("A12: a record that cannot be read does not keep the others from expiring", async () => {
  const { environment, locations } = open();
  for (const user of ["a", "b", "c"]) await locations.update(`sip:${user}@h`, until(2_000_000));
  await environment.transaction(({ locations: table }) => {
    const record = table.get("sip:b@h")!;
    void table.put("sip:b@h", `${record.slice(0, 6)}\x05${record.slice(7)}`);
  });
  await expect(locations.expire(2_000_000)).rejects.toMatchObject({ name: "StoreError", code: "damaged" });
  expect(locations.read("sip:a@h")).toEqual([]);
  expect(locations.read("sip:c@h")).toEqual([]);
  expect(() => locations.read("sip:b@h")).toThrow(expect.objectContaining({ code: "damaged" }));
  await locations.close();
});

test("an update behind a slow one of its own address-of-record waits for it, one of another does not change its order", async () => {
  const { locations } = open();
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  const updates = ["a1", "b1", "a2", "b2", "a3"].map((name) =>
    Promise.resolve(locations.update(`sip:${name[0]}@h`, until(2_000_000))).then(note(name)),
  );
  await Promise.all(updates);
  expect(order).toEqual(["a1", "b1", "a2", "b2", "a3"]);
  await locations.close();
});
