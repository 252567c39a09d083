import { StoreError } from "../location/store.js";
import { ConfigError } from "../server/config-error.js";
import { CliError } from "./io.js";

/** The system's error codes for a listener that cannot be bound, in words. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: "the address is in use",
  EADDRNOTAVAIL: "this machine has no such address",
  EACCES: "not permitted",
  EPERM: "not permitted",
  EAFNOSUPPORT: "this machine does not speak that kind of address",
  ENOTFOUND: "the host name is not known",
  EAI_AGAIN: "the host name cannot be resolved now",
};

/** What kept a server from starting as one line with exit status 2; what is no expected failure comes back as it is. */
export function startProblem(error: unknown): unknown {
  if (error instanceof ConfigError || error instanceof CliError) return error;
  if (error instanceof StoreError) return new CliError(2, `the store: ${error.message}`);
  if (!(error instanceof Error) || !("code" in error) || typeof error.code !== "string") return error;
  const { address, port, hostname } = error as { address?: unknown; port?: unknown; hostname?: unknown };
  const where =
    typeof address === "string"
      ? `${address}${typeof port === "number" ? `:${port}` : ""}`
      : String(hostname ?? "");
  const words = WORDS[error.code];
  if (words === undefined) return new CliError(2, error.message);
  return new CliError(2, `cannot listen on ${where === "" ? "an address" : where}: ${words} (${error.code})`);
}
