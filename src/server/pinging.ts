import { Pinger, type PingFindings } from "../proxy/ping.js";
import type { ChainParts } from "./chain.js";
import type { ServerConfig } from "./config.js";
import type { Dispatcher } from "./dispatcher.js";

/**
 * Pings phones behind a NAT, those that were registered before this start included.
 * @param findings of the pinger before, which outlive a reload
 */
export async function startPinger(
  { environment, clock, entropy, log }: ChainParts,
  dispatcher: Dispatcher,
  config: ServerConfig,
  findings: PingFindings,
): Promise<Pinger> {
  const { locations } = environment;
  const pinger = new Pinger({
    clock,
    entropy,
    deliver: (draft, binding) => dispatcher.deliver(draft, binding),
    from: `sip:${config.domains[0] ?? "rollcall.invalid"}`,
    intervalSec: config.nat.pingSec,
    misses: config.nat.pingMisses,
    findings,
    changed: ({ aor, binding, reachable, misses }) =>
      log.info(
        { aor, contact: binding.uri, misses },
        reachable ? "phone answers again" : "phone does not answer",
      ),
  });
  const stopWatching = locations.watch((event) => pinger.heed(event));
  try {
    let after: string | null = null;
    do {
      const page = await locations.scan({ limit: 1000, ...(after === null ? {} : { after }) });
      for (const { aor, bindings } of page.records) for (const binding of bindings) pinger.add(aor, binding);
      after = page.next;
    } while (after !== null);
  } catch (error) {
    stopWatching();
    throw error;
  }
  pinger.start();
  const close = pinger.close.bind(pinger);
  return Object.assign(pinger, {
    close() {
      stopWatching();
      close();
    },
  });
}
