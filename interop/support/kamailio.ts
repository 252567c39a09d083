import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "./peers.js";
import { freePort } from "./ports.js";
import { type Program, startProgram } from "./program.js";
import { temporaryFolder } from "./server.js";
import { until } from "./until.js";
import { tcpWire } from "./wire.js";

const CONFIGURATION = join(import.meta.dirname, "..", "scenarios", "kamailio-edge.cfg");

/** Kamailio as an edge proxy that adds Path. */
export interface Edge {
  /** Its port of 127.0.0.1, for UDP and TCP. */
  readonly port: number;
  end(): Promise<void>;
}

/** Starts an edge proxy in front of the registrar on this UDP port, and resolves when it listens. */
export async function startEdge(registrar: number): Promise<Edge> {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder, "kamailio.cfg");
  writeFileSync(
    file,
    readFileSync(CONFIGURATION, "utf8")
      .replaceAll("EDGE_PORT", String(port))
      .replaceAll("REGISTRAR_PORT", String(registrar)),
  );
  const program: Program = startProgram(findProgram("kamailio")!, [
    ...["-f", file, "-DD", "-E", "-m", "32", "-M", "4", "-w", folder, "-Y", folder],
  ]);
  await until(async () => {
    if (program.child.exitCode !== null) throw new Error(`kamailio ended:\n${program.printed()}`);
    return tcpWire(port).then(
      (wire) => {
        wire.close();
        return true;
      },
      () => false,
    );
  }, 20_000);
  return {
    port,
    async end() {
      await program.end("SIGTERM");
    },
  };
}
