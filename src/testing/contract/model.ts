import { deepEqual, equal } from "node:assert/strict";
import type { Binding } from "../../location/binding.js";
import type { LocationStore } from "../../location/store.js";
import { seededEntropy } from "../entropy.js";
import { at, NOW_MS, type StoreCase, storeCase } from "./case.js";

const STEPS = 600;
const AORS = Array.from({ length: 25 }, (_, i) => `sip:u${i}@${i % 3 === 0 ? "a" : "b"}.example.com`);

/** Does at random what users of a store do, and the same to a plain map; the two must never differ. */
async function compare(store: LocationStore, seed: number): Promise<void> {
  const entropy = seededEntropy(seed);
  const below = (limit: number) => Math.floor(entropy.unit() * limit);
  const model = new Map<string, readonly Binding[]>();
  let nowMs = NOW_MS;

  const binding = (): Binding =>
    at(`h${below(4)}`, { expiresAtMs: nowMs + below(20_000), cseq: below(1_000) });
  const change = async () => {
    const aor = AORS[below(AORS.length)]!;
    const next = binding();
    const keep = entropy.unit() < 0.85;
    const edit = (current: readonly Binding[]) => {
      const others = current.filter(({ uri }) => uri !== next.uri);
      return keep ? [...others, next] : others;
    };
    model.set(aor, edit(model.get(aor) ?? []));
    await store.update(aor, (current) => ({ bindings: edit(current), outcome: null }));
  };
  const expire = async () => {
    nowMs += below(4_000);
    let gone = 0;
    for (const [aor, bindings] of model) {
      const live = bindings.filter(({ expiresAtMs }) => expiresAtMs > nowMs);
      gone += bindings.length - live.length;
      model.set(aor, live);
    }
    equal(await store.expire(nowMs), gone);
  };
  const look = async () => {
    const aor = AORS[below(AORS.length)]!;
    deepEqual(await store.read(aor), model.get(aor) ?? []);
  };

  for (let step = 0; step < STEPS; step++) {
    const dice = entropy.unit();
    await (dice < 0.7 ? change() : dice < 0.8 ? expire() : look());
  }
  const full = [...model].filter(([, bindings]) => bindings.length > 0).sort(([a], [b]) => (a < b ? -1 : 1));
  const { records } = await store.scan({ limit: 1_000 });
  deepEqual(
    records,
    full.map(([aor, bindings]) => ({ aor, bindings })),
  );
  deepEqual(await store.count(), {
    aors: full.length,
    bindings: full.reduce((sum, [, bindings]) => sum + bindings.length, 0),
  });
}

/** Long runs at random, each from its seed. */
export const modelCases: readonly StoreCase<LocationStore>[] = [1, 2, 3].map((seed) =>
  storeCase(`does what a map would do, seed ${seed}`, (store) => compare(store, seed)),
);
