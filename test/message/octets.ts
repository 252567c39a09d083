type Counted =
  | "charCodeAt"
  | "indexOf"
  | "lastIndexOf"
  | "includes"
  | "slice"
  | "split"
  | "toLowerCase"
  | "toUpperCase";

/**
 * How many octets of strings are looked at while `work` runs, by the methods that parsers scan with: a measure of time
 * that no busy machine can upset. A search costs as far as it went.
 */
export function octetsRead(work: () => void): number {
  let octets = 0;
  const prototype = String.prototype as unknown as Record<Counted, (...args: unknown[]) => unknown>;
  const cost: Record<Counted, (text: string, args: readonly unknown[], result: unknown) => number> = {
    charCodeAt: () => 1,
    indexOf: (text, [, from], found) =>
      1 + ((found as number) < 0 ? text.length : (found as number)) - Number(from ?? 0),
    lastIndexOf: (text, _, found) => text.length - (found as number),
    includes: (text) => text.length,
    // a slice shares its octets with the whole
    slice: () => 1,
    split: (text) => text.length,
    toLowerCase: (text) => text.length,
    toUpperCase: (text) => text.length,
  };
  const originals = new Map<Counted, (...args: unknown[]) => unknown>();
  for (const name of Object.keys(cost) as Counted[]) {
    const original = prototype[name];
    originals.set(name, original);
    prototype[name] = function (this: string, ...args: unknown[]) {
      const result = original.apply(this, args);
      octets += Math.max(1, cost[name](this, args, result));
      return result;
    };
  }
  try {
    work();
  } finally {
    for (const [name, original] of originals) prototype[name] = original;
  }
  return octets;
}
