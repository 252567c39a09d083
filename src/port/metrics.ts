import type { MaybePromise } from "../message/result.js";

/** One value of a metric, with its labels. */
export interface MetricSample {
  readonly labels?: Readonly<Record<string, string>>;
  readonly value: number;
}

/** A metric that is read at the time of a scrape: keeping it costs the server an addition. */
export interface MetricSource {
  /** `rollcall_` and what follows; counters end in `_total`. */
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge";
  /** Names of the labels; none when not given. */
  readonly labels?: readonly string[];
  read(): MaybePromise<Iterable<MetricSample>>;
}
