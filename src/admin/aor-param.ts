import { HttpError } from "./http-error.js";
import { typedAor } from "./text.js";

/** Key of the address-of-record in a path; 400 when it is none. */
export function aorIn(text: string): string {
  const aor = typedAor(text);
  if (aor === undefined) throw new HttpError(400, "no address-of-record; expected alice@example.com");
  return aor;
}

/** An opaque cursor as the key behind which a page goes on; 400 when it is none of ours. */
export function keyOfCursor(cursor: string): string {
  const key = Buffer.from(cursor, "base64url").toString("latin1");
  if (cursorOfKey(key) !== cursor) throw new HttpError(400, "no cursor of this interface");
  return key;
}

/** A key as a cursor that stands in a URL as it is. */
export function cursorOfKey(key: string): string {
  return Buffer.from(key, "latin1").toString("base64url");
}
