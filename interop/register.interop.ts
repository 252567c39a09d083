import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ContactView } from "../src/admin/contact.js";
import { type Answer, answersIn } from "./support/answers.js";
import { describeWith } from "./support/peers.js";
import { freePort } from "./support/ports.js";
import { type Program, startProgram } from "./support/program.js";
import { run } from "./support/run.js";
import { rollcall, type ServerUnderTest, serve, temporaryFolder } from "./support/server.js";
import { until } from "./support/until.js";
import { contactsOverHttp, contactsShown, dumped } from "./support/views.js";

type Transport = "udp" | "tcp";
const TRANSPORTS: readonly Transport[] = ["udp", "tcp"];
const SCENARIOS = join(import.meta.dirname, "scenarios");
const NET_SIP_PHONE = join(import.meta.dirname, "scripts", "net-sip-phone.pl");
const PASSWORD = "wonderland";
const WRONG = "looking-glass";

/** C3: how soon a binding goes with its connection. */
const GONE_MS = 1_000;

interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** `rollcall dump`, `rollcall show` and the admin interface say the same: this one contact, with about these seconds left. */
async function expectRegistered(
  server: ServerUnderTest,
  aor: string,
  expected: Partial<ContactView> & { readonly expires: number },
): Promise<void> {
  const { expires, ...facts } = expected;
  const [shown, dump, told] = await Promise.all([
    contactsShown(server, aor),
    dumped(server),
    contactsOverHttp(server, aor),
  ]);
  expect(shown).toEqual([expect.objectContaining(facts)]);
  expect(shown[0]!.expires).toBeLessThanOrEqual(expires);
  expect(shown[0]!.expires).toBeGreaterThan(expires - 60);
  expect(lasting(dump.find((view) => view.aor === aor)?.contacts)).toEqual(lasting(shown));
  expect(lasting(told)).toEqual(lasting(shown));
}

/** What does not change from one look to the next. */
function lasting(contacts: readonly ContactView[] = []): Omit<ContactView, "expires">[] {
  return contacts.map(({ expires: _expires, ...rest }) => rest);
}

async function expectAbsent(server: ServerUnderTest, aor: string): Promise<void> {
  const [shown, told] = await Promise.all([contactsShown(server, aor), contactsOverHttp(server, aor)]);
  expect(shown).toEqual([]);
  expect(told).toEqual([]);
}

/** Waits for the binding to go with the connection that has just ended. */
function expectGone(server: ServerUnderTest, aor: string): Promise<boolean> {
  return until(async () => (await contactsOverHttp(server, aor)).length === 0, GONE_MS);
}

const statuses = (answers: readonly Answer[]): number[] => answers.map(({ status }) => status);
const callIdOf = ({ text }: Answer): string => /^Call-ID: (.*)$/m.exec(text)?.[1] ?? "";
const contacts = (answers: readonly Answer[]) => answers.map((answer) => answer.contacts);

/** One run of sipsak: it registers, prints what it is answered, and closes its socket. */
async function sipsak(
  server: ServerUnderTest,
  transport: Transport,
  aor: string,
  args: readonly string[],
): Promise<{ readonly status: number; readonly answers: Answer[] }> {
  // the proxy first: with -s before -p, sipsak looks the domain up
  const proxy = ["-p", `127.0.0.1:${server.ports[transport]}`];
  const mode = ["-U", "-vvv", "-E", transport];
  const { status, output } = await run("sipsak", [...mode, ...proxy, "-s", aor, ...args]);
  return { status, answers: answersIn(output) };
}

/** Arguments of sipp for one phone on a port of its own. */
function sippArgs(
  server: ServerUnderTest,
  transport: Transport,
  phone: { readonly scenario: string; readonly user: string; readonly port: number; readonly log: string },
): string[] {
  return [
    `127.0.0.1:${server.ports[transport]}`,
    ...["-sf", join(SCENARIOS, `${phone.scenario}.xml`), "-t", transport === "udp" ? "u1" : "t1"],
    ...["-i", "127.0.0.1", "-p", String(phone.port), "-s", phone.user, "-key", "domain", "example.com"],
    ..."-m 1 -nostdin -timeout 30 -timeout_error -trace_msg -message_file".split(" "),
    phone.log,
  ];
}

