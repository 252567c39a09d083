import { canonicalHost, isIpv4, isIpv6 } from "../message/host.js";
import { chain, type MaybePromise, ok, type Result, reject, together } from "../message/result.js";
import { bareHost } from "../message/via.js";
import { defaultPort, type Transport } from "../port/leg.js";
import type { Target } from "./resolve.js";
import type { Found } from "./resolve-cache.js";
import type { AddressRecord, NaptrRecord, SrvRecord } from "./resolve-dns.js";
import { isSecure, orderSrv, type Service, srvName, usableServices } from "./resolve-order.js";

/** Where the answers of the name service come from; none of these ever rejects. */
export interface Lookups {
  naptr(name: string): MaybePromise<Found<NaptrRecord>>;
  srv(name: string): MaybePromise<Found<SrvRecord>>;
  /** One answer for each family, in the order to try them. */
  addresses(name: string): readonly MaybePromise<Found<AddressRecord>>[];
  /** The loopback addresses of those families. */
  readonly loopback: readonly string[];
}

/** What is looked for (RFC 3263 §4). */
export interface Question {
  /** TARGET: a name, or an address, an IPv6 one with or without brackets. */
  readonly host: string;
  readonly port: number | null;
  /** The one transport to use, or `undefined` for the server to choose. */
  readonly transport: Transport | undefined;
  readonly secure: boolean;
  /** Transports that there is a leg for, preferred ones first. */
  readonly transports: readonly Transport[];
  /** Name to verify in a certificate. */
  readonly serverName: string | undefined;
}

/** NAPTR records and SRV records that are followed, and targets that are handed on. */
const MOST_SERVICES = 8;
const MOST_RECORDS = 16;
const MOST_TARGETS = 32;

/** What SRV records lead to; `undefined` when there are none, so that the name's own addresses are looked for (§4.2). */
type SrvTargets = readonly Target[] | undefined;

/** One search for the servers of one name. */
export class Search {
  readonly #lookups: Lookups;
  readonly #question: Question;
  readonly #unit: (() => number) | undefined;
  /** Did the name service fail to answer something? */
  #silent = false;
  /** Was there an address, and no transport of ours to it? */
  #outOfReach = false;

  /** @param unit numbers in [0, 1) for the weights of SRV records; `undefined` for the same order each time */
  constructor(lookups: Lookups, question: Question, unit: (() => number) | undefined) {
    this.#lookups = lookups;
    this.#question = question;
    this.#unit = unit;
  }

  /** The servers in the order to try them; 404 when there are none, 503 when that is not certain. */
  run(): MaybePromise<Result<readonly Target[]>> {
    const { host, port, transport } = this.#question;
    const address = bareHost(host);
    if (isIpv4(address) || isIpv6(address)) return this.#result(this.#at([address], port));
    const name = nameToAsk(host);
    if (name === undefined) return reject(404, "Host Not Found");
    if (port !== null || isLocalhost(name))
      return chain(this.#named(name, port), (found) => this.#result(found));
    const found = transport === undefined ? this.#byNaptr(name) : this.#bySrv(name, [transport]);
    return chain(found, (targets) => this.#result(targets));
  }

  /** §4.1: no transport asked for: the domain says by NAPTR which it offers, and where the SRV records are. */
  #byNaptr(name: string): MaybePromise<readonly Target[]> {
    return chain(this.#lookups.naptr(name), (answer) => {
      const services = usableServices(this.#records(answer), this.#question);
      return chain(this.#firstOf(services, 0), (found) => {
        if (found.length > 0) return found;
        // §4.1: without NAPTR records, SRV records of the transports that may carry this scheme, without names of their own
        const { secure, transports } = this.#question;
        const plain = transports.filter((transport) => (secure ? transport === "tls" : isPlain(transport)));
        return this.#bySrv(name, plain);
      });
    });
  }

  /** The targets of the first service that has any; a name service that is silent is not asked for all of them. */
  #firstOf(services: readonly Service[], at: number): MaybePromise<readonly Target[]> {
    const service = services[at];
    if (service === undefined || at === MOST_SERVICES || this.#silent) return [];
    return chain(this.#srvTargets(service), (found) =>
      found !== undefined && found.length > 0 ? found : this.#firstOf(services, at + 1),
    );
  }

