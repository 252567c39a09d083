import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { temporaryFolder } from "./server.js";

/** Files of a certificate that signs itself, which phones may be told to believe. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Makes a certificate for 127.0.0.1 and localhost, which is its own authority.
 * @param commonName its subject, to tell it from others
 * @param folder where to write `cert.pem` and `key.pem`; a temporary one when not given
 */
export function selfSigned(commonName = "localhost", folder = temporaryFolder()): CertificateFiles {
  const cert = join(folder, "cert.pem");
  const key = join(folder, "key.pem");
  const names = "subjectAltName=DNS:localhost,IP:127.0.0.1";
  const { status, stderr } = spawnSync("openssl", [
    ..."req -x509 -newkey rsa:2048 -nodes -days 2 -addext".split(" "),
    names,
    ...["-subj", `/CN=${commonName}`, "-keyout", key, "-out", cert],
  ]);
  if (status !== 0) throw new Error(`openssl: ${stderr.toString("utf8")}`);
  return { cert, key };
}
