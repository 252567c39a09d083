import { describe, expect, it } from "vitest";
import { typedAor } from "../../src/admin/text.js";
import { quote } from "../../src/message/grammar.js";
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

  it.each([
    ["o%22brien", 'o"brien'],
    ["a%5cb", "a\\b"],
    ["a%5C%22b", 'a\\"b'],
    ["a%3Ab", "a:b"],
    ["a%40b", "a@b"],
    ["50%25", "50%"],
    ["%3Ca%20b%3E", "<a b>"],
    ["%61lice", "alice"],
  ])("RFC 3261 §25.1: of %s, whose name comes in quotes", async (escaped, user) => {
    const accounts = memoryAccounts();
    const account = accountOfAor(typedAor(`${escaped}@example.com`)!, null)!;
    expect(account).toEqual({ user, realm: "example.com", domain: "example.com" });
    await accounts.set(account.user, account.realm, ha1sOf(hasher, account, "secret"));
    const { ask, challenge } = rig({ source: accounts });
    for (const name of [user, `${user}@example.com`]) {
      const parts = { user: name, overrides: { username: quote(name) } };
      const to = { to: `sip:${escaped}@example.com` };
      const right = await ask(answering(await challenge(), parts, to));
      expect(right.context.identity).toEqual({ user: name, realm: "example.com" });
      const wrong = await ask(answering(await challenge(), { ...parts, password: "guess" }, to));
      expect(wrong.status).toBe(401);
      // nobody else's address
      expect((await ask(answering(await challenge(), parts))).status).toBe(
        user === "alice" ? undefined : 403,
      );
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
