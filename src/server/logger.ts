import { type DestinationStream, type LevelWithSilent, pino } from "pino";
import pretty from "pino-pretty";
import type { Log } from "../port/log.js";
import type { LogLevel } from "./config.js";
import { logStream, STDOUT } from "./log-stream.js";
import { systemClock } from "./system.js";
import { CENSOR, withoutCredentials } from "./without-credentials.js";

/** The server's log: JSON lines, or readable text on a terminal. */
export interface ServerLog extends Log {
  /** Logs at `info` whatever the level: for the line that scripts wait for. */
  always(facts: object, message: string): void;
  /** Changes the least level that is logged, at once. */
  setLevel(level: LogLevel): void;
  /** Hands what is still queued to the system before it returns, as far as that takes it. */
  flush(): void;
  /** Resolves when all is written, or soon where nobody reads. */
  drain(): Promise<void>;
}

export interface ServerLogOptions {
  readonly level: LogLevel;
  /** Readable text rather than JSON lines? */
  readonly isTerminal: boolean;
  /** Where lines go, for tests; stdout when not given. */
  readonly stream?: DestinationStream;
}

/** Facts by these names are never written, at the top or one level down. */
const SECRET_NAMES = [
  "password",
  "ha1",
  "authorization",
  "proxyAuthorization",
  "credentials",
  "token",
  "secret",
  "cookie",
];

/**
 * Opens the log of a process. No credentials get through: neither by the name of a fact, nor inside a text (an
 * Authorization header of a message, the password of a URL).
 */
export function serverLog(options: ServerLogOptions): ServerLog {
  const buffered =
    options.stream === undefined && !options.isTerminal
      ? logStream({ file: STDOUT, clock: systemClock })
      : undefined;
  const stream =
    options.stream ??
    buffered ??
    pretty({ destination: 1, sync: true, singleLine: true, ignore: "pid,hostname" });
  const log = pino(
    {
      level: options.level satisfies LevelWithSilent,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: CENSOR },
      hooks: { streamWrite: withoutCredentials },
    },
    stream,
  );
  return {
    debug: (facts, message) => log.debug(facts, message),
    info: (facts, message) => log.info(facts, message),
    warn: (facts, message) => log.warn(facts, message),
    error: (facts, message) => log.error(facts, message),
    always(facts, message) {
      const { level } = log;
      log.level = "info";
      log.info(facts, message);
      log.level = level;
    },
    setLevel(level) {
      log.level = level;
    },
    flush: () => buffered?.flush(),
    drain: async () => buffered?.drain(),
  };
}
