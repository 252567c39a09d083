import type { MaybePromise } from "../message/result.js";

/** One value of a metric, with its labels. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that somebody may look at. */
export type MetricSource = NumberSource | HistogramSource;

/** A metric that is read at the time of a scrape: keeping it costs the server an addition. */
export interface NumberSource {
  /** `rollcall_` and what follows; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** Names of the labels; none when not given. */
  readonly labels?: readonly string[];
  read(): MaybePromise<Iterable<MetricSample>>;
}

/** A metric of how values spread; each is told as it comes up, so that these are for what happens less often than requests. */
export interface HistogramSource {
  /** `rollcall_` and what follows, with its unit: `_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly kind: "histogram";
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
  /** Has each value told; returns the way to stop. */
  watch(observe: (value: number) => void): () => void;
}
