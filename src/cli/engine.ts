import { setFlagsFromString } from "node:v8";

/**
 * Settles how the JavaScript engine of a process places objects, for one that does nothing but serve. V8 watches which
 * lines of code make objects that stay, and from then on makes those of the same line old at once ("pretenuring"). Here
 * one parser makes both what goes with its message and what stays in a table: old at once, every message outlives many
 * rounds of the quick collection, and takes along all that it names.
 */
export function settleEngine(): void {
  setFlagsFromString("--no-allocation-site-pretenuring");
}