/** Runs one scenario to its end. @returns what sipp logged of the wire */
async function sipp(
  server: ServerUnderTest,
  transport: Transport,
  scenario: string,
  credentials: Credentials,
): Promise<{ readonly status: number; readonly answers: Answer[]; readonly port: number }> {
  const folder = temporaryFolder();
  const port = await freePort();
  const log = join(folder, "messages.log");
  const { user, password } = credentials;
  const args = sippArgs(server, transport, { scenario, user, port, log });
  const { status } = await run("sipp", [...args, "-au", user, "-ap", password], { cwd: folder });
  return { status, answers: answersIn(readFileSync(log, "latin1")), port };
}

/** A phone on Net::SIP, which keeps its socket until its input ends. */
function netSipPhone(
  server: ServerUnderTest,
  transport: Transport,
  phone: { readonly aor: string; readonly callId: string; readonly credentials?: Credentials },
) {
  const program = startProgram("perl", [
    NET_SIP_PHONE,
    transport,
    `127.0.0.1:${server.ports[transport]}`,
    phone.aor,
    phone.callId,
    ...(phone.credentials === undefined ? [] : [phone.credentials.user, phone.credentials.password]),
  ]);
  return { program, ask: (line: string) => netSipAnswer(program, line) };
}

async function netSipAnswer(program: Program, line: string): Promise<Answer> {
  const { text } = JSON.parse(await program.ask(line)) as { readonly text: string };
  const [answer] = answersIn(text);
  if (answer === undefined) throw new Error(`${line}: no answer`);
  return answer;
}

let open: ServerUnderTest;
let closed: ServerUnderTest;

beforeAll(async () => {
  const config = join(temporaryFolder(), "closed.yaml");
  writeFileSync(
    config,
    "listen: [udp:127.0.0.1:0, tcp:127.0.0.1:0]\nadmin: 127.0.0.1:0\ndomains: [example.com]\nopen: false\n",
  );
  [open, closed] = await Promise.all([
    serve({ args: ["--domain", "example.com"] }),
    serve({ args: ["--config", config] }),
  ]);
  for (const user of ["sipsak", "sipp", "netsip"]) {
    const aor = `${user}@example.com`;
    const added = await rollcall(["user", "add", aor, "--password-stdin", "--data", closed.data], PASSWORD);
    expect(added).toMatchObject({ status: 0 });
  }
});

afterAll(async () => {
  expect(await Promise.all([open.stop(), closed.stop()])).toEqual([0, 0]);
});

