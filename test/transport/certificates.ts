import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const OPENSSL = "openssl";

/** Node cannot make certificates: tests that need them want the `openssl` command. */
export const hasOpenssl = spawnSync(OPENSSL, ["version"]).status === 0;
if (!hasOpenssl) console.warn("no openssl command here: tests with certificates are left out");

/** A certificate and its key, both PEM. */
interface Credentials {
  readonly cert: string;
  readonly key: string;
}

export interface Authority {
  /** Its own certificate, PEM. */
  readonly cert: string;
  /** A certificate with this common name and these subject alternative names (`DNS:a, URI:sip:a`); none for `""`. */
  issue(commonName: string, alternativeNames: string): Credentials;
}

const EC_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate authority that lives as long as `use` runs. */
export function authority<Result>(use: (ca: Authority) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), "rollcall-ca-"));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync(OPENSSL, args, { cwd: folder, stdio: "pipe" });
  try {
    const own = ["-keyout", at("ca.key"), "-out", at("ca.pem"), "-subj", "/CN=Test Authority", "-days", "2"];
    openssl("req", "-x509", ...EC_KEY, ...own);
    let count = 0;
    return use({
      cert: readFileSync(at("ca.pem"), "latin1"),
      issue(commonName, alternativeNames) {
        const name = `c${++count}`;
        openssl(
          "req",
          ...EC_KEY,
          "-keyout",
          at(`${name}.key`),
          "-out",
          at(`${name}.csr`),
          "-subj",
          `/CN=${commonName}`,
        );
        const extensions = alternativeNames === "" ? "" : `subjectAltName=${alternativeNames}\n`;
        writeFileSync(at(`${name}.ext`), `basicConstraints=CA:FALSE\n${extensions}`);
        const signer = [
          "-CA",
          at("ca.pem"),
          "-CAkey",
          at("ca.key"),
          "-set_serial",
          String(count),
          "-days",
          "2",
        ];
        const files = ["-in", at(`${name}.csr`), "-out", at(`${name}.pem`), "-extfile", at(`${name}.ext`)];
        openssl("x509", "-req", ...signer, ...files);
        return {
          cert: readFileSync(at(`${name}.pem`), "latin1"),
          key: readFileSync(at(`${name}.key`), "latin1"),
        };
      },
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
