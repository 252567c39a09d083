import type { AdminBackend } from "../admin/backend.js";
import { type AdminListener, startAdmin } from "../admin/listener.js";
import type { ServerConfig } from "../server/config.js";
import { ConfigError } from "../server/config-error.js";
import { loadConfig } from "../server/config-load.js";
import { type ServerLog, serverLog } from "../server/logger.js";
import { type RunningServer, startServer } from "../server/serve.js";
import { systemClock } from "../server/system.js";
import { version } from "../server/version.js";
import { settleEngine } from "./engine.js";
import { configFlags, type ServeFlags } from "./flags.js";
import type { CliIo } from "./io.js";
import { startProblem } from "./start-problem.js";

/** How long a stop may take before the process ends all the same: the contract says 5 s. */
const STOP_MS = 4_500;

/** Status of a process that had to be cut short: not everything was finished. */
const CUT_SHORT = 1;

/**
 * `rollcall serve`: runs until SIGTERM or SIGINT, and takes up a new configuration at SIGHUP.
 * @returns the exit status
 * @throws CliError and ConfigError for what keeps it from starting
 */
export async function serve(io: CliIo, flags: ServeFlags): Promise<number> {
  settleEngine();
  const config = loadConfig(flags.config, configFlags(flags));
  const log = serverLog({
    level: config.logLevel,
    isTerminal: io.stdout.isTTY === true,
    ...(io.stdout === process.stdout ? {} : { stream: io.stdout }),
  });
  const signals = listenForSignals(log);
  const flush = (): void => log.flush();
  process.on("uncaughtExceptionMonitor", flush);
  const restoreConsole = consoleToLog(log);
  try {
    const served = await start(config, log);
    const { server, admin } = served;
    log.always({ listeners: server.listeners, admin: admin?.address ?? null }, "ready");
    signals.onReload(() => reload(served, flags, log));
    const signal = await signals.stop;
    log.info({ signal }, "stopping");
    await server.close();
    await admin?.close();
    log.info({}, "stopped");
    return 0;
  } finally {
    signals.close();
    restoreConsole();
    process.off("uncaughtExceptionMonitor", flush);
    await log.drain();
  }
}

/**
 * Sends what libraries print to the log while the server runs, one line each: lmdb-js prints a stack for every commit that
 * fails, which the answers and the readiness tell already.
 * @returns the way back
 */
function consoleToLog(log: ServerLog): () => void {
  const { error, warn } = console;
  const toLog = (...parts: readonly unknown[]): void => {
    const [line = ""] = parts
      .map((part) => (part instanceof Error ? part.message : String(part)))
      .join(" ")
      .split("\n");
    log.debug({ printed: line }, "a library printed");
  };
  console.error = toLog;
  console.warn = toLog;
  return () => Object.assign(console, { error, warn });
}

interface Served {
  readonly server: RunningServer;
  readonly admin: AdminListener | null;
}

/** Starts everything or nothing. */
async function start(config: ServerConfig, log: ServerLog): Promise<Served> {
  let server: RunningServer | undefined;
  try {
    server = await startServer(config, { log });
    const admin = config.admin === null ? null : await startAdmin(config.admin, backendOf(server), log);
    return { server, admin };
  } catch (error) {
    await server?.close();
    throw startProblem(error);
  }
}

function backendOf(server: RunningServer): AdminBackend {
  const keepsAccounts = server.config.accounts.some(({ kind }) => kind === "store");
  return {
    store: server.store,
    accounts: keepsAccounts ? server.accounts : null,
    realm: () => server.config.auth.realm,
    nowMs: systemClock.nowMs,
    readiness: () => server.readiness(),
    isFlowAlive: (token) => server.isFlowAlive(token),
    reachability: (aor, binding) => server.reachability(aor, binding),
    lostSinceMs: (binding) => server.lostSinceMs(binding),
    metrics: server.metrics,
    version: version(),
  };
}

/** Takes up the configuration as it is now; a bad one is told, and the old one stays. */
async function reload({ server, admin }: Served, flags: ServeFlags, log: ServerLog): Promise<void> {
  try {
    const config = loadConfig(flags.config, configFlags(flags));
    await server.reload(config);
    if (config.admin !== null) admin?.setAccess(config.admin);
    log.setLevel(config.logLevel);
    log.info({}, "configuration reloaded");
  } catch (error) {
    const problems =
      error instanceof ConfigError
        ? error.problems
        : [error instanceof Error ? error.message : String(error)];
    log.error({ problems }, "the new configuration is refused; the old one stays");
  }
}

interface Signals {
  /** The first signal to stop. */
  readonly stop: Promise<NodeJS.Signals>;
  /** Runs at each SIGHUP, one at a time; one that came before is made up for. */
  onReload(reload: () => Promise<void>): void;
  close(): void;
}

/** Signals count from before the first listener is bound: none kills a server half-way. */
function listenForSignals(log: ServerLog): Signals {
  let reloadNow: (() => Promise<void>) | undefined;
  let isWanted = false;
  let underWay = false;
  let stopping = false;
  let watchdog: NodeJS.Timeout | undefined;
  let resolveStop: (signal: NodeJS.Signals) => void = () => {};
  const stop = new Promise<NodeJS.Signals>((resolve) => {
    resolveStop = resolve;
  });

  const endNow = (status: number): never => {
    log.flush();
    process.exit(status);
  };
  const onStop = (signal: NodeJS.Signals): void => {
    if (stopping) endNow(CUT_SHORT);
    stopping = true;
    watchdog = setTimeout(() => {
      log.error({}, "could not finish in time; what was under way is cut short");
      endNow(CUT_SHORT);
    }, STOP_MS);
    resolveStop(signal);
  };
  const runReloads = async (): Promise<void> => {
    if (underWay || reloadNow === undefined) return;
    underWay = true;
    while (isWanted && !stopping) {
      isWanted = false;
      await reloadNow();
    }
    underWay = false;
  };
  const onHangUp = (): void => {
    isWanted = true;
    void runReloads();
  };
  process.on("SIGTERM", onStop);
  process.on("SIGINT", onStop);
  process.on("SIGHUP", onHangUp);
  return {
    stop,
    onReload(reload) {
      reloadNow = reload;
      void runReloads();
    },
    close() {
      clearTimeout(watchdog);
      process.off("SIGTERM", onStop);
      process.off("SIGINT", onStop);
      process.off("SIGHUP", onHangUp);
    },
  };
}
