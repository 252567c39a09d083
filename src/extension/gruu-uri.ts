import type { Hasher } from "../auth/source.js";
import { aorDomain, aorOf } from "../location/aor.js";
import type { Binding } from "../location/binding.js";
import { unescapeOnce } from "../message/grammar.js";
import { rawParam } from "../message/params.js";
import { type Rejection, reject } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import { createSealer } from "./seal.js";

/** What a GRUU leads to: some of the bindings of an address-of-record. */
export interface GruuTarget {
  readonly ok: true;
  /** Key of the address-of-record. */
  readonly aor: string;
  /** A temporary GRUU without a binding is no longer valid (404); a public one only has nobody there now (480). */
  readonly isTemporary: boolean;
  /** Is this binding, one of that address-of-record, the GRUU's? */
  holds(binding: Binding): boolean;
}

/** Whose GRUU it is. */
export interface GruuOwner {
  /** Key of the address-of-record. */
  readonly aor: string;
  /** To of the REGISTER: where its port leads to the server, a GRUU's must, too (§5.4). */
  readonly to: SipUri;
}

/** Writes and reads GRUUs. */
export interface GruuUris {
  /**
   * The public GRUU of an instance (RFC 5627 §A.1): its address-of-record with the instance in `gr`.
   * @param scheme of the contact (RFC 5630 §5.2.1)
   */
  publicOf(scheme: "sip" | "sips", owner: GruuOwner, instance: string): string;
  /**
   * A new temporary GRUU (§A.2).
   * @param epoch names the instance and its Call-ID within the address-of-record
   * @param nonce 12 octets in hexadecimal, new every time
   */
  temporaryOf(scheme: "sip" | "sips", owner: GruuOwner, epoch: string, nonce: string): string;
  /** What a URI leads to: 404 for a GRUU that was never ours (§6.1), `undefined` for a URI without `gr`. */
  read(uri: SipUri): GruuTarget | Rejection | undefined;
}

/** User parts of temporary GRUUs start so (§A.2). */
const TEMPORARY = "tgruu.";
const NOT_FOUND = reject(404, "Not Found");

/** @param key latin1 text that all servers of the domain share and that outlives restarts */
export function gruuUris(hasher: Hasher, key: string): GruuUris {
  const sealer = createSealer(hasher, key, "gruu");
  const readTemporary = (user: string, host: string): GruuTarget | Rejection => {
    const text = sealer.open(user.slice(TEMPORARY.length));
    if (text === undefined) return NOT_FOUND;
    const space = text.indexOf(" ");
    const epoch = text.slice(0, space);
    const aor = text.slice(space + 1);
    // no other of our domains ever gave it out
    if (aorDomain(aor) !== host) return NOT_FOUND;
    return {
      ok: true,
      aor,
      isTemporary: true,
      holds: ({ extra }) => extra?.gruu === epoch,
    };
  };
  return {
    publicOf(scheme, { aor, to }, instance) {
      const user = percentEncode(aor.slice("sip:".length, aor.lastIndexOf("@")), NOT_IN_USER);
      const gr = percentEncode(bareInstance(instance), NOT_IN_PARAM);
      return `${scheme}:${user}@${hostPort(to)};gr=${gr}`;
    },
    temporaryOf(scheme, { aor, to }, epoch, nonce) {
      return `${scheme}:${TEMPORARY}${sealer.seal(`${epoch} ${aor}`, nonce)}@${hostPort(to)};gr`;
    },
    read(uri) {
      const gr = rawParam(uri.params, "gr");
      if (gr === undefined) return undefined;
      if (uri.user === null) return NOT_FOUND;
      if (gr === null) return uri.user.startsWith(TEMPORARY) ? readTemporary(uri.user, uri.host) : NOT_FOUND;
      const instance = unescapeOnce(gr)?.toLowerCase();
      if (instance === undefined) return NOT_FOUND;
      return {
        ok: true,
        aor: aorOf(uri),
        isTemporary: false,
        // URI parameters are compared without case (RFC 3261 §19.1.4)
        holds: (binding) =>
          binding.instance !== null && bareInstance(binding.instance).toLowerCase() === instance,
      };
    },
  };
}

function hostPort({ host, port }: SipUri): string {
  return port === null ? host : `${host}:${port}`;
}

/** The instance without the angle brackets that a Contact has round it. */
function bareInstance(instance: string): string {
  return instance.startsWith("<") && instance.endsWith(">") ? instance.slice(1, -1) : instance;
}

/** All but §25.1 unreserved and user-unreserved; `%` because the key of an address-of-record keeps the escapes it needs. */
const NOT_IN_USER = /[^A-Za-z0-9\-_.!~*'()&=+$,;?/%]/g;
/** All but §25.1 paramchar. */
const NOT_IN_PARAM = /[^A-Za-z0-9\-_.!~*'()[\]/:&+$]/g;

function percentEncode(text: string, others: RegExp): string {
  return text.replace(others, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}