describeWith("C1: sipsak", ["sipsak"], () => {
  const uri = "sip:sipsak@127.0.0.1:5099";

  test("registers, refreshes, asks and unregisters over UDP", async () => {
    const aor = "sip:sipsak@example.com";
    const registered = await sipsak(open, "udp", aor, ["-C", uri, "-x", "120"]);
    expect(registered).toMatchObject({
      status: 0,
      answers: [{ status: 200, contacts: [{ uri, expires: 120 }] }],
    });
    const facts = { uri, q: 1, cseq: 1, path: [], instance: null, regId: null };
    await expectRegistered(open, aor, {
      ...facts,
      expires: 120,
      userAgent: expect.stringMatching(/^sipsak /) as unknown as string,
      received: expect.stringMatching(/^udp:127\.0\.0\.1:\d+$/) as unknown as string,
    });

    // every run has a Call-ID of its own, and CSeq 1 again: the binding is refreshed all the same (§10.3 step 7)
    const refreshed = await sipsak(open, "udp", aor, ["-C", uri, "-x", "600"]);
    expect(contacts(refreshed.answers)).toEqual([[{ uri, expires: 600 }]]);
    expect(await contactsOverHttp(open, aor)).toMatchObject([
      { ...facts, callId: callIdOf(refreshed.answers[0]!), expires: expect.closeTo(600, -2) },
    ]);

    const asked = await sipsak(open, "udp", aor, ["-C", "empty"]);
    expect(contacts(asked.answers)).toEqual([[{ uri, expires: expect.closeTo(600, -2) }]]);

    const gone = await sipsak(open, "udp", aor, ["-C", uri, "-x", "0"]);
    expect(gone).toMatchObject({ status: 0, answers: [{ status: 200, contacts: [] }] });
    await expectAbsent(open, aor);
  });

  test("takes every binding away with a star", async () => {
    const aor = "sip:sipsak-star@example.com";
    for (const port of [5099, 5098])
      await sipsak(open, "udp", aor, ["-C", `sip:s@127.0.0.1:${port}`, "-x", "120"]);
    expect(await contactsOverHttp(open, aor)).toHaveLength(2);
    const { answers } = await sipsak(open, "udp", aor, ["-C", "*", "-x", "0"]);
    expect(answers).toMatchObject([{ status: 200, contacts: [] }]);
    expect(await contactsOverHttp(open, aor)).toEqual([]);
  });

  test("registers over TCP, and its binding goes when it closes the connection (C3)", async () => {
    const aor = "sip:sipsak-tcp@example.com";
    const registered = await sipsak(open, "tcp", aor, ["-C", uri, "-x", "120"]);
    expect(registered).toMatchObject({
      status: 0,
      answers: [{ status: 200, contacts: [{ uri, expires: 120 }] }],
    });
    await expectGone(open, aor);
    const asked = await sipsak(open, "tcp", aor, ["-C", "empty"]);
    expect(asked).toMatchObject({ status: 0, answers: [{ status: 200, contacts: [] }] });
  });

  test.each(TRANSPORTS)("registers with its password over %s, and with no other (B1)", async (transport) => {
    const aor = "sip:sipsak@example.com";
    const args = ["-C", uri, "-x", "120", "-u", "sipsak"];
    const refused = await sipsak(closed, transport, aor, [...args, "-a", WRONG]);
    expect(refused.status).not.toBe(0);
    expect(statuses(refused.answers)).toEqual([401, 401]);
    expect(await contactsOverHttp(closed, aor)).toEqual([]);

    const accepted = await sipsak(closed, transport, aor, [...args, "-a", PASSWORD]);
    expect(accepted.status).toBe(0);
    expect(statuses(accepted.answers)).toEqual([401, 200]);
    expect(accepted.answers[1]!.contacts).toEqual([{ uri, expires: 120 }]);

    if (transport === "udp") await expectRegistered(closed, aor, { uri, expires: 120 });
    else await expectGone(closed, aor);
    await sipsak(closed, "udp", aor, ["-C", uri, "-x", "0", "-u", "sipsak", "-a", PASSWORD]);
    expect(await contactsOverHttp(closed, aor)).toEqual([]);
  });
});

describeWith("C1: sipp", ["sipp"], () => {
  test.each(TRANSPORTS)("registers, refreshes, asks and unregisters over %s", async (transport) => {
    const { status, answers, port } = await sipp(open, transport, "register-life", {
      user: "sipp-life",
      password: "",
    });
    const uri = `sip:sipp-life@127.0.0.1:${port};transport=${transport.toUpperCase()}`;
    expect(status).toBe(0);
    expect(statuses(answers)).toEqual([200, 200, 200, 200, 200]);
    expect(contacts(answers)).toEqual([
      [{ uri, expires: 120 }],
      [{ uri, expires: 600 }],
      [{ uri, expires: expect.closeTo(600, -2) }],
      [],
      [],
    ]);
    await expectAbsent(open, "sip:sipp-life@example.com");
  });

  test.each(TRANSPORTS)("what it has registered over %s is shown while it stays", async (transport) => {
    const aor = "sip:sipp-hold@example.com";
    const folder = temporaryFolder();
    const port = await freePort();
    const phone = { scenario: "register-hold", user: "sipp-hold", port, log: join(folder, "messages.log") };
    const program = startProgram("sipp", sippArgs(open, transport, phone), folder);
    await until(async () => (await contactsOverHttp(open, aor))[0]?.cseq === 2, 10_000);
    await expectRegistered(open, aor, {
      uri: `sip:sipp-hold@127.0.0.1:${port};transport=${transport.toUpperCase()}`,
      expires: 600,
      cseq: 2,
      userAgent: "SIPp",
      received:
        transport === "udp" ? `udp:127.0.0.1:${port}` : expect.stringMatching(/^tcp:127\.0\.0\.1:\d+$/),
    });
    expect(program.child.exitCode).toBeNull();
    await program.end("SIGKILL");
    if (transport === "tcp") await expectGone(open, aor);
    else {
      expect(await contactsOverHttp(open, aor)).toHaveLength(1);
      expect(await rollcall(["remove", aor, "--data", open.data])).toMatchObject({ status: 0 });
      expect(await contactsOverHttp(open, aor)).toEqual([]);
    }
  });

  test.each(TRANSPORTS)("registers with its password over %s, and with no other (B1)", async (transport) => {
    const aor = "sip:sipp@example.com";
    const refused = await sipp(closed, transport, "register-refused", { user: "sipp", password: WRONG });
    expect(refused.status).toBe(0);
    expect(statuses(refused.answers)).toEqual([401, 401]);
    expect(await contactsOverHttp(closed, aor)).toEqual([]);

    const accepted = await sipp(closed, transport, "register-digest", { user: "sipp", password: PASSWORD });
    expect(accepted.status).toBe(0);
    expect(statuses(accepted.answers)).toEqual([401, 200]);
    const uri = `sip:sipp@127.0.0.1:${accepted.port};transport=${transport.toUpperCase()}`;
    expect(accepted.answers[1]!.contacts).toEqual([{ uri, expires: 120 }]);
    if (transport === "tcp") await expectGone(closed, aor);
    else {
      await expectRegistered(closed, aor, { uri, expires: 120, cseq: 2 });
      await rollcall(["remove", aor, "--data", closed.data]);
      await expectAbsent(closed, aor);
    }
  });
});

