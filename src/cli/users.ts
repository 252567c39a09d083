import { printable, printableJson } from "../admin/text.js";
import { userView } from "../admin/user-view.js";
import type { AccountName } from "../auth/source.js";
import type { ServerConfig } from "../server/config.js";
import type { Environment } from "../server/environment.js";
import { nodeHasher } from "../server/hasher.js";
import { accountOfAor, ha1sOf, type UserAccount } from "../server/user-account.js";
import { aorArgument, type DataOptions, withData } from "./data.js";
import { CliError, type CliIo, write } from "./io.js";
import { askPassword, type PasswordOptions } from "./password.js";

const PAGE = 500;

/** `rollcall user add AOR` makes an account; `rollcall user passwd AOR` gives one another password. */
export async function setUser(
  io: CliIo,
  text: string,
  options: DataOptions & PasswordOptions & { readonly expect: "absent" | "present" },
): Promise<void> {
  const aor = userArgument(text);
  const shownName = await withData(options, { what: "accounts", create: false }, async (data, config) => {
    const name = accountName(aor, config);
    const exists = data !== null && (await data.accounts.has(name.user, name.realm));
    if (options.expect === "present" && !exists) throw noSuchUser(name);
    if (options.expect === "absent" && exists) {
      throw new CliError(
        1,
        `${shownAccount(name)} exists already; rollcall user passwd gives it another password`,
      );
    }
    return shownAccount(name);
  });
  // asked for while nothing is open, and before a folder is made
  const password = await askPassword(io, options);
  await withData(options, { what: "accounts", create: true }, async (data, config) => {
    const name = accountName(aor, config);
    await data?.accounts.set(name.user, name.realm, ha1sOf(nodeHasher(), name, password));
  });
  await write(io, `${options.expect === "absent" ? "added" : "gave a new password to"} ${shownName}\n`);
}

/** `rollcall user remove AOR` */
export async function removeUser(io: CliIo, text: string, options: DataOptions): Promise<void> {
  const aor = userArgument(text);
  await withData(options, { what: "accounts", create: false }, async (data, config) => {
    const name = accountName(aor, config);
    if (data === null || !(await data.accounts.remove(name.user, name.realm))) throw noSuchUser(name);
    await write(io, `removed ${shownAccount(name)}\n`);
  });
}

/** `rollcall user list` */
export async function listUsers(
  io: CliIo,
  options: DataOptions & { readonly json?: boolean },
): Promise<void> {
  await withData(options, { what: "accounts", create: false }, async (data) => {
    let separator = "[\n";
    for await (const accounts of pagesOf(data)) {
      let text = "";
      for (const account of accounts) {
        const view = userView(account);
        text +=
          options.json === true
            ? separator + printableJson(view)
            : `${printable(view.aor.slice("sip:".length))}\n`;
        separator = ",\n";
      }
      if (text !== "") await write(io, text);
    }
    if (options.json === true) await write(io, separator === "[\n" ? "[]\n" : "\n]\n");
  });
}

async function* pagesOf(data: Environment | null): AsyncGenerator<readonly AccountName[]> {
  let after: AccountName | null | undefined;
  while (data !== null && after !== null) {
    const page = await data.accounts.list(after === undefined ? { limit: PAGE } : { limit: PAGE, after });
    yield page.accounts;
    after = page.next;
  }
}

/** Key of an address-of-record with a user part; bad usage when it has none. */
function userArgument(text: string): string {
  const aor = aorArgument(text);
  if (accountOfAor(aor, null) === undefined) {
    throw new CliError(2, `"${text}" names no user; expected alice@example.com`);
  }
  return aor;
}

/** The account that speaks for an address that has a user. */
function accountName(aor: string, config: ServerConfig): UserAccount {
  return accountOfAor(aor, config.auth.realm)!;
}

function shownAccount(name: AccountName): string {
  return printable(userView(name).aor.slice("sip:".length));
}

function noSuchUser(name: AccountName): CliError {
  return new CliError(1, `there is no user ${shownAccount(name)}`);
}
