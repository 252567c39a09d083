import type { Leg } from "../port/leg.js";
import type { HistogramSource, MetricSample, MetricSource, NumberSource } from "../port/metrics.js";
import type { Chain } from "./chain.js";
import { showListen } from "./config-values.js";
import type { DispatcherCounters } from "./counters.js";
import type { Dispatcher } from "./dispatcher.js";
import type { Environment } from "./environment.js";

export interface MeteredParts {
  readonly dispatcher: Dispatcher;
  readonly environment: Pick<Environment, "locations" | "watchCommits">;
  readonly chain: Chain;
}

/** Everything the server counts, by the names that /metrics shows. */
export function serverMetrics({ dispatcher, environment, chain }: MeteredParts): readonly MetricSource[] {
  const store = environment.locations;
  const { counters, legs, transactions } = dispatcher;
  const ofLegs = (read: (counters: NonNullable<(typeof legs)[number]["counters"]>) => number) => () =>
    legs.flatMap((leg) =>
      leg.counters === undefined
        ? []
        : [
            {
              labels: { listener: showLeg(leg) },
              value: read(leg.counters),
            },
          ],
    );
  return [
    {
      name: "rollcall_requests_total",
      help: "Requests answered, by method and status",
      kind: "counter",
      labels: ["method", "status"],
      read: () =>
        counters
          .answers()
          .map(({ method, status, count }) => ({ labels: { method, status: String(status) }, value: count })),
    },
    {
      name: "rollcall_registrations_total",
      help: "REGISTER requests answered, by what came of them",
      kind: "counter",
      labels: ["result"],
      read: () => registrations(counters),
    },
    one(
      "rollcall_dropped_total",
      "Messages that could be neither handled nor answered",
      "counter",
      () => counters.dropped,
    ),
    one(
      "rollcall_stray_responses_total",
      "Responses that matched nothing",
      "counter",
      () => counters.strayResponses,
    ),
    {
      name: "rollcall_bindings",
      help: "Bindings in the store, expired ones that wait for their removal included",
      kind: "gauge",
      read: async () => [{ value: (await store.count()).bindings }],
    },
    {
      name: "rollcall_addresses_of_record",
      help: "Addresses-of-record with a binding",
      kind: "gauge",
      read: async () => [{ value: (await store.count()).aors }],
    },
    ...commitMetrics(environment),
    leg(
      "rollcall_messages_received_total",
      "Whole messages received, by listener",
      ofLegs((c) => c.received),
    ),
    leg(
      "rollcall_messages_sent_total",
      "Messages sent, by listener",
      ofLegs((c) => c.sent),
    ),
    leg(
      "rollcall_keep_alives_total",
      "CRLF, STUN and WebSocket keep-alives, by listener",
      ofLegs((c) => c.keepAlives),
    ),
    {
      ...leg(
        "rollcall_connections",
        "Connections open, by listener",
        ofLegs((c) => c.connections),
      ),
      kind: "gauge",
    },
    {
      name: "rollcall_transport_dropped_total",
      help: "Messages and connections that a listener dropped, by reason",
      kind: "counter",
      labels: ["listener", "reason"],
      read: () =>
        legs.flatMap(({ transport, local, counters: counted }) =>
          Object.entries(counted?.dropped ?? {}).map(
            ([reason, value]): MetricSample => ({
              labels: { listener: showLeg({ transport, local }), reason },
              value,
            }),
          ),
        ),
    },
    one(
      "rollcall_server_transactions",
      "Server transactions now",
      "gauge",
      () => transactions.counts().servers,
    ),
    one(
      "rollcall_client_transactions",
      "Client transactions now",
      "gauge",
      () => transactions.counts().clients,
    ),
    one(
      "rollcall_retransmissions_total",
      "Requests that came again and were absorbed",
      "counter",
      () => transactions.counts().retransmissions,
    ),
    one(
      "rollcall_transaction_timeouts_total",
      "Client transactions that ran out of time",
      "counter",
      () => transactions.counts().timeouts,
    ),
    one(
      "rollcall_transaction_overloads_total",
      "Requests answered 503 because a table was full",
      "counter",
      () => transactions.counts().overloads,
    ),
    {
      name: "rollcall_authentications_total",
      help: "Requests that needed credentials, by what came of them",
      kind: "counter",
      labels: ["outcome"],
      read: () => chain.authentications(),
    },
    {
      name: "rollcall_guard_dropped_total",
      help: "What the guard did not hear or not look at, by reason",
      kind: "counter",
      labels: ["reason"],
      read: () => chain.guarded(),
    },
  ];
}

/** A quick disk to one that does not answer, and a lone change to all that may share a commit. */
const COMMIT_SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const COMMIT_CHANGES = [1, 4, 16, 64, 256, 1024, 4096];

/** How the disk does; nothing for bindings that are in memory. */
function commitMetrics({ watchCommits }: MeteredParts["environment"]): HistogramSource[] {
  if (watchCommits === undefined) return [];
  return [
    {
      name: "rollcall_store_commit_seconds",
      help: "Time a commit to the store took until it was on disk",
      kind: "histogram",
      buckets: COMMIT_SECONDS,
      watch: (observe) => watchCommits(({ seconds }) => observe(seconds)),
    },
    {
      name: "rollcall_store_commit_changes",
      help: "Changes that shared a commit",
      kind: "histogram",
      buckets: COMMIT_CHANGES,
      watch: (observe) => watchCommits(({ jobs }) => observe(jobs)),
    },
  ];
}

/** What came of a REGISTER: `accepted`, `challenged` (no or stale credentials), `refused` by the rules, or `failed` here. */
function registrations(counters: DispatcherCounters): MetricSample[] {
  const totals = { accepted: 0, challenged: 0, refused: 0, failed: 0 };
  for (const { method, status, count } of counters.answers()) {
    if (method !== "REGISTER") continue;
    if (status < 300) totals.accepted += count;
    else if (status === 401 || status === 407) totals.challenged += count;
    else if (status < 500) totals.refused += count;
    else totals.failed += count;
  }
  return Object.entries(totals).map(([result, value]) => ({ labels: { result }, value }));
}

function showLeg({ transport, local }: Pick<Leg, "transport" | "local">): string {
  return showListen({ transport, host: local.address, port: local.port });
}

function one(name: string, help: string, kind: "counter" | "gauge", read: () => number): NumberSource {
  return { name, help, kind, read: () => [{ value: read() }] };
}

function leg(name: string, help: string, read: () => MetricSample[]): NumberSource {
  return { name, help, kind: "counter", labels: ["listener"], read };
}
