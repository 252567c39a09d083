import { type AorView, aorView, type ContactView } from "../admin/contact.js";
import { duration, type Explanation, explain } from "../admin/explain.js";
import { removeBindings } from "../admin/remove.js";
import { printable, printableJson, shown } from "../admin/text.js";
import { utf8Octets } from "../auth/digest.js";
import { NO_BINDINGS } from "../location/binding.js";
import { isAbsoluteUri } from "../message/uri.js";
import type { Environment } from "../server/environment.js";
import { accountOfAor } from "../server/user-account.js";
import { aorArgument, type DataNeeds, type DataOptions, withData } from "./data.js";
import { CliError, type CliIo, complain, write } from "./io.js";
import { table } from "./table.js";

interface JsonOption {
  readonly json?: boolean;
}

/** Records read at a time: what a dump holds in memory. */
const PAGE = 500;

const READ_BINDINGS: DataNeeds = { what: "bindings", create: false, access: "read" };

/** `rollcall dump`: every live binding. */
export async function dump(io: CliIo, options: DataOptions & JsonOption): Promise<void> {
  await withData(options, READ_BINDINGS, async (data, config) => {
    if (data === null) complain(io, `there is no data folder ${config.dataDirectory} yet`);
    const views = data === null ? noViews() : liveViews(data, io);
    await (options.json === true ? dumpJson(io, views) : dumpTable(io, views));
  });
}

async function* noViews(): AsyncGenerator<AorView[]> {}

/** Pages of what is registered now. */
async function* liveViews(data: Environment, io: CliIo): AsyncGenerator<AorView[]> {
  let after: string | null = "";
  while (after !== null) {
    const page = await data.locations.scan(after === "" ? { limit: PAGE } : { limit: PAGE, after });
    const nowMs = io.nowMs();
    yield page.records.flatMap(({ aor, bindings }) => aorView(aor, bindings, nowMs) ?? []);
    after = page.next;
  }
}

async function dumpJson(io: CliIo, pages: AsyncIterable<AorView[]>): Promise<void> {
  let separator = "[\n";
  for await (const views of pages) {
    let text = "";
    for (const view of views) {
      text += separator + printableJson(view);
      separator = ",\n";
    }
    if (text !== "") await write(io, text);
  }
  await write(io, separator === "[\n" ? "[]\n" : "\n]\n");
}

async function dumpTable(io: CliIo, pages: AsyncIterable<AorView[]>): Promise<void> {
  const lines = table([
    { title: "ADDRESS" },
    { title: "CONTACT" },
    { title: "EXPIRES", align: "right" },
    { title: "Q", align: "right" },
    { title: "RECEIVED" },
    { title: "USER-AGENT" },
  ]);
  let aors = 0;
  let contacts = 0;
  for await (const views of pages) {
    const rows = views.flatMap((view) => view.contacts.map((contact) => dumpRow(view.aor, contact)));
    aors += views.length;
    contacts += rows.length;
    if (rows.length > 0) await write(io, lines.lines(rows));
  }
  await write(io, `${count(contacts, "contact")} of ${count(aors, "address", "addresses")}\n`);
}

function dumpRow(aor: string, contact: ContactView): string[] {
  return [
    aor,
    contact.uri,
    String(contact.expires),
    String(contact.q),
    contact.received,
    contact.userAgent ?? "-",
  ];
}

function count(amount: number, one: string, many = `${one}s`): string {
  return `${amount} ${amount === 1 ? one : many}`;
}

/** `rollcall show AOR`: one address-of-record. */
export async function show(io: CliIo, text: string, options: DataOptions & JsonOption): Promise<void> {
  const aor = aorArgument(text);
  await withData(options, READ_BINDINGS, async (data) => {
    const view = data === null ? undefined : aorView(aor, await data.locations.read(aor), io.nowMs());
    if (view === undefined) throw notRegistered(aor);
    await write(io, options.json === true ? `${printableJson(view, 2)}\n` : showText(view, io.nowMs()));
  });
}

