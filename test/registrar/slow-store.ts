import type { Change, LocationStore } from "../../src/location/store.js";
import { memoryStore } from "../../src/storage/memory.js";

/** A store whose updates take effect one by one, when the test says so: those of one AoR in the order of the calls. */
export interface SlowStore extends LocationStore {
  /** Lets the oldest waiting update of an AoR take effect, and whoever waits for it go on. */
  release(aor?: string): Promise<void>;
  /** Updates that wait. */
  waiting(aor?: string): number;
}

const ALICE = "sip:alice@example.com";

export function slowStore(options: Parameters<typeof memoryStore>[0] = {}): SlowStore {
  const inner = memoryStore(options);
  const queues = new Map<string, (() => void)[]>();
  const queueOf = (aor: string) => {
    const queue = queues.get(aor) ?? [];
    queues.set(aor, queue);
    return queue;
  };
  return {
    update: <T>(aor: string, change: Change<T>) =>
      new Promise<T>((resolve, reject) => {
        queueOf(aor).push(() => {
          try {
            // a store may run a change again after a conflict: the first run's result is thrown away
            change(inner.read(aor) as Awaited<ReturnType<typeof inner.read>>);
            resolve(inner.update(aor, change));
          } catch (error) {
            reject(error as Error);
          }
        });
      }),
    read: (aor) => inner.read(aor),
    expire: (nowMs) => inner.expire(nowMs),
    scan: (scan) => inner.scan(scan),
    count: () => inner.count(),
    watch: (listener) => inner.watch(listener),
    close: () => inner.close(),
    async release(aor = ALICE) {
      const next = queueOf(aor).shift();
      if (next === undefined) throw new Error("nothing waits");
      next();
      await Promise.resolve();
      await Promise.resolve();
      await Promise.resolve();
    },
    waiting: (aor = ALICE) => queueOf(aor).length,
  };
}
