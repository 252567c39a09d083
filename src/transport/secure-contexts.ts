import {
  createSecureContext,
  type SecureContext,
  type SecureContextOptions,
  type SecureVersion,
} from "node:tls";
import type { Leg } from "../port/leg.js";

/** A certificate chain with its private key, both PEM. */
export interface TlsCredentials {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly passphrase?: string;
}

/** What a TLS or WSS leg shows of itself, and whom it believes. */
export interface TlsMaterial extends TlsCredentials {
  /** Other certificates for other server names (RFC 6066 §3); `*.example.com` stands for one label. */
  readonly serverNames?: Readonly<Record<string, TlsCredentials>>;
  /** Authorities that peers' certificates are held against, PEM; those that Node knows when not given. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
}

export interface SecureOptions extends TlsMaterial {
  /**
   * Mutual TLS (RFC 3261 §26.3.1, RFC 5922 §7.4): `none` asks peers for no certificate, `optional` verifies one that is shown,
   * `required` refuses who shows none. `none` unless given.
   */
  readonly clientCertificates?: "none" | "optional" | "required";
  /** TLSv1.2 unless given. */
  readonly minVersion?: SecureVersion;
}

/** A leg whose certificates can be replaced while it runs. */
export interface SecureLeg extends Leg {
  /**
   * Shows these certificates from the next handshake on; connections that stand are not touched. What is not given stays.
   * @throws the TLS library's error when some of it is not to be used; then the old ones stay
   */
  reload(material: TlsMaterial): void;
}

/** Names of {@link SecureOptions}, for refusing others. */
export const SECURE_OPTION_NAMES = [
  "cert",
  "key",
  "passphrase",
  "serverNames",
  "ca",
  "clientCertificates",
  "minVersion",
] as const satisfies readonly (keyof SecureOptions)[];

/** The certificates of a leg, chosen by server name and replaced as a whole; connections that stand keep theirs. */
export class SecureContexts {
  readonly #minVersion: SecureVersion;
  #current: Certificates;

  /** @throws the TLS library's error when a certificate or a key is not to be used */
  constructor(options: SecureOptions) {
    this.#minVersion = options.minVersion ?? "TLSv1.2";
    this.#current = certificates(options, this.#minVersion);
  }

  /** The certificate for clients that name no server, and for connections opened from here. */
  get general(): SecureContext {
    return this.#current.general;
  }

  /** What {@link general} is made of. */
  get generalOptions(): SecureContextOptions {
    return this.#current.generalOptions;
  }

  /** The certificate for this server name: its own, that of its wildcard, or the general one. */
  for(serverName: string): SecureContext {
    const { byName, general } = this.#current;
    const name = serverName.toLowerCase();
    const wildcard = `*${name.slice(Math.max(name.indexOf("."), 0))}`;
    return byName.get(name) ?? byName.get(wildcard) ?? general;
  }

  /**
   * Takes other material for connections to come; what is not given stays as it was.
   * @throws the TLS library's error when some of it is not to be used; then everything stays as it was
   */
  replace(material: TlsMaterial): void {
    this.#current = certificates({ ...this.#current.material, ...material }, this.#minVersion);
  }
}

interface Certificates {
  readonly material: TlsMaterial;
  readonly general: SecureContext;
  readonly generalOptions: SecureContextOptions;
  readonly byName: ReadonlyMap<string, SecureContext>;
}

function certificates(material: TlsMaterial, minVersion: SecureVersion): Certificates {
  const generalOptions = contextOptions(material, material, minVersion);
  const byName = new Map<string, SecureContext>();
  for (const [name, credentials] of Object.entries(material.serverNames ?? {})) {
    byName.set(name.toLowerCase(), createSecureContext(contextOptions(credentials, material, minVersion)));
  }
  return { material, general: createSecureContext(generalOptions), generalOptions, byName };
}

function contextOptions(
  { cert, key, passphrase }: TlsCredentials,
  { ca }: TlsMaterial,
  minVersion: SecureVersion,
): SecureContextOptions {
  return {
    cert,
    key,
    minVersion,
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(ca === undefined ? {} : { ca: typeof ca === "string" || Buffer.isBuffer(ca) ? ca : [...ca] }),
  };
}
