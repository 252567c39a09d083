import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Transport } from "../../src/port/leg.js";
import { type Chain, makeChain } from "../../src/server/chain.js";
import type { ServerConfig } from "../../src/server/config.js";
import { loadConfig } from "../../src/server/config-load.js";
import { openEnvironment } from "../../src/server/environment.js";
import { type ManualClock, manualClock } from "../../src/testing/clock.js";
import { seededEntropy } from "../../src/testing/entropy.js";
import { Network } from "./network.js";
import { Phone } from "./phone.js";

/** A whole server but for its sockets and its store: what `rollcall serve` composes of a configuration, in virtual time. */
export interface ChainStage {
  readonly clock: ManualClock;
  readonly chain: Chain;
  /** Texts of what was logged so far. */
  readonly log: readonly string[];
  phone(name: string, transport?: Transport): Phone;
  /** Takes up another configuration, as at SIGHUP. */
  reload(yaml: string): Promise<void>;
  /** Lets time pass, and all that follows happen. */
  pass(ms: number): Promise<void>;
}

const HOST = "192.0.2.1";

function configOf(yaml: string): ServerConfig {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-chain-"));
  const file = join(folder, "rollcall.yaml");
  writeFileSync(
    file,
    `store: "memory:"\ndata: ./none\nopen: true\ndomains: [example.com]\nadmin: off\n${yaml}`,
  );
  const config = loadConfig(file);
  rmSync(folder, { recursive: true });
  return config;
}

/** A server at 192.0.2.1:5060, UDP and TCP, open to everybody unless it is told otherwise, for example.com. */
export async function chainStage(yaml: string, isOpen = (): boolean => true): Promise<ChainStage> {
  const config = configOf(yaml);
  const clock = manualClock();
  const entropy = seededEntropy(1);
  const network = new Network({ clock, entropy });
  const legs = (["udp", "tcp"] as const).map((transport) => network.leg(transport, HOST, 5060));
  const log: string[] = [];
  const note = (_facts: object, text: string): void => {
    log.push(text);
  };
  const chain = await makeChain({
    config,
    legs,
    environment: openEnvironment(config, clock),
    clock,
    entropy,
    log: { debug: note, info: note, warn: note, error: note },
    isOpen,
  });
  await chain.dispatcher.start();
  let hosts = 1;
  return {
    clock,
    chain,
    log,
    reload: (fresh) => chain.reload(configOf(fresh)),
    phone(name, transport = "udp") {
      const own = { address: `192.0.2.${++hosts}`, port: 5060 };
      return new Phone(network, name, transport, own, { address: HOST, port: 5060 });
    },
    async pass(ms) {
      for (const endMs = clock.nowMs() + ms; clock.nowMs() < endMs; ) {
        clock.advance(Math.min(20, endMs - clock.nowMs()));
        await new Promise(setImmediate);
      }
    },
  };
}
