import { setTimeout as pause } from "node:timers/promises";

/** How often a condition is looked at, in milliseconds. */
const EVERY_MS = 20;

/**
 * Waits until something holds, by looking again and again.
 * @param condition what to look at; anything but `undefined`, `null` and `false` holds, and is handed back
 * @param timeoutMs how long to wait before it rejects; the condition is looked at once more at the end
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  timeoutMs = 5_000,
): Promise<Exclude<T, undefined | null | false>> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const isLast = Date.now() >= endMs;
    const found = await condition();
    if (found !== undefined && found !== null && found !== false) {
      return found as Exclude<T, undefined | null | false>;
    }
    if (isLast) throw new Error(`did not come true within ${timeoutMs} ms: ${condition}`);
    await pause(EVERY_MS);
  }
}
