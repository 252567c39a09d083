import { aorDomain, MAX_AOR_OCTETS } from "../location/aor.js";
import { type ScanOptions, StoreError } from "../location/store.js";

/** Most records on one page of a scan. */
const MAX_PAGE = 1000;

/** Which addresses-of-record a scan wants, and how many of them. */
export interface ScanFilter {
  readonly limit: number;
  matches(aor: string): boolean;
}

/** Reads the options of a scan; a limit outside 1 to 1000 is taken as the nearest of the two. */
export function scanFilter({ domain, search, limit }: ScanOptions): ScanFilter {
  const wanted = search?.toLowerCase() ?? "";
  return {
    limit: Math.max(1, Math.min(MAX_PAGE, Math.floor(limit) || 1)),
    matches: (aor) =>
      (domain === undefined || aorDomain(aor) === domain) &&
      (wanted === "" || aor.toLowerCase().includes(wanted)),
  };
}

/** What calls on a closed store get. */
export function storeClosed(): StoreError {
  return new StoreError("closed", "the store is closed");
}

/** Lets the other work of the process go on before the next slice of a long one. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** Refuses a key that no store keeps, before anything is decided on it. */
export function checkAor(aor: string): void {
  if (aor.length > MAX_AOR_OCTETS) {
    throw new StoreError("too-large", `an address-of-record of more than ${MAX_AOR_OCTETS} octets`);
  }
  if (aor === "") throw new RangeError("an address-of-record is not empty");
}
