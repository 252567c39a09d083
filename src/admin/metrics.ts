import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { HistogramSource, MetricSource, NumberSource } from "../port/metrics.js";

/** The Prometheus text of a set of sources and of the process. */
export interface Metrics {
  readonly contentType: string;
  text(): Promise<string>;
  close(): void;
}

/** How finely the lag of the event loop is measured, in milliseconds: a timer that is not worth waking up for more often. */
const LOOP_LAG_MS = 50;
const PREFIX = "rollcall_";

/** Metrics of the process that look at every socket, and stop the event loop for long where there are thousands. */
const COSTLY = ["resources", "handles", "requests"].flatMap((what) => [
  `${PREFIX}nodejs_active_${what}`,
  `${PREFIX}nodejs_active_${what}_total`,
]);

/** Metrics that are gathered when somebody scrapes: what they show is plain numbers until then. */
export function adminMetrics(sources: readonly MetricSource[]): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    prefix: PREFIX,
    eventLoopMonitoringPrecision: LOOP_LAG_MS,
  });
  for (const name of COSTLY) registry.removeSingleMetric(name);
  const stops: (() => void)[] = [];
  for (const source of sources) {
    switch (source.kind) {
      case "counter":
        addCounter(registry, source);
        break;
      case "gauge":
        addGauge(registry, source);
        break;
      case "histogram":
        stops.push(addHistogram(registry, source));
    }
  }
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    close() {
      for (const stop of stops) stop();
      registry.clear();
    },
  };
}

function addHistogram(registry: Registry, { name, help, buckets, watch }: HistogramSource): () => void {
  const histogram = new Histogram({ name, help, buckets: [...buckets], registers: [registry] });
  return watch((value) => histogram.observe(value));
}

function addCounter(registry: Registry, source: NumberSource): void {
  const counter: Counter<string> = new Counter({
    name: source.name,
    help: source.help,
    labelNames: source.labels ?? [],
    registers: [registry],
    async collect() {
      const samples = await source.read();
      counter.reset();
      for (const { labels, value } of samples) counter.inc(labels ?? {}, value);
    },
  });
}

function addGauge(registry: Registry, source: NumberSource): void {
  const gauge: Gauge<string> = new Gauge({
    name: source.name,
    help: source.help,
    labelNames: source.labels ?? [],
    registers: [registry],
    async collect() {
      const samples = await source.read();
      gauge.reset();
      for (const { labels, value } of samples) gauge.set(labels ?? {}, value);
    },
  });
}
