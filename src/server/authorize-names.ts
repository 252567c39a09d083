import type { Realm, Realms } from "../auth/realms.js";
import { isIpv4, isIpv6, unmapped } from "../message/host.js";
import type { SipUri } from "../message/uri.js";
import { bareHost } from "../message/via.js";
import type { Flow, Leg } from "../port/leg.js";

/** The names that an authoriser takes for its own server: domains of its realms, aliases, and the addresses it listens on. */
export class OwnNames {
  readonly #realms: Realms;
  readonly #legs: readonly Leg[];
  readonly #aliases: ReadonlySet<string>;

  /** @param aliases further names of the server, in any case, IPv6 addresses with or without brackets */
  constructor(realms: Realms, legs: readonly Leg[], aliases: readonly string[]) {
    this.#realms = realms;
    this.#legs = legs;
    this.#aliases = new Set(aliases.map((alias) => plain(alias.toLowerCase())));
  }

  /** The domain of a caller: one that names this server by its address claims to be a user of ours as much as any other. */
  callerDomain({ host, port }: SipUri, leg: Leg, from: Flow): string {
    const { firstDomain } = this.#realms;
    if (firstDomain === undefined || this.#realms.of(host) !== undefined) return host;
    const bare = plain(host);
    const isOurs =
      bare === unmapped(leg.local.address) ||
      bare === unmapped(from.local.address) ||
      this.#aliases.has(bare) ||
      this.#legs.some(({ local }) => unmapped(local.address) === bare);
    if (!isOurs) return host;
    const isHere =
      port === null || port === leg.local.port || this.#legs.some(({ local }) => local.port === port);
    return isHere ? firstDomain : host;
  }

  /** Does a digest-uri name this server for a request of this realm: a domain of it, or an address that was called? */
  isOwn(host: string, port: number | null, realm: Realm, leg: Leg, from: Flow): boolean {
    if (realm.domains === null ? host === realm.name : realm.domains.has(host)) return true;
    const bare = plain(host);
    if (this.#aliases.has(bare)) return true;
    const { address } = leg.local;
    // bound to every address, the one that the client wrote may well be ours
    const isAny = address === "0.0.0.0" || address === "::";
    const isOurs =
      bare === unmapped(address) ||
      bare === unmapped(from.local.address) ||
      (isAny && (isIpv4(bare) || isIpv6(bare)));
    return isOurs && (port === null || port === leg.local.port);
  }
}

/** The one spelling of an address, whichever way it was written: a socket for both families is called by both. */
function plain(host: string): string {
  return unmapped(bareHost(host));
}
