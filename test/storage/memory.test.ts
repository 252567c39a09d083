import { expect, test } from "vitest";
import { memoryStore } from "../../src/storage/memory.js";
import { aBinding } from "../../src/testing/bindings.js";
import { manualClock } from "../../src/testing/clock.js";

test("an update is answered at once, with no promise", () => {
  const store = memoryStore();
  expect(store.update("sip:a@example.com", () => ({ bindings: [aBinding()], outcome: 7 }))).toBe(7);
  expect(store.read("sip:a@example.com")).toEqual([aBinding()]);
});

test("one address-of-record more than maxAors is refused as full, and changes nothing", () => {
  const store = memoryStore({ maxAors: 1, clock: manualClock() });
  void store.update("sip:a@example.com", () => ({ bindings: [aBinding()], outcome: null }));
  const refused = () => store.update("sip:b@example.com", () => ({ bindings: [aBinding()], outcome: null }));
  expect(refused).toThrow(expect.objectContaining({ name: "StoreError", code: "full" }));
  expect(store.count()).toEqual({ aors: 1, bindings: 1 });
  void store.update("sip:a@example.com", () => ({ bindings: [], outcome: null }));
  void refused();
  expect(store.read("sip:b@example.com")).toHaveLength(1);
});
