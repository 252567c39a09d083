import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import { HtdigestError, parseHtdigest } from "../storage/htdigest-parse.js";
import type { CertificateFiles } from "./config.js";
import { codeOf } from "./config-error.js";
import { type ConfigPath, showPath } from "./config-file.js";
import type { LoadedConfig } from "./config-load.js";

/** Looks into the files that a configuration names: are they there, and are certificates and keys what they should be? */
export function checkFiles({ config, problemAt }: LoadedConfig): string[] {
  const problems: string[] = [];
  const read = (path: ConfigPath, file: string): Buffer | undefined => {
    try {
      return readFileSync(file);
    } catch (error) {
      problems.push(problemAt(path, `${showPath(path)}: ${file} cannot be read (${codeOf(error)})`));
      return undefined;
    }
  };
  const checkPair = (path: ConfigPath, { cert, key }: CertificateFiles): void => {
    const certPem = read([...path, "cert"], cert);
    const keyPem = read([...path, "key"], key);
    if (certPem === undefined || keyPem === undefined) return;
    try {
      createSecureContext({ cert: certPem, key: keyPem });
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      problems.push(
        problemAt(
          [...path, "cert"],
          `${showPath(path)}: ${cert} and ${key} are no certificate and its key (${why})`,
        ),
      );
    }
  };

  const { tls } = config;
  if (tls !== null) {
    checkPair(["tls"], tls);
    tls.servers.forEach((server, i) => {
      checkPair(["tls", "servers", i], server);
    });
    if (tls.clientCa !== null) read(["tls", "clientCa"], tls.clientCa);
  }
  config.accounts.forEach((source, i) => {
    if (source.kind !== "htdigest") return;
    const path = ["accounts", i, "htdigest"];
    const text = read(path, source.file)?.toString("latin1");
    try {
      if (text !== undefined) parseHtdigest(text);
    } catch (error) {
      if (!(error instanceof HtdigestError)) throw error;
      problems.push(problemAt(path, `${showPath(path)}: ${source.file}: ${error.message}`));
    }
  });
  return problems;
}