  /** §4.2: the SRV records of these transports, the first that has any; else the addresses of the name itself. */
  #bySrv(name: string, transports: readonly Transport[]): MaybePromise<readonly Target[]> {
    const answers = transports.map((transport) =>
      this.#srvTargets({ transport, srvName: srvName(transport, name) }),
    );
    return chain(together(answers), (found) => {
      const offered = found.find((targets) => targets !== undefined && targets.length > 0);
      if (offered !== undefined) return offered;
      // RFC 2782: a domain that says it does not offer a service means it
      return found.some((targets) => targets !== undefined) ? [] : this.#named(name, null);
    });
  }

  #srvTargets(service: Service): MaybePromise<SrvTargets> {
    return chain(this.#lookups.srv(service.srvName), (answer) => {
      const records = this.#records(answer);
      if (records.length === 0) return undefined;
      const offered = records.filter(({ name }) => name !== "" && name !== ".");
      const ordered = orderSrv(offered, this.#unit).slice(0, MOST_RECORDS);
      const found = ordered.map(({ name, port }) =>
        chain(this.#addresses(name), (addresses) => this.#targets(addresses, port, service.transport)),
      );
      return chain(together(found), (lists) => lists.flat());
    });
  }

  /** The addresses of a name as targets, at a port or the default one. */
  #named(name: string, port: number | null): MaybePromise<readonly Target[]> {
    return chain(this.#addresses(name), (addresses) => this.#at(addresses, port));
  }

  #addresses(name: string): MaybePromise<readonly string[]> {
    if (isLocalhost(name)) return this.#lookups.loopback;
    return chain(together(this.#lookups.addresses(name)), (answers) =>
      answers.flatMap((answer) => {
        const addresses = this.#records(answer).map(({ address }) => address);
        // name servers turn the order of addresses round
        return this.#unit === undefined ? addresses.sort() : addresses;
      }),
    );
  }

  /** Targets at the transport that was asked for, or the default of the scheme (§4.1: UDP, or TLS over TCP for SIPS). */
  #at(addresses: readonly string[], port: number | null): readonly Target[] {
    const { transport = this.#defaultTransport() } = this.#question;
    if (transport !== undefined) return this.#targets(addresses, port ?? defaultPort(transport), transport);
    this.#outOfReach = addresses.length > 0;
    return [];
  }

  #defaultTransport(): Transport | undefined {
    const { secure, transports } = this.#question;
    if (secure) return transports.find((one) => one === "tls");
    return transports.find((one) => one === "udp") ?? transports.find(isPlain);
  }

  #targets(addresses: readonly string[], port: number, transport: Transport): Target[] {
    const { serverName } = this.#question;
    const name = isSecure(transport) && serverName !== undefined ? { serverName } : {};
    return addresses.map((address) => ({ transport, address, port, ...name }));
  }

  /** The records of an answer; none when there is none, which is remembered. */
  #records<T>(answer: Found<T>): readonly T[] {
    if (typeof answer !== "string") return answer;
    this.#silent = true;
    return [];
  }

  #result(targets: readonly Target[]): Result<readonly Target[]> {
    if (targets.length > 0) return ok(withoutTwins(targets).slice(0, MOST_TARGETS));
    if (this.#outOfReach) return NO_TRANSPORT;
    return this.#silent ? reject(503, "No Answer From Name Service") : reject(404, "Host Not Found");
  }
}

/** Nothing of ours gets there. */
export const NO_TRANSPORT = reject(503, "No Transport To Next Hop");

/** Each place once: several records may lead to it. */
function withoutTwins(targets: readonly Target[]): readonly Target[] {
  if (targets.length === 1) return targets;
  const places = new Set<string>();
  return targets.filter(({ transport, address, port }) => {
    const before = places.size;
    return places.add(`${transport} ${address} ${port}`).size > before;
  });
}

/** UDP and TCP: what a SIP URI may be sent over without being asked to (§4.1). */
function isPlain(transport: Transport): boolean {
  return transport === "udp" || transport === "tcp";
}

/** A host name as it is asked for; `undefined` for what is none, as a `maddr` may be. */
function nameToAsk(host: string): string | undefined {
  const name = canonicalHost(host);
  return name?.endsWith(".") ? name.slice(0, -1) : name;
}

/** RFC 6761 §6.3: these names are the loopback address, and never asked for. */
function isLocalhost(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost");
}
