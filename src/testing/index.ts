export { aBinding } from "./bindings.js";
export { type ManualClock, manualClock } from "./clock.js";
export { seededEntropy } from "./entropy.js";
export { type SharedStore, type StoreCase, sharedStoreContract, storeContract } from "./store-contract.js";
