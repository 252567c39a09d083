import { InvalidArgumentError } from "commander";
import type { ConfigFlags, LogLevel } from "../server/config.js";
import {
  type HostPort,
  type ListenAddress,
  type Parsed,
  parseAddress,
  parseDomain,
  parseListen,
  parseStore,
  type StoreLocation,
} from "../server/config-values.js";

/** What `rollcall serve` was told, as commander hands it over. */
export interface ServeFlags {
  readonly config?: string;
  readonly listen?: readonly ListenAddress[];
  readonly domain?: readonly string[];
  readonly data?: string;
  readonly store?: StoreLocation;
  readonly open?: boolean;
  readonly minExpires?: number;
  readonly maxExpires?: number;
  readonly defaultExpires?: number;
  readonly admin?: HostPort | "off";
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly logLevel?: LogLevel;
}

/** The flags as the configuration takes them. */
export function configFlags(flags: ServeFlags): ConfigFlags {
  const { config: _config, domain, ...rest } = flags;
  return { ...rest, domains: domain };
}

/** The value of a flag, or commander's complaint with what is wrong. */
function must<T>(parsed: Parsed<T>): T {
  if ("value" in parsed) return parsed.value;
  throw new InvalidArgumentError(parsed.problem);
}

/** One more `--listen`. */
export function listenFlag(text: string, before: readonly ListenAddress[] | undefined): ListenAddress[] {
  return [...(before ?? []), must(parseListen(text))];
}

/** One more `--domain`. */
export function domainFlag(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), must(parseDomain(text))];
}

export function storeFlag(text: string): StoreLocation {
  return must(parseStore(text));
}

export function adminFlag(text: string): HostPort | "off" {
  return text === "off" ? "off" : must(parseAddress(text));
}

const MOST_SECONDS = 4_294_967_295;

/** Whole seconds, `least` or more. */
export function secondsFlag(least: number): (text: string) => number {
  return (text) => {
    const seconds = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
    if (seconds >= least && seconds <= MOST_SECONDS) return seconds;
    throw new InvalidArgumentError(`expected whole seconds, ${least} to ${MOST_SECONDS}`);
  };
}
