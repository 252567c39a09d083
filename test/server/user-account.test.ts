import { describe, expect, it } from "vitest";
import { accountOfAor, ha1sOf } from "../../src/server/user-account.js";
import { memoryAccounts } from "../../src/storage/memory-accounts.js";
import { answering, hasher, rig } from "./authorize-rig.js";

describe("an account made for an address", () => {
  it.each([
    ["in the realm of its domain", null, "example.com"],
    ["in the one realm of the server", "Office", "Office"],
  ])("%s: alice and alice@example.com both prove it, under every algorithm", async (_, one, realm) => {
    const accounts = memoryAccounts();
    const account = accountOfAor("sip:alice@example.com", one)!;
    await accounts.set(account.user, account.realm, ha1sOf(hasher, account, "secret"));
    for (const algorithm of ["MD5", "SHA-256", "SHA-512-256"] as const) {
      for (const user of ["alice", "alice@example.com"]) {
        const { ask, challenge, authorize } = rig({ source: accounts, realm, algorithms: [algorithm] });
        const right = await ask(answering(await challenge(), { user, algorithm }));
        expect(right.context.identity).toEqual({ user, realm });
        const wrong = await ask(answering(await challenge(), { user, algorithm, password: "guess" }));
        expect(wrong.status).toBe(401);
        authorize.close();
      }
    }
  });

  it("with a domain that is not the account's, the name proves nothing", async () => {
    const accounts = memoryAccounts();
    const account = accountOfAor("sip:alice@example.com", null)!;
    await accounts.set(account.user, account.realm, ha1sOf(hasher, account, "secret"));
    const { ask, challenge } = rig({ source: accounts });
    expect((await ask(answering(await challenge(), { user: "alice@example.net" }))).status).toBe(401);
  });
});
