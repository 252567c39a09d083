export { type ManualClock, manualClock } from "./clock.js";
export { seededEntropy } from "./entropy.js";
