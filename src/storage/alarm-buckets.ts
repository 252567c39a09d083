/** Keys by the second in which they want to be looked at, in memory; each key stands in one second at most. */
export class AlarmBuckets {
  readonly #buckets = new Map<number, Set<string>>();
  /** The seconds that have a bucket, ascending. */
  readonly #seconds: number[] = [];

  add(second: number, key: string): void {
    const bucket = this.#buckets.get(second);
    if (bucket !== undefined) {
      bucket.add(key);
      return;
    }
    this.#buckets.set(second, new Set([key]));
    this.#seconds.splice(this.#place(second), 0, second);
  }

  remove(second: number, key: string): void {
    const bucket = this.#buckets.get(second);
    if (bucket === undefined || !bucket.delete(key) || bucket.size > 0) return;
    this.#buckets.delete(second);
    this.#seconds.splice(this.#place(second), 1);
  }

  /** The keys of every second up to this one, in the order of the seconds. */
  due(second: number): readonly string[] {
    const keys: string[] = [];
    for (const at of this.#seconds) {
      if (at > second) break;
      for (const key of this.#buckets.get(at)!) keys.push(key);
    }
    return keys;
  }

  /** Index of the first second that is not before this one. */
  #place(second: number): number {
    let low = 0;
    let high = this.#seconds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#seconds[middle]! < second) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
