/** A header field to write: its name as it goes on the wire, and its value, both as latin1 text. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** What succeeded, and with what. */
export interface Ok<T> {
  readonly ok: true;
  readonly value: T;
}

/** An expected failure: the SIP status it is answered with, why, and header fields that the answer must carry. */
export interface Rejection {
  readonly ok: false;
  /** SIP status code, 300 to 699. */
  readonly status: number;
  /** Reason phrase of the answer. */
  readonly reason: string;
  /** Header fields that belong to this answer (Min-Expires, Unsupported, Retry-After, …). */
  readonly headers: readonly HeaderField[];
}

export type Result<T> = Ok<T> | Rejection;

/** A value, or a promise of one: what can be answered at once costs no promise. */
export type MaybePromise<T> = T | Promise<T>;

const NO_HEADERS: readonly HeaderField[] = [];

/** Wraps a value that was computed without failure. */
export function ok<T>(value: T): Ok<T> {
  return { ok: true, value };
}

/** An expected failure as a value (RFC 3261 §21 status codes); `throw` is kept for our own bugs. */
export function reject(
  status: number,
  reason: string,
  headers: readonly HeaderField[] = NO_HEADERS,
): Rejection {
  return { ok: false, status, reason, headers };
}

/** What `next` makes of a value: at once when the value is there, later when it is promised. */
export function chain<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All of these values in order: at once when all are there. */
export function together<T>(values: readonly MaybePromise<T>[]): MaybePromise<T[]> {
  const known: T[] = [];
  for (const value of values) {
    if (value instanceof Promise) return Promise.all(values);
    known.push(value);
  }
  return known;
}
