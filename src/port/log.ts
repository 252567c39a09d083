/** Structured log: facts first, then one line in words. Credentials never go in. pino fits as it is. */
export interface Log {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** A log that keeps silent: the library's default. */
export const NO_LOG: Log = { debug() {}, info() {}, warn() {}, error() {} };
