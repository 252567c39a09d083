/** Bounds on what a peer may send; beyond them a message is refused, never truncated. All sizes in octets. */
export interface MessageLimits {
  /** Whole message on any transport. */
  readonly messageOctets: number;
  /** Start line and all header fields together. */
  readonly headerOctets: number;
  /** One header field value, folds included. */
  readonly fieldOctets: number;
  /** Header field lines. */
  readonly fields: number;
  /** Elements of one comma-separated header (Via, Contact, Route, Path, …) over all its lines. */
  readonly elements: number;
}

export const DEFAULT_LIMITS: MessageLimits = {
  messageOctets: 65_535,
  headerOctets: 32_768,
  fieldOctets: 8_192,
  fields: 256,
  elements: 100,
};

/** For a text that was made here of a message within its limits: our own fields may have carried it over them. */
export const OWN_LIMITS: MessageLimits = {
  messageOctets: Number.POSITIVE_INFINITY,
  headerOctets: Number.POSITIVE_INFINITY,
  fieldOctets: Number.POSITIVE_INFINITY,
  fields: Number.POSITIVE_INFINITY,
  elements: Number.POSITIVE_INFINITY,
};

/** Parameters of one URI, or of one header field element; a text with more is malformed. */
export const MAX_PARAMS = 100;