function notRegistered(aor: string): CliError {
  return new CliError(1, `${printable(shown(aor))} is not registered`);
}

function showText(view: AorView, nowMs: number): string {
  let out = `${printable(view.aor)}: ${count(view.contacts.length, "contact")}\n`;
  for (const contact of view.contacts) {
    const facts: readonly (readonly [string, string | null])[] = [
      ["expires in", duration(contact.expires * 1000)],
      ["q", String(contact.q)],
      ["received", contact.received],
      ["user agent", contact.userAgent],
      ["path", contact.path.length === 0 ? null : contact.path.join(", ")],
      ["instance", contact.instance],
      ["reg-id", contact.regId === null ? null : String(contact.regId)],
      ["call-id", contact.callId],
      ["cseq", String(contact.cseq)],
      ["registered", since(contact.registeredAt, nowMs)],
      ["updated", since(contact.updatedAt, nowMs)],
    ];
    out += `\n  ${printable(contact.uri)}\n`;
    for (const [name, value] of facts)
      if (value !== null) out += `    ${name.padEnd(12)}${printable(value)}\n`;
  }
  return out;
}

function since(at: string, nowMs: number): string {
  return `${at} (${duration(nowMs - Date.parse(at))} ago)`;
}

/** `rollcall remove AOR [CONTACT-URI]`: takes a binding, or all of an address-of-record, away. */
export async function remove(
  io: CliIo,
  text: string,
  contact: string | undefined,
  options: DataOptions,
): Promise<void> {
  const aor = aorArgument(text);
  if (contact !== undefined && !isAbsoluteUri(utf8Octets(contact))) {
    throw new CliError(2, `"${printable(contact)}" is no contact URI; expected sip:alice@192.0.2.7:5060`);
  }
  await withData(options, { what: "bindings", create: false }, async (data) => {
    if (data === null) throw notRegistered(aor);
    const nowMs = io.nowMs();
    const which = contact === undefined ? { nowMs } : { nowMs, contact: utf8Octets(contact) };
    const removed = await removeBindings(data.locations, aor, which);
    if (removed === 0) {
      const isRegistered = aorView(aor, await data.locations.read(aor), nowMs) !== undefined;
      throw isRegistered
        ? new CliError(1, `${printable(shown(aor))} has no contact ${printable(contact ?? "")}`)
        : notRegistered(aor);
    }
    await write(io, `removed ${count(removed, "contact")} of ${printable(shown(aor))}\n`);
  });
}

/** `rollcall explain AOR`: why a phone can or cannot be reached now. */
export async function explainAor(io: CliIo, text: string, options: DataOptions & JsonOption): Promise<void> {
  const aor = aorArgument(text);
  await withData(options, READ_BINDINGS, async (data, config) => {
    const account = accountOfAor(aor, config.auth.realm);
    const knowsAccounts = config.accounts.every(({ kind }) => kind === "store");
    const hasAccount =
      account === undefined || !knowsAccounts
        ? undefined
        : data !== null && (await data.accounts.has(account.user, account.realm));
    const bindings = data === null ? NO_BINDINGS : await data.locations.read(aor);
    const explanation = explain(aor, bindings, { nowMs: io.nowMs(), hasAccount });
    if (bindings.length === 0 && hasAccount !== true) {
      throw new CliError(1, `${printable(explanation.aor)}: ${explanation.summary}`);
    }
    await write(
      io,
      options.json === true ? `${printableJson(explanation, 2)}\n` : explanationText(explanation),
    );
  });
}

function explanationText({ aor, summary, contacts }: Explanation): string {
  let out = `${printable(aor)}: ${summary}\n`;
  for (const { uri, facts } of contacts) {
    out += `\n  ${printable(uri)}\n`;
    for (const fact of facts) out += `    - ${printable(fact)}\n`;
  }
  return out;
}
