import type { Bindings } from "../location/binding.js";
import type { MaybePromise, Rejection, Result } from "../message/result.js";
import type { SipUri } from "../message/uri.js";
import type { OpenRoute } from "./route.js";

/** What a GRUU stands for (RFC 5627 §6.1): an address-of-record, and those of its bindings that it means. */
export interface GruuTarget {
  readonly ok: true;
  readonly aor: string;
  /**
   * Those of the live bindings of the address-of-record that the GRUU means, the one to try first at the front.
   * @returns 404 for a temporary GRUU that is valid no more, 480 for an instance that is not there
   */
  bindings(live: Bindings): Result<Bindings>;
}

/** Where extensions join in. */
export interface ProxyHooks {
  /**
   * Called for a Request-URI of ours with a `gr` parameter.
   * @returns a rejection for a GRUU that is none of ours; `undefined` for a URI that is to be looked up as any other
   */
  readonly resolveGruu?: (uri: SipUri) => MaybePromise<GruuTarget | Rejection | undefined>;
  /** Called for a Route value that names this server and has a user part which the proxy did not make itself. */
  readonly openRoute?: OpenRoute;
}
