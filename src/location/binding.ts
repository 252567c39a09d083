/**
 * One contact that an address-of-record is bound to (RFC 3261 §10). Times are milliseconds since the Unix epoch.
 * All texts are latin1, as they came.
 */
export interface Binding {
  /** Contact URI as the phone wrote it. */
  readonly uri: string;
  /** Header parameters of the Contact to give back, as written but without `expires` and `q`: `;+sip.instance="<…>";methods="…"`; `""` without any. */
  readonly params: string;
  readonly expiresAtMs: number;
  /** Preference in thousandths: 1000 is q=1, also when none was given (§20.10). */
  readonly qMilli: number;
  readonly callId: string;
  /** CSeq sequence number of the REGISTER that wrote it last. */
  readonly cseq: number;
  readonly userAgent: string | null;
  /** Where that REGISTER came from: `udp:198.51.100.4:61002`, IPv6 in brackets. */
  readonly received: string;
  /** Token of the connection it came over; `null` over UDP. Bindings whose connection is gone are not called. */
  readonly flow: string | null;
  /** Path vector, topmost first (RFC 3327 §5.3). */
  readonly path: readonly string[];
  /** `+sip.instance` without the outer quotes, e.g. `<urn:uuid:…>`, or `null`. */
  readonly instance: string | null;
  /** reg-id (RFC 5626 §4.2), or `null`. */
  readonly regId: number | null;
  readonly registeredAtMs: number;
  readonly updatedAtMs: number;
  /** What extensions keep with it, by their own name; absent when none does. */
  readonly extra?: Readonly<Record<string, string>>;
}

/** The bindings of one address-of-record, in the order they were made. */
export type Bindings = readonly Binding[];

export const NO_BINDINGS: Bindings = [];