describeWith("C1: Net::SIP", ["perl", "Net::SIP"], () => {
  test.each(TRANSPORTS)("registers, refreshes, asks and unregisters over %s", async (transport) => {
    const aor = `sip:netsip-${transport}@example.com`;
    const uri = "sip:netsip@127.0.0.1:5097";
    const callId = `life-${transport}`;
    const { program, ask } = netSipPhone(open, transport, { aor, callId });

    expect(await ask(`register ${uri} 120`)).toMatchObject({
      status: 200,
      contacts: [{ uri, expires: 120 }],
    });
    const received = expect.stringMatching(
      new RegExp(`^${transport}:127\\.0\\.0\\.1:\\d+$`),
    ) as unknown as string;
    await expectRegistered(open, aor, { uri, expires: 120, callId, cseq: 1, received });

    expect((await ask(`register ${uri} 600`)).contacts).toEqual([{ uri, expires: 600 }]);
    expect(await contactsOverHttp(open, aor)).toMatchObject([{ uri, callId, cseq: 2 }]);

    expect((await ask("query")).contacts).toEqual([{ uri, expires: expect.closeTo(600, -2) }]);
    expect(await ask(`register ${uri} 0`)).toMatchObject({ status: 200, contacts: [] });
    await expectAbsent(open, aor);
    expect(await ask("query")).toMatchObject({ status: 200, contacts: [] });

    await ask(`register ${uri} 600`);
    await until(async () => (await contactsOverHttp(open, aor)).length === 1);
    expect(await program.end()).toBe(0);
    if (transport === "tcp") await expectGone(open, aor);
    else expect(await contactsOverHttp(open, aor)).toHaveLength(1);
  });

  test.each(TRANSPORTS)("registers with its password over %s, and with no other (B1)", async (transport) => {
    const aor = "sip:netsip@example.com";
    const uri = "sip:netsip@127.0.0.1:5097";
    const phone = (password: string) =>
      netSipPhone(closed, transport, {
        aor,
        callId: `digest-${transport}-${password}`,
        credentials: { user: "netsip", password },
      });

    const stranger = phone(WRONG);
    expect(await stranger.ask(`register ${uri} 120`)).toMatchObject({ status: 401, contacts: [] });
    expect(await contactsOverHttp(closed, aor)).toEqual([]);
    await stranger.program.end();

    const owner = phone(PASSWORD);
    expect(await owner.ask(`register ${uri} 120`)).toMatchObject({
      status: 200,
      contacts: [{ uri, expires: 120 }],
    });
    await expectRegistered(closed, aor, { uri, expires: 120, cseq: 2 });
    expect(await owner.ask(`register ${uri} 0`)).toMatchObject({ status: 200, contacts: [] });
    expect(await contactsOverHttp(closed, aor)).toEqual([]);
    expect(await owner.program.end()).toBe(0);
  });
});
