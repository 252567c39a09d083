import type { Hasher } from "../auth/source.js";
import type { Binding, Bindings } from "../location/binding.js";
import { quote } from "../message/grammar.js";
import { NO_PARAMS } from "../message/params.js";
import { ok, type Rejection, type Result, reject } from "../message/result.js";
import { equalSipUris, type SipUri } from "../message/uri.js";
import type { Entropy } from "../port/entropy.js";
import type { RegisterFacts } from "../registrar/decide.js";
import type { RegisterDraft } from "../registrar/draft.js";
import type { RegistrarExtension } from "../registrar/extension.js";
import { type GruuTarget, type GruuUris, gruuUris } from "./gruu-uri.js";

export interface GruuOptions {
  readonly hasher: Hasher;
  readonly entropy: Entropy;
  /** Latin1 text that all servers of the domain share and that outlives restarts: with another, temporary GRUUs are invalid. */
  readonly key: string;
}

/** GRUUs given to phones, and led back to their bindings. */
export interface Gruu extends RegistrarExtension {
  /** What a Request-URI leads to: 404 for a GRUU that is none of ours (RFC 5627 §6.1), `undefined` for a URI without `gr`. */
  resolve(uri: SipUri): GruuTarget | Rejection | undefined;
}

const LOOP = reject(403, "Contact Is the Address-of-Record");
const NO_SIP = reject(403, "Contact of an Instance Is No SIP URI");
const NOT_FOUND = reject(404, "Not Found");
const NOBODY = reject(480, "Temporarily Unavailable");

/**
 * GRUU (RFC 5627 §5): a phone with an instance that supports it gets a public GRUU, which stays the same, and with every
 * answer a new temporary one. Temporary ones carry all they need, sealed; they stay good until the instance registers with
 * another Call-ID or its last binding ends. What is kept for that is one mark on each of the instance's bindings: its epoch.
 */
export function gruu({ hasher, entropy, key }: GruuOptions): Gruu {
  const uris = gruuUris(hasher, key);
  return {
    name: "gruu",
    optionTag: "gruu",
    // §5.2: the tag stands neither in Require nor in Supported of an answer
    announced: false,
    ownParams: ["pub-gruu", "temp-gruu"],
    examine: (draft) => examine(draft, uris),
    bind: (binding, previous, set, facts, nowMs) => bind(binding, previous, set, facts, nowMs, hasher),
    contactParams(draft, { uri, instance, extra }) {
      if (instance === null || !draft.supports("gruu")) return "";
      const scheme = uri.slice(0, 5).toLowerCase() === "sips:" ? "sips" : "sip";
      let params = `;pub-gruu=${quote(uris.publicOf(scheme, draft, instance))}`;
      if (extra?.gruu !== undefined) {
        const temporary = uris.temporaryOf(scheme, draft, extra.gruu, entropy.hex(12));
        params += `;temp-gruu=${quote(temporary)}`;
      }
      return params;
    },
    resolve: (uri) => uris.read(uri),
  };
}

/**
 * The bindings a GRUU leads to, the latest refreshed first (RFC 5627 §6.1).
 * @param live those of its address-of-record that have not expired
 * @returns 404 for a temporary GRUU that is no longer valid, 480 for a public one whose instance is not there
 */
export function bindingsOf(target: GruuTarget, live: Bindings): Result<Bindings> {
  const held = live.filter((binding) => target.holds(binding));
  if (held.length === 0) return target.isTemporary ? NOT_FOUND : NOBODY;
  return ok(held.sort((a, b) => b.updatedAtMs - a.updatedAtMs));
}

/** §5.1: contacts of an instance that would lead back to the address-of-record itself. */
function examine(draft: RegisterDraft, uris: GruuUris): Rejection | undefined {
  for (const { instance, sipUri, askedSec } of draft.contacts) {
    if (instance === null || askedSec === 0) continue;
    if (sipUri === undefined) return NO_SIP;
    const { user, host, port } = draft.to;
    const own = { ...sipUri, user, host, port, password: null, params: NO_PARAMS, headers: null };
    if (equalSipUris(own, sipUri)) return LOOP;
    const target = uris.read(sipUri);
    if (target?.ok === true && target.aor === draft.aor) return LOOP;
  }
  return undefined;
}

/**
 * §5.1: the epoch of a binding's instance. It stays while the Call-ID does; with another Call-ID a new one begins, for every
 * binding of the instance, and with it all earlier temporary GRUUs end.
 */
function bind(
  binding: Binding,
  previous: Binding | undefined,
  set: Binding[],
  facts: RegisterFacts,
  nowMs: number,
  hasher: Hasher,
): Binding {
  const { instance, regId, callId } = binding;
  if (instance === null || !(facts.supports("gruu") || epochOf(previous) !== undefined)) return binding;
  if (previous?.instance === instance && previous.callId === callId && previous.extra?.gruu !== undefined)
    return withEpoch(binding, previous.extra.gruu);

  let latest: Binding | undefined;
  let shared: string | undefined;
  for (const other of set) {
    if (other.instance !== instance) continue;
    shared ??= epochOf(other);
    const counts = other === previous || regId === null || other.regId === regId;
    if (counts && (latest === undefined || other.updatedAtMs >= latest.updatedAtMs)) latest = other;
  }
  if (shared !== undefined && (latest === undefined || latest.callId === callId))
    return withEpoch(binding, shared);
  const mark = hasher.digest("SHA-256", `${instance} ${callId} ${facts.cseq} ${nowMs}`).slice(0, 12);
  for (let i = 0; i < set.length; i++) {
    const other = set[i]!;
    if (other.instance === instance && other !== previous) set[i] = withEpoch(other, mark);
  }
  return withEpoch(binding, mark);
}

function epochOf(binding: Binding | undefined): string | undefined {
  return binding?.extra?.gruu;
}

function withEpoch(binding: Binding, epoch: string): Binding {
  return { ...binding, extra: { ...binding.extra, gruu: epoch } };
}
