import { Command, Option } from "commander";
import { printable } from "../admin/text.js";
import { version } from "../server/version.js";
import { withoutCredentials } from "../server/without-credentials.js";
import type { DataOptions } from "./data.js";
import { adminFlag, domainFlag, listenFlag, type ServeFlags, secondsFlag, storeFlag } from "./flags.js";
import type { CliIo } from "./io.js";
import type { PasswordOptions } from "./password.js";

// what only one command needs is loaded by that command: none waits for what it does not use
const bindings = () => import("./bindings.js");
const users = () => import("./users.js");

const AOR = "alice@example.com or sip:alice@example.com";

/**
 * The commands and their flags.
 * @param ended told the status of a command that ends with one of its own
 */
export function program(io: CliIo, ended: (status: number) => void): Command {
  const root = new Command("rollcall")
    .description("A SIP registrar that knows where every phone is.")
    .version(version())
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      outputError: (text, print) => print(`${oneLine(text)}\n`),
    })
    .exitOverride();
  serveCommand(root, io, ended);
  userCommands(root, io);
  bindingCommands(root, io);
  root
    .command("check")
    .description("validate a configuration file: exit 0, or 2 with the line and the reason")
    .requiredOption("--config <file>", "YAML configuration")
    .action(async (options: { readonly config: string }) =>
      (await import("./check.js")).check(io, options.config),
    );
  return root;
}

/** What commander has to say, on one line, and without a password that stands in a URL. */
function oneLine(text: string): string {
  const line = text
    .trim()
    .replace(/^error: /, "")
    .replace(/\s*\n\s*/g, " ");
  return `rollcall: ${printable(withoutCredentials(line))}`;
}

function serveCommand(root: Command, io: CliIo, ended: (status: number) => void): void {
  root
    .command("serve")
    .description("run the registrar")
    .option("--config <file>", "YAML configuration; flags win over it")
    .option(
      "--listen <uri>",
      "udp:HOST:PORT, tcp:, tls:, ws:, wss:; IPv6 as udp:[::1]:5060; port 0 = any; repeatable (default: udp:127.0.0.1:5060, tcp:127.0.0.1:5060, ws:127.0.0.1:5066)",
      listenFlag,
    )
    .option(
      "--domain <name>",
      "domain that the registrar is responsible for; repeatable (default: every domain)",
      domainFlag,
    )
    .option("--data <dir>", "folder of the embedded store (default: ./rollcall-data)")
    .option("--store <url>", "memory: or lmdb:DIR (default: lmdb: and the data folder)", storeFlag)
    .option("--open", "accept REGISTER without credentials")
    .option("--min-expires <seconds>", "shorter requests are answered 423 (default: 30)", secondsFlag(0))
    .option("--max-expires <seconds>", "longest grant (default: 3600)", secondsFlag(1))
    .option(
      "--default-expires <seconds>",
      "granted when a REGISTER asks for nothing (default: 3600)",
      secondsFlag(1),
    )
    .option(
      "--admin <address>",
      "HOST:PORT of admin API, status page, metrics and health, or off (default: 127.0.0.1:8060)",
      adminFlag,
    )
    .option("--tls-cert <file>", "certificate chain for tls: and wss:, PEM")
    .option("--tls-key <file>", "its private key, PEM")
    .addOption(
      new Option("--log-level <level>", "least level that is logged (default: info)").choices([
        "debug",
        "info",
        "warn",
        "error",
      ]),
    )
    .action(async (flags: ServeFlags) => ended(await (await import("./serve.js")).serve(io, flags)));
}

function userCommands(root: Command, io: CliIo): void {
  const user = root.command("user").description("accounts of the embedded store");
  withPassword(
    withDataOptions(user.command("add").description("make an account").argument("<aor>", AOR)),
  ).action(async (aor: string, options: DataOptions & PasswordOptions) =>
    (await users()).setUser(io, aor, { ...options, expect: "absent" }),
  );
  withDataOptions(user.command("list").description("every account"))
    .option("--json", "as a JSON array")
    .action(async (options: DataOptions & { readonly json?: boolean }) =>
      (await users()).listUsers(io, options),
    );
  withDataOptions(user.command("remove").description("take an account away").argument("<aor>", AOR)).action(
    async (aor: string, options: DataOptions) => (await users()).removeUser(io, aor, options),
  );
  withPassword(
    withDataOptions(
      user.command("passwd").description("give an account another password").argument("<aor>", AOR),
    ),
  ).action(async (aor: string, options: DataOptions & PasswordOptions) =>
    (await users()).setUser(io, aor, { ...options, expect: "present" }),
  );
}

function bindingCommands(root: Command, io: CliIo): void {
  type Options = DataOptions & { readonly json?: boolean };
  withDataOptions(root.command("dump").description("every binding"))
    .option("--json", "as a JSON array")
    .action(async (options: Options) => (await bindings()).dump(io, options));
  withDataOptions(root.command("show").description("one address-of-record").argument("<aor>", AOR))
    .option("--json", "as a JSON object")
    .action(async (aor: string, options: Options) => (await bindings()).show(io, aor, options));
  withDataOptions(
    root
      .command("remove")
      .description("take a binding, or all of an address-of-record, away")
      .argument("<aor>", AOR)
      .argument("[contact-uri]", "contact to take away; all when not given"),
  ).action(async (aor: string, contact: string | undefined, options: DataOptions) =>
    (await bindings()).remove(io, aor, contact, options),
  );
  withDataOptions(
    root.command("explain").description("why a phone can or cannot be reached now").argument("<aor>", AOR),
  )
    .option("--json", "as a JSON object")
    .action(async (aor: string, options: Options) => (await bindings()).explainAor(io, aor, options));
}

function withDataOptions(command: Command): Command {
  return command
    .option("--data <dir>", "folder of the embedded store (default: ./rollcall-data)")
    .option("--config <file>", "YAML configuration that names the folder and the realm");
}

function withPassword(command: Command): Command {
  return command
    .option("--password <password>", "the password; others on this machine can see it while the command runs")
    .option("--password-stdin", "read the password from the first line of stdin");
}
