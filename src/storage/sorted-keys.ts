/** Keys that may come in between two readings before sorting them all again is the cheaper way. */
const MAX_ADDED = 10_000;

/**
 * The keys of a map in the order of their octets: sorted when somebody asks for them, and no sooner. Keys that left the
 * map may still be listed, since the reader looks each one up anyhow.
 */
export class SortedKeys {
  readonly #map: ReadonlyMap<string, unknown>;
  #sorted: readonly string[] | null = null;
  #added: string[] = [];

  constructor(map: ReadonlyMap<string, unknown>) {
    this.#map = map;
  }

  /** Tells of a key that was not in the map before. */
  add(key: string): void {
    if (this.#sorted === null) return;
    this.#added.push(key);
    if (this.#added.length > MAX_ADDED) this.clear();
  }

  clear(): void {
    this.#sorted = null;
    this.#added = [];
  }

  /** The sorted keys, and the place of the first one behind `after`. */
  from(after: string | undefined): { readonly keys: readonly string[]; readonly start: number } {
    this.#sorted = this.#sorted === null ? [...this.#map.keys()].sort() : this.#merge(this.#sorted);
    return { keys: this.#sorted, start: after === undefined ? 0 : placeBehind(this.#sorted, after) };
  }

  #merge(sorted: readonly string[]): readonly string[] {
    if (this.#added.length === 0) return sorted;
    const added = this.#added.sort();
    this.#added = [];
    const merged: string[] = [];
    let next = 0;
    const take = (key: string) => {
      if (key !== merged[merged.length - 1] && this.#map.has(key)) merged.push(key);
    };
    for (const key of sorted) {
      while (next < added.length && added[next]! < key) take(added[next++]!);
      take(key);
    }
    while (next < added.length) take(added[next++]!);
    return merged;
  }
}

/** Index of the first key behind this one. */
function placeBehind(keys: readonly string[], after: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keys[middle]! <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
